/* JWS in its compact form (RFC 7515, 7.1) around an attestation result: WIRE.md, 12. */
#ifndef RATLS_JWS_H
#define RATLS_JWS_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_JWS_MAX 16384 /* characters */

struct ratls_jws {
    struct ratls_slice signed_text; /* header and payload, of what was read */
    char alg[8];                    /* that the header names; "": another one than ES256 or ES384 */
    size_t payload_len;
    size_t signature_len;
    uint8_t signature[128];
    uint8_t payload[RATLS_JWS_MAX];
};

/*
 * The shape alone. RATLS_MALFORMED if it is none, else RATLS_MEMORY. The caller frees *ret_jws with
 * free().
 */
RATLS_MUST_CHECK enum ratls_status
ratls_jws_read(struct ratls_slice text, struct ratls_jws **ret_jws, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_jws_verify(const struct ratls_jws *jws, EVP_PKEY *key,
                                                    bool *ret_valid, struct ratls_error *err);
/* The caller frees *ret_text with free(); it has no final NUL. */
RATLS_MUST_CHECK enum ratls_status ratls_jws_sign(EVP_PKEY *key, struct ratls_slice payload,
                                                  uint8_t **ret_text, size_t *ret_len,
                                                  struct ratls_error *err);

#endif
