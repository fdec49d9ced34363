#include "tpm_kdf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "tpm_wire.h"

#define BITS_PER_BYTE 8

static bool compute_hmac(EVP_MAC_CTX *ctx, const EVP_MD *md, struct ratls_slice key,
                         const struct ratls_slice *parts, size_t count, uint8_t *out)
{
    char name[32];
    OSSL_PARAM params[2];
    size_t len = 0;

    if (OPENSSL_strlcpy(name, EVP_MD_get0_name(md), sizeof name) >= sizeof name)
        return false;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (EVP_MAC_init(ctx, key.p, key.len, params) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0 && EVP_MAC_update(ctx, parts[i].p, parts[i].len) != 1)
            return false;
    return EVP_MAC_final(ctx, out, &len, (size_t)EVP_MD_get_size(md)) == 1;
}

enum ratls_status ratls_hmac(uint16_t hash_alg, struct ratls_slice key,
                             const struct ratls_slice *parts, size_t count, uint8_t *out,
                             struct ratls_error *err)
{
    const EVP_MD *md = ratls_digest_method(hash_alg);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    bool done = md != NULL && ctx != NULL && compute_hmac(ctx, md, key, parts, count, out);

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return done ? RATLS_OK : ratls_fail_openssl(err, "HMAC");
}

static struct ratls_slice with_nul(const char *label)
{
    return ratls_slice(label, strlen(label) + 1);
}

enum ratls_status ratls_kdfa(uint16_t hash_alg, struct ratls_slice key, const char *label,
                             struct ratls_slice context, size_t len, uint8_t *out,
                             struct ratls_error *err)
{
    uint8_t counter[sizeof(uint32_t)], bits[sizeof(uint32_t)], digest[RATLS_DIGEST_MAX];
    struct ratls_writer counter_writer = ratls_writer(counter, sizeof counter);
    struct ratls_writer bits_writer = ratls_writer(bits, sizeof bits);
    const struct ratls_slice parts[] = {
        ratls_slice(counter, sizeof counter),
        with_nul(label),
        context,
        ratls_slice(bits, sizeof bits),
    };
    enum ratls_status status;

    if (len > ratls_tpm_hash_len(hash_alg))
        return ratls_fail(err, RATLS_LIMIT, "KDFa of %zu bytes", len);
    ratls_write_u32(&counter_writer, 1); /* one block is enough */
    ratls_write_u32(&bits_writer, (uint32_t)(len * BITS_PER_BYTE));
    status = ratls_hmac(hash_alg, key, parts, sizeof parts / sizeof *parts, digest, err);
    if (status == RATLS_OK)
        memcpy(out, digest, len);
    OPENSSL_cleanse(digest, sizeof digest);
    return status;
}

enum ratls_status ratls_kdfe(uint16_t hash_alg, struct ratls_slice shared, const char *label,
                             struct ratls_slice party_u, struct ratls_slice party_v, uint8_t *out,
                             struct ratls_error *err)
{
    static const uint8_t counter[] = {0, 0, 0, 1}; /* a digest is one block */
    const struct ratls_slice parts[] = {
        ratls_slice(counter, sizeof counter), shared, with_nul(label), party_u, party_v,
    };

    return ratls_digest(hash_alg, parts, sizeof parts / sizeof *parts, out, err);
}
