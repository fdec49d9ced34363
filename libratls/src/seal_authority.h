/*
 * The authority that says in which states a sealed attestation key may be used: a key of P-256 or
 * RSA 2048 outside of the machine. The TPM knows its public part as an external key, whose Name is
 * in the attestation key's policy.
 */
#ifndef RATLS_SEAL_AUTHORITY_H
#define RATLS_SEAL_AUTHORITY_H

#include "seal.h"

struct ratls_seal_authority {
    uint8_t area[RATLS_SEAL_AREA_MAX]; /* TPMT_PUBLIC */
    size_t area_len;
    uint8_t name[RATLS_SEAL_NAME_LEN];
};

/* Of a key of either half. RATLS_USAGE if it is of another kind. */
RATLS_MUST_CHECK enum ratls_status ratls_seal_authority_of_key(EVP_PKEY *key,
                                                               struct ratls_seal_authority *ret,
                                                               struct ratls_error *err);
/* Of the text of a file: a public key in PEM. RATLS_USAGE if it is none, or of another kind. */
RATLS_MUST_CHECK enum ratls_status ratls_seal_authority_of_pem(struct ratls_slice pem,
                                                               struct ratls_seal_authority *ret,
                                                               struct ratls_error *err);
/* Of an area as it was kept. RATLS_USAGE unless it is the area of such a key, to the byte. */
RATLS_MUST_CHECK enum ratls_status ratls_seal_authority_of_area(struct ratls_slice area,
                                                                struct ratls_seal_authority *ret,
                                                                struct ratls_error *err);

/* *ret_valid: whether this authority has signed the state. */
RATLS_MUST_CHECK enum ratls_status
ratls_seal_authority_verify(const struct ratls_seal_authority *authority,
                            const struct ratls_seal *seal, bool *ret_valid,
                            struct ratls_error *err);

/* TPMT_SIGNATURE over the state's policy by the private key, which may be a provider's. */
RATLS_MUST_CHECK enum ratls_status
ratls_seal_authority_sign(EVP_PKEY *key, const struct ratls_seal *seal,
                          uint8_t out[static RATLS_SEAL_SIGNATURE_MAX], size_t *ret_len,
                          struct ratls_error *err);

#endif
