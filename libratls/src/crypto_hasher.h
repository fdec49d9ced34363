/*
 * A hash for very many short inputs: the algorithm is fetched, and the context made, once. A fetch
 * and a context for each would cost three times the extend of a PCR itself; with OpenSSL's default
 * provider there is not even EVP in between (crypto_direct.h).
 */
#ifndef RATLS_CRYPTO_HASHER_H
#define RATLS_CRYPTO_HASHER_H

#include "crypto.h"

struct ratls_hasher {
    EVP_MD_CTX *ctx; /* NULL: crypto_direct.h */
    uint16_t alg;
    size_t len; /* of a digest */
};

/*
 * SHA-1, SHA-256, SHA-384 or SHA-512. SHA-1 is there to read logs that have
 * no better digest: what rests on it alone is no proof.
 * Whatever is returned, end it with ratls_hasher_end().
 */
RATLS_MUST_CHECK enum ratls_status ratls_hasher_begin(uint16_t alg, struct ratls_hasher *ret_hasher,
                                                      struct ratls_error *err);
/* Digest of the parts, one after the other. out may be one of them. */
RATLS_MUST_CHECK enum ratls_status ratls_hasher_digest(struct ratls_hasher *hasher,
                                                       const struct ratls_slice *parts,
                                                       size_t count, uint8_t *out,
                                                       struct ratls_error *err);
void ratls_hasher_end(struct ratls_hasher *hasher);

#endif
