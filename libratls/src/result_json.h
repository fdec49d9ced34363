/* An attestation result in JSON (WIRE.md, 12): what a JWT has in it. Read offline only. */
#ifndef RATLS_RESULT_JSON_H
#define RATLS_RESULT_JSON_H

#include <ratls/error.h>

#include "bytes.h"
#include "result.h"

/* The caller frees *ret_text, which ends with a NUL, with free(). */
RATLS_MUST_CHECK enum ratls_status ratls_result_json_write(const struct ratls_result *result,
                                                           char **ret_text,
                                                           struct ratls_error *err);

/* The claims, and the text and the bytes that they borrow from. */
struct ratls_result_json {
    struct ratls_result result;
    uint8_t *bytes;
};

/* RATLS_MALFORMED if it is no EAR. The caller ends it with ratls_result_json_done(). */
RATLS_MUST_CHECK enum ratls_status ratls_result_json_read(struct ratls_slice text,
                                                          struct ratls_result_json *ret,
                                                          struct ratls_error *err);
void ratls_result_json_done(struct ratls_result_json *json);

/* The algorithm that the header of a JWS names; "" if it does not fit. */
RATLS_MUST_CHECK enum ratls_status ratls_result_json_alg(struct ratls_slice header, char *out,
                                                         size_t cap, struct ratls_error *err);

#endif
