/* Digests, TPM names, key derivation, random. The fetched algorithms never change once set. */
#include "crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "fail.h"

#define HKDF_OUTPUT_LEN 32
#define HKDF_PREFIX "tls13 "

struct digest {
    uint16_t alg;
    const char *name;
    size_t len;
    _Atomic(EVP_MD *) md;
};

static struct digest digests[] = {
    {RATLS_ALG_SHA256, "SHA256", 32, NULL},
    {RATLS_ALG_SHA384, "SHA384", 48, NULL},
    {RATLS_ALG_SHA512, "SHA512", 64, NULL},
};

static _Atomic(EVP_KDF *) tls13_kdf;

/* NULL for an algorithm that is none of the three. */
static struct digest *find_digest(uint16_t alg)
{
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
        if (digests[i].alg == alg)
            return &digests[i];
    return NULL;
}

/*
 * Fetches at first use, and again if that failed: a provider may be loaded later. Of two threads
 * that fetch at the same time one keeps its copy.
 */
static const EVP_MD *fetch_digest(struct digest *digest)
{
    EVP_MD *md = atomic_load_explicit(&digest->md, memory_order_acquire);
    if (md)
        return md;
    EVP_MD *fetched = EVP_MD_fetch(NULL, digest->name, NULL);
    if (fetched && !atomic_compare_exchange_strong(&digest->md, &md, fetched)) {
        EVP_MD_free(fetched);
        return md;
    }
    return fetched;
}

static EVP_KDF *fetch_tls13_kdf(void)
{
    EVP_KDF *kdf = atomic_load_explicit(&tls13_kdf, memory_order_acquire);
    if (kdf)
        return kdf;
    EVP_KDF *fetched = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
    if (fetched && !atomic_compare_exchange_strong(&tls13_kdf, &kdf, fetched)) {
        EVP_KDF_free(fetched);
        return kdf;
    }
    return fetched;
}

const EVP_MD *ratls_digest_method(uint16_t alg)
{
    struct digest *digest = find_digest(alg);
    return digest ? fetch_digest(digest) : NULL;
}

static bool digest_parts(const EVP_MD *md, const struct ratls_slice *parts, size_t count,
                         uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        if (parts[i].len > 0)
            ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

enum ratls_status ratls_digest(uint16_t alg, const struct ratls_slice *parts, size_t count,
                               uint8_t *out, struct ratls_error *err)
{
    struct digest *digest = find_digest(alg);
    if (!digest)
        return ratls_fail(err, RATLS_MALFORMED,
                          "hash algorithm 0x%04x is none of SHA-256, SHA-384 and SHA-512",
                          (unsigned)alg);
    const EVP_MD *md = fetch_digest(digest);
    if (!md || !digest_parts(md, parts, count, out))
        return ratls_fail_openssl(err, digest->name);
    return RATLS_OK;
}

enum ratls_status ratls_sha256(struct ratls_slice in, uint8_t out[static 32],
                               struct ratls_error *err)
{
    return ratls_digest(RATLS_ALG_SHA256, &in, 1, out, err);
}

/* nameAlg || digest of the parts. */
static enum ratls_status write_name(uint16_t alg, const struct ratls_slice *parts, size_t count,
                                    uint8_t *out, size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status = ratls_digest(alg, parts, count, out + 2, err);
    if (status != RATLS_OK)
        return status;
    out[0] = (uint8_t)(alg >> 8);
    out[1] = (uint8_t)alg;
    *ret_len = 2 + find_digest(alg)->len;
    return RATLS_OK;
}

enum ratls_status ratls_tpm_name(const struct ratls_tpm_public *key, uint8_t *out, size_t *ret_len,
                                 struct ratls_error *err)
{
    return write_name(key->name_alg, &key->raw, 1, out, ret_len, err);
}

enum ratls_status ratls_tpm_qualified_name(struct ratls_slice name, uint32_t hierarchy,
                                           uint8_t *out, size_t *ret_len, struct ratls_error *err)
{
    if (name.len < 2)
        return ratls_fail(err, RATLS_MALFORMED, "the name of a key has %zu bytes", name.len);
    uint16_t alg = (uint16_t)(name.p[0] << 8 | name.p[1]);
    const uint8_t handle[4] = {(uint8_t)(hierarchy >> 24), (uint8_t)(hierarchy >> 16),
                               (uint8_t)(hierarchy >> 8), (uint8_t)hierarchy};
    const struct ratls_slice parts[] = {{handle, sizeof(handle)}, name};
    return write_name(alg, parts, 2, out, ret_len, err);
}

/* OSSL_PARAM has no const; what we hand over is only read. */
static void *unconst(const void *p)
{
    union {
        const void *in;
        void *out;
    } cast = {p};
    return cast.out;
}

enum ratls_status ratls_hkdf_expand_label(struct ratls_slice secret, const char *label,
                                          uint8_t out[static 32], struct ratls_error *err)
{
    if (secret.len != 32 && secret.len != 48)
        return ratls_fail(err, RATLS_USAGE, "a TLS 1.3 secret has 32 or 48 bytes, not %zu",
                          secret.len);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         unconst(secret.len == 32 ? "SHA256" : "SHA384"), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(secret.p), secret.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, unconst(HKDF_PREFIX),
                                          strlen(HKDF_PREFIX)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, unconst(label), strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = fetch_tls13_kdf();
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = ctx && EVP_KDF_derive(ctx, out, HKDF_OUTPUT_LEN, params) == 1;
    EVP_KDF_CTX_free(ctx);
    return ok ? RATLS_OK : ratls_fail_openssl(err, "HKDF-Expand-Label");
}

enum ratls_status ratls_random(uint8_t *out, size_t len, struct ratls_error *err)
{
    if (RAND_bytes_ex(NULL, out, len, 0) != 1)
        return ratls_fail_openssl(err, "random bytes");
    return RATLS_OK;
}
