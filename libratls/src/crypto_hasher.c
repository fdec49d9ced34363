#include "crypto_hasher.h"

#include <openssl/evp.h>
#include <stdatomic.h>

#include "crypto_direct.h"
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

static const EVP_MD *find_method(uint16_t alg)
{
    return alg == RATLS_ALG_SHA1 ? fetch_sha1() : ratls_digest_method(alg);
}

enum ratls_status ratls_hasher_begin(uint16_t alg, struct ratls_hasher *ret_hasher,
                                     struct ratls_error *err)
{
    struct ratls_hasher hasher = {.alg = alg, .len = ratls_tpm_hash_len(alg)};
    const EVP_MD *method;

    *ret_hasher = hasher;
    if (alg != RATLS_ALG_SHA1 && !ratls_tpm_is_strong_hash(alg))
        return ratls_fail(err, RATLS_MALFORMED,
                          "hash algorithm 0x%04x is none of SHA-1, SHA-256, SHA-384 and SHA-512",
                          (unsigned)alg);
    method = find_method(alg);
    if (method == NULL)
        return ratls_fail_openssl(err, ratls_tpm_alg_name(alg));
    if (!ratls_direct_stands_for(method, alg)) {
        hasher.ctx = EVP_MD_CTX_new();
        if (hasher.ctx == NULL || EVP_DigestInit_ex2(hasher.ctx, method, NULL) != 1) {
            ratls_hasher_end(&hasher);
            return ratls_fail_openssl(err, ratls_tpm_alg_name(alg));
        }
    }
    *ret_hasher = hasher;
    return RATLS_OK;
}

static bool digest_by_evp(EVP_MD_CTX *ctx, const struct ratls_slice *parts, size_t count,
                          uint8_t *out)
{
    bool is_good = EVP_DigestInit_ex2(ctx, NULL, NULL) == 1;

    for (size_t i = 0; is_good && i < count; i++)
        if (parts[i].len > 0)
            is_good = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
    return is_good && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

enum ratls_status ratls_hasher_digest(struct ratls_hasher *hasher, const struct ratls_slice *parts,
                                      size_t count, uint8_t *out, struct ratls_error *err)
{
    bool is_good = hasher->ctx == NULL ? ratls_direct_digest(hasher->alg, parts, count, out)
                                       : digest_by_evp(hasher->ctx, parts, count, out);

    if (!is_good)
        return ratls_fail_openssl(err, ratls_tpm_alg_name(hasher->alg));
    return RATLS_OK;
}

void ratls_hasher_end(struct ratls_hasher *hasher)
{
    EVP_MD_CTX_free(hasher->ctx);
    hasher->ctx = NULL;
}
