#include "crypto_hasher.h"

#include <openssl/evp.h>
#include <stdatomic.h>

#include "fail.h"

/* As those of crypto.c: fetched at first use, never changes once set. */
static _Atomic(EVP_MD *) sha1;

static const EVP_MD *fetch_sha1(void)
{
    EVP_MD *md = atomic_load_explicit(&sha1, memory_order_acquire);
    EVP_MD *fetched;

    if (md != NULL)
        return md;
    fetched = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (fetched != NULL && !atomic_compare_exchange_strong(&sha1, &md, fetched)) {
        EVP_MD_free(fetched);
        return md;
    }
    return fetched;
}

static bool set_method(EVP_MD_CTX *ctx, uint16_t alg)
{
    const EVP_MD *method = alg == RATLS_ALG_SHA1 ? fetch_sha1() : ratls_digest_method(alg);

    return method != NULL && EVP_DigestInit_ex2(ctx, method, NULL) == 1;
}

enum ratls_status ratls_hasher_begin(uint16_t alg, struct ratls_hasher *ret_hasher,
                                     struct ratls_error *err)
{
    struct ratls_hasher hasher = {.alg = alg, .len = ratls_tpm_hash_len(alg)};

    *ret_hasher = hasher;
    if (alg != RATLS_ALG_SHA1 && !ratls_tpm_is_strong_hash(alg))
        return ratls_fail(err, RATLS_MALFORMED,
                          "hash algorithm 0x%04x is none of SHA-1, SHA-256, SHA-384 and SHA-512",
                          (unsigned)alg);
    hasher.ctx = EVP_MD_CTX_new();
    if (hasher.ctx == NULL || !set_method(hasher.ctx, alg)) {
        ratls_hasher_end(&hasher);
        return ratls_fail_openssl(err, ratls_tpm_alg_name(alg));
    }
    *ret_hasher = hasher;
    return RATLS_OK;
}

enum ratls_status ratls_hasher_digest(struct ratls_hasher *hasher, const struct ratls_slice *parts,
                                      size_t count, uint8_t *out, struct ratls_error *err)
{
    bool is_good = EVP_DigestInit_ex2(hasher->ctx, NULL, NULL) == 1;

    for (size_t i = 0; is_good && i < count; i++)
        if (parts[i].len > 0)
            is_good = EVP_DigestUpdate(hasher->ctx, parts[i].p, parts[i].len) == 1;
    if (!is_good || EVP_DigestFinal_ex(hasher->ctx, out, NULL) != 1)
        return ratls_fail_openssl(err, ratls_tpm_alg_name(hasher->alg));
    return RATLS_OK;
}

void ratls_hasher_end(struct ratls_hasher *hasher)
{
    EVP_MD_CTX_free(hasher->ctx);
    hasher->ctx = NULL;
}
