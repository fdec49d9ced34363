/* What a policy allows although a person may not have meant it. */
#ifndef RATLS_POLICY_LINT_H
#define RATLS_POLICY_LINT_H

#include <ratls/error.h>

/*
 * Loads a policy as ratls_policy_load() does, with the same errors, and calls warn with one line
 * "file:line:column: at: …" for each warning. Nothing is changed by it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_policy_lint(const char *path,
                                                     void (*warn)(void *self, const char *text),
                                                     void *self, struct ratls_error *err);

#endif
