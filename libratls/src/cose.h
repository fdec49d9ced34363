/* COSE_Sign1 (RFC 9052, 4.2) around an attestation result: WIRE.md, 12. */
#ifndef RATLS_COSE_H
#define RATLS_COSE_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_COSE_MAX 8192 /* bytes of the whole */

/* Borrows from the bytes that it was read from. */
struct ratls_cose {
    int64_t alg; /* that the header names: compared with the verifier's key, and never chosen by */
    struct ratls_slice header; /* protected, as it was signed */
    struct ratls_slice payload;
    struct ratls_slice signature;
};

/* The shape alone: nothing is verified. */
bool ratls_cose_read(struct ratls_slice in, struct ratls_cose *ret);

RATLS_MUST_CHECK enum ratls_status ratls_cose_verify(const struct ratls_cose *cose, EVP_PKEY *key,
                                                     bool *ret_valid, struct ratls_error *err);
/* The caller frees *ret_bytes with free(). RATLS_LIMIT if it has more than RATLS_COSE_MAX bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_cose_sign(EVP_PKEY *key, struct ratls_slice payload,
                                                   uint8_t **ret_bytes, size_t *ret_len,
                                                   struct ratls_error *err);

#endif
