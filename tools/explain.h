/* A policy in sentences, for those who answer for it and do not read YAML. */
#ifndef RATLS_TOOL_EXPLAIN_H
#define RATLS_TOOL_EXPLAIN_H

#include "rules.h"

enum ratls_explain_section {
    RATLS_EXPLAIN_SERVERS,
    RATLS_EXPLAIN_TRUST,
    RATLS_EXPLAIN_FRESHNESS,
    RATLS_EXPLAIN_BOOT,
    RATLS_EXPLAIN_RUNNING,
    RATLS_EXPLAIN_UNCHECKED,
    RATLS_EXPLAIN_COUNT
};

struct ratls_explain {
    void (*say)(void *self, enum ratls_explain_section section, const char *sentence);
    void *self;
    const struct ratls_rules *rules;
};

const char *ratls_explain_heading(enum ratls_explain_section section);

/* Sentence after sentence, section after section. */
void ratls_explain(const struct ratls_explain *x);

/* For the files explain*.c. */
void ratls_explain_say(const struct ratls_explain *x, enum ratls_explain_section section,
                       const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "one of 12 digests in a.sha256 and b.sha256". */
void ratls_explain_references(const struct ratls_explain *x,
                              const struct ratls_references *references, char *out, size_t cap);
void ratls_explain_boot(const struct ratls_explain *x); /* the sections boot and ima */
void ratls_explain_ima(const struct ratls_explain *x);
void ratls_explain_results(const struct ratls_explain *x);

#endif
