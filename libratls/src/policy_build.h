/* What the two halves of ratls_rules_build() share. */
#ifndef RATLS_POLICY_BUILD_H
#define RATLS_POLICY_BUILD_H

#include "policy_load.h"

struct ratls_build {
    const struct ratls_source *source;
    const struct ratls_document *document;
    struct ratls_rules *rules;
    struct ratls_error *err;
    char at[RATLS_POLICY_AT_MAX]; /* the value that is looked at */
    char shown[64];               /* a text of the file, escaped */
};

void ratls_build_at(struct ratls_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* RATLS_USAGE, with file, line and column of b->at. */
enum ratls_status ratls_build_refuse(struct ratls_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum ratls_status ratls_build_no_memory(struct ratls_build *b);
/* A text of the file, for a message; valid until the next call. */
const char *ratls_build_show(struct ratls_build *b, const char *text);

/* policy_keys.c: attestation-keys, after servers. */
RATLS_MUST_CHECK enum ratls_status ratls_build_keys(struct ratls_build *b);
/* policy_pcrs.c: pcrs, and the selection of them. */
RATLS_MUST_CHECK enum ratls_status ratls_build_pcrs(struct ratls_build *b);
/* policy_names.c's texts, in `at` and the list `servers` in it. */
RATLS_MUST_CHECK enum ratls_status ratls_build_names(struct ratls_build *b, const char *prefix,
                                                     char *const *texts, size_t count,
                                                     struct ratls_names *ret_names);

#endif
