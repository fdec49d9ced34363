/* What the files policy_lint*.c share. */
#ifndef RATLS_POLICY_LINT_PARTS_H
#define RATLS_POLICY_LINT_PARTS_H

#include "policy_load.h"

struct ratls_lint {
    void (*warn)(void *self, const char *text);
    void *self;
    const struct ratls_source *source;
    const struct ratls_document *document;
    const struct ratls_rules *rules;
};

/* One line, with the place of the value at a path. */
void ratls_lint_warn(const struct ratls_lint *lint, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* servers or clients, and those of keys. */
void ratls_lint_servers(const struct ratls_lint *lint);
/* PCRs that nothing is compared with; pcrs and reference-values. */
void ratls_lint_pcrs(const struct ratls_lint *lint);
void ratls_lint_boot(const struct ratls_lint *lint);
void ratls_lint_ima(const struct ratls_lint *lint);
/* Files of digests, of whatever key they are. bank: of boot, else 0. */
void ratls_lint_references(const struct ratls_lint *lint, const char *key,
                           const struct ratls_references *references, uint16_t bank);

#endif
