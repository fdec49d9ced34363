/* What a policy allows although a person may not have meant it. */
#ifndef RATLS_POLICY_LINT_H
#define RATLS_POLICY_LINT_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_LINT_VALUE_MAX 192

/*
 * Loads a policy as ratls_policy_load() does, with the same errors, and calls warn with one line
 * "file:line:column: at: …" for each warning. Nothing is changed by it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_policy_lint(const char *path,
                                                     void (*warn)(void *self, const char *text),
                                                     void *self, struct ratls_error *err);

/* The same of one value of a PCR, without a place: true if there is something to be warned of. */
bool ratls_policy_lint_value(unsigned index, struct ratls_slice value,
                             char out[static RATLS_LINT_VALUE_MAX]);

#endif
