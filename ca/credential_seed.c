#include "credential_seed.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "tpm_kdf.h"
#include "tpm_wire.h"

#define IDENTITY "IDENTITY"
#define COORDINATE_MAX 66 /* P-521 */
#define POINT_MAX (1 + 2 * COORDINATE_MAX)

/* Part 1, B.4: the label with its final NUL. OpenSSL takes it over. */
static bool set_oaep(EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
    char *label = OPENSSL_strdup(IDENTITY);

    if (label == NULL || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1 ||
        EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof IDENTITY) != 1) {
        OPENSSL_free(label);
        return false;
    }
    return true;
}

/* Part 1, B.10.4. */
static enum ratls_status share_by_rsa(const struct ratls_credential_wish *wish, uint8_t *seed,
                                      struct ratls_credential *ret, struct ratls_error *err)
{
    const EVP_MD *md = ratls_digest_method(wish->profile->name_alg);
    const size_t seed_len = ratls_tpm_hash_len(wish->profile->name_alg);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, wish->key, NULL);
    enum ratls_status status = ratls_random(seed, seed_len, err);

    ret->secret_len = sizeof ret->secret;
    if (status == RATLS_OK &&
        (md == NULL || ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 || !set_oaep(ctx, md) ||
         EVP_PKEY_encrypt(ctx, ret->secret, &ret->secret_len, seed, seed_len) != 1))
        status = ratls_fail_openssl(err, "sealing to an RSA endorsement key");
    EVP_PKEY_CTX_free(ctx);
    return status;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *other, uint8_t *out, size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t agreed_len = len;
    bool agreed = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                  EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
                  EVP_PKEY_derive(ctx, out, &agreed_len) == 1 && agreed_len == len;

    EVP_PKEY_CTX_free(ctx);
    return agreed;
}

/* TPMS_ECC_POINT (Part 2, 11.2.5.2), with coordinates in full length. */
static struct ratls_slice write_point(const uint8_t *point, size_t len,
                                      struct ratls_credential *ret)
{
    struct ratls_writer w = ratls_writer(ret->secret, sizeof ret->secret);
    const struct ratls_slice x = ratls_slice(point + 1, len), y = ratls_slice(point + 1 + len, len);

    ratls_write_u16(&w, (uint16_t)len);
    ratls_write_bytes(&w, x);
    ratls_write_u16(&w, (uint16_t)len);
    ratls_write_bytes(&w, y);
    ret->secret_len = w.len;
    return x;
}

/* Part 1, C.6.4: with a key that nobody needs again. */
static enum ratls_status share_by_point(const struct ratls_credential_wish *wish, EVP_PKEY *own,
                                        struct ratls_slice ek_x, uint8_t *seed,
                                        struct ratls_credential *ret, struct ratls_error *err)
{
    uint8_t point[POINT_MAX], shared[COORDINATE_MAX];
    enum ratls_status status;
    struct ratls_slice x;
    size_t point_len, len;

    if (EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                        &point_len) != 1 ||
        point_len % 2 != 1 || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return ratls_fail_openssl(err, "sealing to an endorsement key: point");
    len = point_len / 2;
    if (!agree(own, wish->key, shared, len))
        return ratls_fail_openssl(err, "sealing to an endorsement key: key agreement");
    x = write_point(point, len, ret);
    status =
        ratls_kdfe(wish->profile->name_alg, ratls_slice(shared, len), IDENTITY, x, ek_x, seed, err);
    OPENSSL_cleanse(shared, sizeof shared);
    return status;
}

static EVP_PKEY *make_key_like(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    EVP_PKEY *made = NULL;

    if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &made) != 1)
        made = NULL;
    EVP_PKEY_CTX_free(ctx);
    return made;
}

static enum ratls_status share_by_ecc(const struct ratls_credential_wish *wish, uint8_t *seed,
                                      struct ratls_credential *ret, struct ratls_error *err)
{
    struct ratls_tpm_public area;
    enum ratls_status status;
    EVP_PKEY *own;

    if (!ratls_tpm_read_public(wish->area, &area) || area.type != RATLS_ALG_ECC)
        return ratls_fail(err, RATLS_MALFORMED, "not the public area of an ECC endorsement key");
    own = make_key_like(wish->key);
    if (own == NULL)
        return ratls_fail_openssl(err, "sealing to an endorsement key: new key");
    status = share_by_point(wish, own, area.x, seed, ret, err);
    EVP_PKEY_free(own);
    return status;
}

enum ratls_status ratls_credential_seed(const struct ratls_credential_wish *wish, uint8_t *seed,
                                        struct ratls_credential *ret, struct ratls_error *err)
{
    enum ratls_status status;

    ERR_set_mark();
    status = wish->profile->type == RATLS_ALG_RSA ? share_by_rsa(wish, seed, ret, err)
                                                  : share_by_ecc(wish, seed, ret, err);
    ERR_pop_to_mark();
    return status;
}
