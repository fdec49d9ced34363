#include "crypto_epoch.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto.h"
#include "crypto_signer.h"
#include "fail.h"

#define COORDINATE_LEN 32
#define POINT_LEN (1 + 2 * COORDINATE_LEN)
#define POINT_AT (RATLS_EPOCH_KEY_LEN - POINT_LEN)

/* RFC 5480, 2: id-ecPublicKey, secp256r1, a BIT STRING with an uncompressed point. */
static const uint8_t spki_begin[POINT_AT + 1] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

/* As the public area of a TPM's key would say it: one reader of points for all of them. */
static bool read_spki(struct ratls_slice spki, struct ratls_tpm_public *ret_area)
{
    if (spki.len != RATLS_EPOCH_KEY_LEN || memcmp(spki.p, spki_begin, sizeof spki_begin) != 0)
        return false;
    *ret_area = (struct ratls_tpm_public){
        .type = RATLS_ALG_ECC,
        .curve = RATLS_CURVE_P256,
        .x = ratls_slice(spki.p + sizeof spki_begin, COORDINATE_LEN),
        .y = ratls_slice(spki.p + sizeof spki_begin + COORDINATE_LEN, COORDINATE_LEN),
    };
    return true;
}

enum ratls_status ratls_epoch_public(struct ratls_slice spki, EVP_PKEY **ret_key,
                                     struct ratls_error *err)
{
    struct ratls_tpm_public area;
    struct ratls_error why = {0};
    EVP_PKEY *key = NULL;
    enum ratls_status status = RATLS_OK;

    if (read_spki(spki, &area))
        status = ratls_public_key(&area, &key, &why);
    if (status != RATLS_OK && status != RATLS_MALFORMED)
        return ratls_fail(err, status, "%s", why.text);
    *ret_key = key;
    return RATLS_OK;
}

enum ratls_status ratls_epoch_verify_by(EVP_PKEY *key, struct ratls_slice statement,
                                        struct ratls_slice signature, bool *ret_valid,
                                        struct ratls_error *err)
{
    const struct ratls_signer signer = {.key = key};
    uint8_t digest[32];
    enum ratls_status status;

    *ret_valid = false;
    if (key == NULL)
        return RATLS_OK;
    status = ratls_epoch_digest(statement, digest, err);
    return status == RATLS_OK
               ? ratls_signer_verify(&signer, RATLS_ALG_SHA256, ratls_slice(digest, sizeof digest),
                                     signature, ret_valid, err)
               : status;
}

enum ratls_status ratls_epoch_verify(struct ratls_slice spki, struct ratls_slice statement,
                                     struct ratls_slice signature, bool *ret_valid,
                                     struct ratls_error *err)
{
    EVP_PKEY *key = NULL;
    enum ratls_status status = ratls_epoch_public(spki, &key, err);

    if (status == RATLS_OK)
        status = ratls_epoch_verify_by(key, statement, signature, ret_valid, err);
    EVP_PKEY_free(key);
    return status;
}

struct ratls_epoch_key {
    uint8_t spki[RATLS_EPOCH_KEY_LEN];
    uint8_t *secret; /* COORDINATE_LEN bytes at the begin of a page; zero in a child */
    size_t page;
};

/* Locked if the process may: without it the page could be swapped out, and no more than that. */
static uint8_t *map_secret(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    if (madvise(p, len, MADV_WIPEONFORK) != 0 || madvise(p, len, MADV_DONTDUMP) != 0) {
        munmap(p, len);
        return NULL;
    }
    (void)mlock(p, len);
    return (uint8_t *)p;
}

static bool export_key(EVP_PKEY *pair, struct ratls_epoch_key *key)
{
    BIGNUM *secret = NULL;
    size_t len = 0;
    bool is_good;

    memcpy(key->spki, spki_begin, sizeof spki_begin);
    is_good = EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, key->spki + POINT_AT,
                                              POINT_LEN, &len) == 1 &&
              len == POINT_LEN && key->spki[POINT_AT] == spki_begin[POINT_AT] &&
              EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_PRIV_KEY, &secret) == 1 &&
              BN_bn2binpad(secret, key->secret, COORDINATE_LEN) == COORDINATE_LEN;
    BN_clear_free(secret);
    return is_good;
}

enum ratls_status ratls_epoch_key_new(struct ratls_epoch_key **ret_key, struct ratls_error *err)
{
    struct ratls_epoch_key *key = calloc(1, sizeof *key);
    EVP_PKEY *pair = NULL;

    if (key == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    key->page = (size_t)sysconf(_SC_PAGESIZE);
    key->secret = map_secret(key->page);
    if (key->secret == NULL) {
        ratls_epoch_key_free(key);
        return ratls_fail(err, RATLS_MEMORY, "no page for the key of an epoch");
    }
    pair = EVP_EC_gen("P-256");
    if (pair == NULL || !export_key(pair, key)) {
        EVP_PKEY_free(pair);
        ratls_epoch_key_free(key);
        return ratls_fail_openssl(err, "making the key of an epoch");
    }
    EVP_PKEY_free(pair);
    *ret_key = key;
    return RATLS_OK;
}

void ratls_epoch_key_free(struct ratls_epoch_key *key)
{
    if (key == NULL)
        return;
    if (key->secret != NULL) {
        OPENSSL_cleanse(key->secret, COORDINATE_LEN);
        munmap(key->secret, key->page);
    }
    free(key);
}

struct ratls_slice ratls_epoch_key_spki(const struct ratls_epoch_key *key)
{
    return ratls_slice(key->spki, sizeof key->spki);
}

/* For one signature, so that what can sign is nowhere but in the page. NULL if OpenSSL fails. */
static EVP_PKEY *load_key(const struct ratls_epoch_key *key)
{
    EVP_PKEY *pair = NULL;
    BIGNUM *secret = BN_secure_new();
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;

    if (secret != NULL && parts != NULL && ctx != NULL &&
        BN_bin2bn(key->secret, COORDINATE_LEN, secret) != NULL && !BN_is_zero(secret) &&
        OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, key->spki + POINT_AT,
                                         POINT_LEN) == 1 &&
        OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1)
        params = OSSL_PARAM_BLD_to_param(parts);
    if (params != NULL && (EVP_PKEY_fromdata_init(ctx) != 1 ||
                           EVP_PKEY_fromdata(ctx, &pair, EVP_PKEY_KEYPAIR, params) != 1))
        pair = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(parts);
    BN_clear_free(secret);
    return pair;
}

enum ratls_status ratls_epoch_key_sign(const struct ratls_epoch_key *key,
                                       struct ratls_slice statement,
                                       uint8_t out[static RATLS_EPOCH_SIGNATURE_MAX],
                                       size_t *ret_len, struct ratls_error *err)
{
    uint8_t digest[32];
    size_t len = RATLS_EPOCH_SIGNATURE_MAX;
    EVP_PKEY *pair = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    enum ratls_status status = ratls_epoch_digest(statement, digest, err);

    if (status != RATLS_OK)
        return status;
    pair = load_key(key);
    ctx = pair == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);
    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, out, &len, digest, sizeof digest) != 1)
        status = ratls_fail_openssl(err, "signing with the key of an epoch");
    else
        *ret_len = len;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pair);
    return status;
}
