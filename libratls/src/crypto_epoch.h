/* Keys of epochs: ECDSA on P-256 with SHA-256, and nothing else (WIRE.md, 5.1). */
#ifndef RATLS_CRYPTO_EPOCH_H
#define RATLS_CRYPTO_EPOCH_H

#include <openssl/types.h>

#include "epoch.h"

/*
 * The key with this SubjectPublicKeyInfo; NULL, and RATLS_OK, if it is one of another kind. The
 * caller frees it with EVP_PKEY_free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_epoch_public(struct ratls_slice spki, EVP_PKEY **ret_key,
                                                      struct ratls_error *err);
/* *ret_valid: whether `signature` is one over the statement by this key, which may be NULL. */
RATLS_MUST_CHECK enum ratls_status ratls_epoch_verify_by(EVP_PKEY *key,
                                                         struct ratls_slice statement,
                                                         struct ratls_slice signature,
                                                         bool *ret_valid, struct ratls_error *err);

/*
 * Both: *ret_valid: whether `signature` is one over the statement by the key with this
 * SubjectPublicKeyInfo. A key of any other kind has signed nothing.
 */
RATLS_MUST_CHECK enum ratls_status ratls_epoch_verify(struct ratls_slice spki,
                                                      struct ratls_slice statement,
                                                      struct ratls_slice signature, bool *ret_valid,
                                                      struct ratls_error *err);

/*
 * A key whose private part lies in a page of its own, which the kernel leaves out of core dumps and
 * wipes in a child of fork() (madvise(2), MADV_WIPEONFORK): there it signs nothing.
 */
struct ratls_epoch_key;

RATLS_MUST_CHECK enum ratls_status ratls_epoch_key_new(struct ratls_epoch_key **ret_key,
                                                       struct ratls_error *err);
void ratls_epoch_key_free(struct ratls_epoch_key *key); /* wipes it; accepts NULL */

/* Belongs to the key. */
struct ratls_slice ratls_epoch_key_spki(const struct ratls_epoch_key *key);

/* Safe for any number of threads. RATLS_CRYPTO in a child of the process that made the key. */
RATLS_MUST_CHECK enum ratls_status
ratls_epoch_key_sign(const struct ratls_epoch_key *key, struct ratls_slice statement,
                     uint8_t out[static RATLS_EPOCH_SIGNATURE_MAX], size_t *ret_len,
                     struct ratls_error *err);

#endif
