/* What the parts of ratls_rules_build() share. */
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

/* The path of a file that is read next, relative to the policy's folder; the caller frees it. */
char *ratls_build_path(struct ratls_build *b, const char *file);
/* The same of an entry of the list at `key`, at which b->at then is; none may be there twice. */
RATLS_MUST_CHECK enum ratls_status ratls_build_file(struct ratls_build *b, const char *key,
                                                    const struct ratls_document_list *list,
                                                    size_t index, char **ret_path);
/* What is wrong with such a file, behind the place in the policy that names it. */
enum ratls_status ratls_build_refuse_file(struct ratls_build *b, const char *path,
                                          const struct ratls_error *why);

/* policy_keys.c: attestation-keys, after servers or clients. */
RATLS_MUST_CHECK enum ratls_status ratls_build_keys(struct ratls_build *b);
/* The Name of a key in hex digits; out is longer than most of them. why: RATLS_USAGE, in words. */
RATLS_MUST_CHECK enum ratls_status ratls_build_read_name(struct ratls_slice text,
                                                         uint8_t out[static RATLS_TPM_NAME_MAX],
                                                         size_t *ret_len, struct ratls_error *why);
RATLS_MUST_CHECK enum ratls_status
ratls_build_denied_keys(struct ratls_build *b); /* policy_denied.c */
/* policy_pcrs.c: pcrs and reference-values. */
RATLS_MUST_CHECK enum ratls_status ratls_build_pcrs(struct ratls_build *b);
/* The number of a PCR that proves something; where: what goes before the words, "" or the file that
 * has this text. */
RATLS_MUST_CHECK enum ratls_status ratls_build_index(struct ratls_build *b, const char *where,
                                                     struct ratls_slice text, uint8_t *ret_index);
RATLS_MUST_CHECK enum ratls_status ratls_build_boot(struct ratls_build *b); /* policy_boot.c */
void ratls_boot_rules_done(struct ratls_boot_rules *rules);
RATLS_MUST_CHECK enum ratls_status ratls_build_ima(struct ratls_build *b); /* policy_ima.c */
void ratls_ima_rules_done(struct ratls_ima_rules *rules);
/* policy_freshness.c: freshness, epoch, max-age, renew and binding. */
RATLS_MUST_CHECK enum ratls_status ratls_build_freshness(struct ratls_build *b);
void ratls_epoch_rules_done(struct ratls_epoch_rules *rules);
RATLS_MUST_CHECK enum ratls_status
ratls_build_results(struct ratls_build *b); /* policy_results.c */
void ratls_result_rules_done(struct ratls_result_rules *rules);
/* policy_digest.c: of the text and of the files that were named; after all of them were read. */
RATLS_MUST_CHECK enum ratls_status ratls_build_digest(struct ratls_build *b);
/* policy_selection.c: what must be quoted; refuses what compares nothing. After all of the above.
 */
RATLS_MUST_CHECK enum ratls_status ratls_build_selection(struct ratls_build *b);

/*
 * policy_references.c: the files of the list at `key`. bank: each must have digests as long as one
 * of this bank; 0: of any.
 */
RATLS_MUST_CHECK enum ratls_status ratls_build_references(struct ratls_build *b, const char *key,
                                                          const struct ratls_document_list *list,
                                                          uint16_t bank,
                                                          struct ratls_references *ret_references);
void ratls_references_done(struct ratls_references *references);

/* policy_certificates.c: the certificates in the files of the list at `key`. */
struct ratls_build_certificates {
    struct ratls_pem_certificate *items;
    size_t count;
};
RATLS_MUST_CHECK enum ratls_status
ratls_build_certificates(struct ratls_build *b, const char *key,
                         const struct ratls_document_list *list,
                         struct ratls_build_certificates *ret_certificates);

/* policy_patterns.c: the patterns of the list at `key`, for paths. */
RATLS_MUST_CHECK enum ratls_status ratls_build_patterns(struct ratls_build *b, const char *key,
                                                        const struct ratls_document_list *list,
                                                        struct ratls_patterns *ret_patterns);
/* The patterns in the files of the list at `key`, for texts of boot loaders (policy_lines.h). */
RATLS_MUST_CHECK enum ratls_status ratls_build_lines(struct ratls_build *b, const char *key,
                                                     const struct ratls_document_list *list,
                                                     struct ratls_patterns *ret_patterns);
/* Takes the text, from which the pattern borrows, also if it fails. */
RATLS_MUST_CHECK enum ratls_status ratls_patterns_add(struct ratls_build *b,
                                                      struct ratls_patterns *patterns, char *text,
                                                      const struct ratls_pattern *pattern);
void ratls_patterns_done(struct ratls_patterns *patterns);
/* The names of the list at `key`. */
RATLS_MUST_CHECK enum ratls_status ratls_build_names(struct ratls_build *b, const char *key,
                                                     char *const *texts, size_t count,
                                                     struct ratls_names *ret_names);

#endif
