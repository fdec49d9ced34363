/*
 * OpenSSL's own functions, below EVP: SHA, and the verification of ECDSA. They are the very code
 * that its default provider calls, without what EVP does around it: 40 of 160 nanoseconds for the
 * extend of a PCR, of which a list of files needs hundreds of thousands.
 */
#ifndef RATLS_CRYPTO_DIRECT_H
#define RATLS_CRYPTO_DIRECT_H

#include <openssl/types.h>

#include "crypto.h"

/*
 * Whether the functions below may stand for this method: it is the default provider's. A program
 * whose configuration chose another one, such as the FIPS module, gets that one. Never, in a build
 * of OpenSSL that has no such functions.
 */
bool ratls_direct_stands_for(const EVP_MD *method, uint16_t alg);

/* Digest of the parts, one after the other. out may be one of them. False if OpenSSL failed. */
bool ratls_direct_digest(uint16_t alg, const struct ratls_slice *parts, size_t count, uint8_t *out);
/* The same of SHA-256 and SHA-384 for secrets: leaves nothing of them but out. */
bool ratls_direct_secret_digest(uint16_t alg, const struct ratls_slice *parts, size_t count,
                                uint8_t *out);

/*
 * A public key on a named curve (an OpenSSL NID) of an uncompressed point, made without a provider:
 * ready for ratls_direct_ecdsa(), and known to EVP all the same. NULL if the point is none, or if
 * functions below EVP are not to be used. The caller frees it.
 */
EVP_PKEY *ratls_direct_ec_key(int nid, struct ratls_slice point);

/*
 * Verifies an ECDSA signature over a digest with a key of ours or of the default provider, by the
 * function that this provider calls. False: it does not stand for this key; nothing was verified.
 * What it saves is a context, a fetch, and r and s written as DER only to be read again: 3 of 75
 * microseconds. *ret_valid is also false if OpenSSL calls the verification itself a failure.
 */
bool ratls_direct_ecdsa(EVP_PKEY *key, const struct ratls_tpm_signature *signature,
                        struct ratls_slice digest, bool *ret_valid);

#endif
