/*
 * Hashes of PCR banks for what people look at: also SHA-1, SM3 and SHA-3, which no verdict rests
 * on. The library has its own for those that one does (crypto_hasher.h).
 */
#ifndef RATLS_TOOL_BANK_HASH_H
#define RATLS_TOOL_BANK_HASH_H

#include <openssl/types.h>

#include "bytes.h"

#define RATLS_BANK_DIGEST_MAX 64

/* "sha256", "sm3_256" and so on; NULL for what is no hash that we know (TPM_ALG_ID). */
const char *ratls_bank_name(uint16_t alg);
uint16_t ratls_bank_alg(const char *name);   /* 0 if there is none */
size_t ratls_bank_len(uint16_t alg);         /* 0 if it is not known */
const char *ratls_bank_method(uint16_t alg); /* as OpenSSL calls it; NULL if it is not known */
uint16_t ratls_bank_by_len(size_t len);      /* of SHA-1 and SHA-2; 0 if there is none */

struct ratls_bank_hash {
    size_t len;
    EVP_MD *method;
    EVP_MD_CTX *ctx;
};

/* False if it is not known, or OpenSSL has it not. End it in any case. */
bool ratls_bank_hash_begin(uint16_t alg, struct ratls_bank_hash *ret_hash);
void ratls_bank_hash_end(struct ratls_bank_hash *hash); /* also one of zeros */
/* Digest of the parts, one after the other, hash->len bytes. False if OpenSSL fails. */
bool ratls_bank_hash(struct ratls_bank_hash *hash, const struct ratls_slice *parts, size_t count,
                     uint8_t *out);

#endif
