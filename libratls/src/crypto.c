/* Digests, TPM names, key derivation, random. The fetched algorithms never change once set. */
#include "crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "crypto_direct.h"
#include "fail.h"

#define HKDF_OUTPUT_LEN 32
#define HKDF_PREFIX "tls13 "
#define HKDF_LABEL_MAX 64  /* ours have a dozen characters */
#define HMAC_BLOCK_MAX 128 /* of SHA-384; the outer and the inner pad are: */
#define HMAC_INNER 0x36
#define HMAC_OUTER 0x5c

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
    bool is_done =
        md && (ratls_direct_stands_for(md, alg) ? ratls_direct_digest(alg, parts, count, out)
                                                : digest_parts(md, parts, count, out));
    if (!is_done)
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

/* Of two parts; wipes its own state, as EVP does. */
static bool digest_secret(const struct digest *digest, const EVP_MD *md,
                          const struct ratls_slice parts[static 2], uint8_t *out)
{
    return ratls_direct_stands_for(md, digest->alg)
               ? ratls_direct_secret_digest(digest->alg, parts, 2, out)
               : digest_parts(md, parts, 2, out);
}

/*
 * RFC 2104, of one message; wipes what it made of the key. Not by EVP_MAC or EVP_KDF: what they
 * fetch and copy costs OpenSSL 3.0 many times what the two digests do.
 */
static bool make_hmac(const struct digest *digest, const EVP_MD *md, struct ratls_slice key,
                      struct ratls_slice message, uint8_t *out)
{
    const size_t block_len = (size_t)EVP_MD_get_block_size(md);
    uint8_t pad[HMAC_BLOCK_MAX] = {0}, inner[RATLS_DIGEST_MAX];
    const struct ratls_slice inner_parts[] = {{pad, block_len}, message};
    const struct ratls_slice outer_parts[] = {{pad, block_len}, {inner, digest->len}};
    bool is_done = block_len <= sizeof(pad) && key.len <= block_len;

    for (size_t i = 0; is_done && i < block_len; i++)
        pad[i] = (uint8_t)(HMAC_INNER ^ (i < key.len ? key.p[i] : 0));
    is_done = is_done && digest_secret(digest, md, inner_parts, inner);
    for (size_t i = 0; is_done && i < block_len; i++)
        pad[i] ^= HMAC_INNER ^ HMAC_OUTER;
    is_done = is_done && digest_secret(digest, md, outer_parts, out);
    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(inner, sizeof(inner));
    return is_done;
}

/* HkdfLabel, and behind it the number of the first block (RFC 5869, 2.3), the only one there is. */
static struct ratls_slice write_hkdf_label(const char *label, struct ratls_writer *w)
{
    ratls_write_u16(w, HKDF_OUTPUT_LEN);
    ratls_write_u8(w, (uint8_t)(strlen(HKDF_PREFIX) + strlen(label)));
    ratls_write_bytes(w, ratls_slice(HKDF_PREFIX, strlen(HKDF_PREFIX)));
    ratls_write_bytes(w, ratls_slice(label, strlen(label)));
    ratls_write_u8(w, 0); /* no context */
    ratls_write_u8(w, 1);
    return ratls_writer_slice(w);
}

enum ratls_status ratls_hkdf_expand_label(struct ratls_slice secret, const char *label,
                                          uint8_t out[static 32], struct ratls_error *err)
{
    if (secret.len != 32 && secret.len != 48)
        return ratls_fail(err, RATLS_USAGE, "a TLS 1.3 secret has 32 or 48 bytes, not %zu",
                          secret.len);
    struct digest *digest = find_digest(secret.len == 32 ? RATLS_ALG_SHA256 : RATLS_ALG_SHA384);
    const EVP_MD *md = fetch_digest(digest);
    uint8_t bytes[HKDF_LABEL_MAX], block[RATLS_DIGEST_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof(bytes));
    struct ratls_slice info = write_hkdf_label(label, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_USAGE, "the label %.20s.. is too long", label);
    if (!md || !make_hmac(digest, md, secret, info, block))
        return ratls_fail_openssl(err, "HKDF-Expand-Label");
    memcpy(out, block, HKDF_OUTPUT_LEN);
    OPENSSL_cleanse(block, sizeof(block));
    return RATLS_OK;
}

enum ratls_status ratls_random(uint8_t *out, size_t len, struct ratls_error *err)
{
    if (RAND_bytes_ex(NULL, out, len, 0) != 1)
        return ratls_fail_openssl(err, "random bytes");
    return RATLS_OK;
}
