/* ECDSA as COSE and JOSE have it: r and s side by side (RFC 9053, 2.1; RFC 7518, 3.4). */
#ifndef RATLS_CRYPTO_ECDSA_H
#define RATLS_CRYPTO_ECDSA_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_ECDSA_MAX 96 /* bytes of a signature by P-384 */

struct ratls_ecdsa {
    const char *jose; /* "ES256" or "ES384" */
    int cose;         /* -7 or -35 */
    const char *group;
    uint16_t hash; /* TPM_ALG_ID */
    size_t half;   /* bytes of r, and of s */
};

/* What signatures of this key are; NULL: not a key on P-256 or P-384. The curve alone decides. */
const struct ratls_ecdsa *ratls_ecdsa_of(const EVP_PKEY *key);

/* DER of the two numbers; the length, or a number below 1. Freed with OPENSSL_free(). */
int ratls_ecdsa_der(struct ratls_slice r, struct ratls_slice s, uint8_t **ret_der);

/* Over the parts, one after the other. out has RATLS_ECDSA_MAX bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_ecdsa_sign(EVP_PKEY *key, const struct ratls_slice *parts,
                                                    size_t count, uint8_t *out, size_t *ret_len,
                                                    struct ratls_error *err);
/* *ret_valid: whether the signature is one by this key, with the algorithm of its curve. */
RATLS_MUST_CHECK enum ratls_status ratls_ecdsa_verify(EVP_PKEY *key,
                                                      const struct ratls_slice *parts, size_t count,
                                                      struct ratls_slice signature, bool *ret_valid,
                                                      struct ratls_error *err);

/*
 * The public key of a file (PEM): a SubjectPublicKeyInfo, or a certificate, of which nothing but
 * the key counts. RATLS_USAGE if there is none, more than one, or none on P-256 or P-384. The
 * caller frees it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ecdsa_public(struct ratls_slice pem, EVP_PKEY **ret_key,
                                                      struct ratls_error *err);

#endif
