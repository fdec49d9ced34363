#include "bank_hash.h"

#include <openssl/evp.h>
#include <string.h>

#include "tpm_wire.h"

static const struct bank {
    uint16_t alg;
    const char *name;
    const char *method; /* as OpenSSL calls it */
    size_t len;
} banks[] = {
    {RATLS_ALG_SHA1, "sha1", "SHA1", 20},
    {RATLS_ALG_SHA256, "sha256", "SHA2-256", 32},
    {RATLS_ALG_SHA384, "sha384", "SHA2-384", 48},
    {RATLS_ALG_SHA512, "sha512", "SHA2-512", 64},
    {RATLS_ALG_SM3_256, "sm3_256", "SM3", 32},
    {RATLS_ALG_SHA3_256, "sha3_256", "SHA3-256", 32},
    {RATLS_ALG_SHA3_384, "sha3_384", "SHA3-384", 48},
    {RATLS_ALG_SHA3_512, "sha3_512", "SHA3-512", 64},
};
#define BANK_COUNT (sizeof banks / sizeof *banks)

static const struct bank no_bank = {0, NULL, NULL, 0};

static const struct bank *find_bank(uint16_t alg)
{
    for (size_t i = 0; i < BANK_COUNT; i++)
        if (banks[i].alg == alg)
            return &banks[i];
    return &no_bank;
}

const char *ratls_bank_name(uint16_t alg)
{
    return find_bank(alg)->name;
}

uint16_t ratls_bank_alg(const char *name)
{
    for (size_t i = 0; i < BANK_COUNT; i++)
        if (strcmp(banks[i].name, name) == 0)
            return banks[i].alg;
    return 0;
}

size_t ratls_bank_len(uint16_t alg)
{
    return find_bank(alg)->len;
}

const char *ratls_bank_method(uint16_t alg)
{
    return find_bank(alg)->method;
}

uint16_t ratls_bank_by_len(size_t len)
{
    for (size_t i = 0; i < BANK_COUNT; i++)
        if (banks[i].len == len) /* those of SHA-2 come before others of their length */
            return banks[i].alg;
    return 0;
}

bool ratls_bank_hash_begin(uint16_t alg, struct ratls_bank_hash *ret_hash)
{
    const struct bank *bank = find_bank(alg);

    *ret_hash = (struct ratls_bank_hash){.len = bank->len};
    if (bank->method == NULL)
        return false;
    ret_hash->method = EVP_MD_fetch(NULL, bank->method, NULL);
    ret_hash->ctx = EVP_MD_CTX_new();
    return ret_hash->method != NULL && ret_hash->ctx != NULL;
}

void ratls_bank_hash_end(struct ratls_bank_hash *hash)
{
    EVP_MD_CTX_free(hash->ctx);
    EVP_MD_free(hash->method);
    hash->ctx = NULL;
    hash->method = NULL;
}

bool ratls_bank_hash(struct ratls_bank_hash *hash, const struct ratls_slice *parts, size_t count,
                     uint8_t *out)
{
    bool is_good = EVP_DigestInit_ex2(hash->ctx, hash->method, NULL) == 1;

    for (size_t i = 0; is_good && i < count; i++)
        if (parts[i].len > 0)
            is_good = EVP_DigestUpdate(hash->ctx, parts[i].p, parts[i].len) == 1;
    return is_good && EVP_DigestFinal_ex(hash->ctx, out, NULL) == 1;
}
