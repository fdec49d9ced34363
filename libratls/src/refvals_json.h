/* What jansson does not promise: a bound for the depth, and to say that it had no memory. */
#ifndef RATLS_REFVALS_JSON_H
#define RATLS_REFVALS_JSON_H

#include <jansson.h>

#include <ratls/error.h>

#include "bytes.h"

/*
 * JSON without NUL, without keys that stand twice, and nested to at most max_depth: RATLS_USAGE if
 * it is something else, with the place in the file of this path. The caller calls json_decref().
 */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_json(const char *path, struct ratls_slice text,
                                                      size_t max_depth, json_t **ret_json,
                                                      struct ratls_error *err);

#endif
