/*
 * Keys that sign digests of files, from certificates that a policy names. Validity periods are not
 * looked at: a signature on a file stays what it is when the certificate of its signer expires.
 */
#ifndef RATLS_CRYPTO_SIGNER_H
#define RATLS_CRYPTO_SIGNER_H

#include "crypto.h"

#define RATLS_SIGNER_ID_LEN 4
#define RATLS_SIGNER_IDS_MAX 2

struct ratls_signer {
    EVP_PKEY *key;
    size_t id_count;
    /* The ends of the SHA-1 of the public key, and of the subjectKeyIdentifier if there is one. */
    uint8_t ids[RATLS_SIGNER_IDS_MAX][RATLS_SIGNER_ID_LEN];
};

/* RSA of 2048 bits and more, or ECDSA with 256 and more; RATLS_USAGE for another key. */
RATLS_MUST_CHECK enum ratls_status
ratls_signer_init(X509 *certificate, struct ratls_signer *ret_signer, struct ratls_error *err);
void ratls_signer_done(struct ratls_signer *signer); /* also one of zeros */

/* An id says only which key to try. */
bool ratls_signer_has_id(const struct ratls_signer *signer, struct ratls_slice id);

/*
 * *ret_valid: whether it is a signature over this digest by the key: RSASSA-PKCS1-v1_5 with the
 * DigestInfo of `hash`, or the DER of an ECDSA-Sig-Value. hash is SHA-256, SHA-384 or SHA-512; by
 * any other nothing is valid.
 */
RATLS_MUST_CHECK enum ratls_status ratls_signer_verify(const struct ratls_signer *signer,
                                                       uint16_t hash, struct ratls_slice digest,
                                                       struct ratls_slice signature,
                                                       bool *ret_valid, struct ratls_error *err);

#endif
