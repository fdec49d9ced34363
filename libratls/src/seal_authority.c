#include "seal_authority.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"

#define COORDINATE_LEN 32
#define RSA_BITS 2048
#define RSA_EXPONENT 65537

static bool is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t len;

    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

static bool is_rsa(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool is_it = EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == RSA_BITS &&
                 EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                 BN_is_word(e, RSA_EXPONENT) == 1;

    BN_free(e);
    return is_it;
}

static void write_tpm2b(struct ratls_writer *w, const uint8_t *bytes, size_t len)
{
    ratls_write_u16(w, (uint16_t)len);
    ratls_write_bytes(w, ratls_slice(bytes, len));
}

static void write_point(struct ratls_writer *w, EVP_PKEY *key)
{
    unsigned char *point = NULL;
    const size_t len = EVP_PKEY_get1_encoded_public_key(key, &point);

    if (len == 1 + 2 * COORDINATE_LEN && point[0] == POINT_CONVERSION_UNCOMPRESSED) {
        write_tpm2b(w, point + 1, COORDINATE_LEN);
        write_tpm2b(w, point + 1 + COORDINATE_LEN, COORDINATE_LEN);
    } else {
        w->failed = true;
    }
    OPENSSL_free(point);
}

static void write_modulus(struct ratls_writer *w, const EVP_PKEY *key)
{
    uint8_t bytes[RSA_BITS / 8];
    BIGNUM *modulus = NULL;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
        BN_bn2binpad(modulus, bytes, sizeof bytes) == (int)sizeof bytes)
        write_tpm2b(w, bytes, sizeof bytes);
    else
        w->failed = true;
    BN_free(modulus);
}

/*
 * TPMT_PUBLIC (Part 2, 12.2.4) of an external key that signs and nothing else, with its scheme: so
 * there is one area, and one Name, for each key, and one way to sign with it.
 */
static void write_area(struct ratls_writer *w, EVP_PKEY *key, bool is_ecc)
{
    ratls_write_u16(w, is_ecc ? RATLS_ALG_ECC : RATLS_ALG_RSA);
    ratls_write_u16(w, RATLS_ALG_SHA256);
    ratls_write_u32(w, RATLS_TPMA_SIGN | RATLS_TPMA_USER_WITH_AUTH);
    ratls_write_u16(w, 0);              /* authPolicy */
    ratls_write_u16(w, RATLS_ALG_NULL); /* symmetric */
    ratls_write_u16(w, is_ecc ? RATLS_ALG_ECDSA : RATLS_ALG_RSASSA);
    ratls_write_u16(w, RATLS_ALG_SHA256);
    if (is_ecc) {
        ratls_write_u16(w, RATLS_CURVE_P256);
        ratls_write_u16(w, RATLS_ALG_NULL); /* kdf */
        write_point(w, key);
    } else {
        ratls_write_u16(w, RSA_BITS);
        ratls_write_u32(w, 0); /* exponent: the default */
        write_modulus(w, key);
    }
}

enum ratls_status ratls_seal_authority_of_key(EVP_PKEY *key, struct ratls_seal_authority *ret,
                                              struct ratls_error *err)
{
    struct ratls_seal_authority authority = {.name = {0, RATLS_ALG_SHA256}};
    struct ratls_writer w = ratls_writer(authority.area, sizeof authority.area);
    const bool is_ecc = is_p256(key);
    enum ratls_status status;

    if (!is_ecc && !is_rsa(key))
        return ratls_fail(err, RATLS_USAGE,
                          "the key of an authority is of P-256, or of RSA with 2048 bits and "
                          "exponent 65537: TPMs know no others for sure");
    write_area(&w, key, is_ecc);
    if (w.failed)
        return ratls_fail_openssl(err, "public area of the authority's key");
    authority.area_len = w.len;
    status = ratls_sha256(ratls_writer_slice(&w), authority.name + 2, err);
    if (status == RATLS_OK)
        *ret = authority;
    return status;
}

enum ratls_status ratls_seal_authority_of_pem(struct ratls_slice pem,
                                              struct ratls_seal_authority *ret,
                                              struct ratls_error *err)
{
    BIO *bio = NULL;
    EVP_PKEY *key = NULL;
    enum ratls_status status = RATLS_OK;

    ERR_set_mark();
    if (pem.len <= INT32_MAX)
        bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    if (bio != NULL)
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (key == NULL)
        status = ratls_fail(err, RATLS_USAGE, "no public key (PEM, BEGIN PUBLIC KEY) there");
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        status = ratls_seal_authority_of_key(key, ret, err);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return status;
}

enum ratls_status ratls_seal_authority_of_area(struct ratls_slice area,
                                               struct ratls_seal_authority *ret,
                                               struct ratls_error *err)
{
    struct ratls_seal_authority authority;
    struct ratls_tpm_public read;
    EVP_PKEY *key = NULL;
    enum ratls_status status = RATLS_MALFORMED;

    if (ratls_tpm_read_public(area, &read))
        status = ratls_public_key(&read, &key, NULL);
    if (status == RATLS_OK)
        status = ratls_seal_authority_of_key(key, &authority, err);
    else if (status == RATLS_MALFORMED)
        status = ratls_fail(err, RATLS_USAGE, "not the public area of a key");
    else
        status = ratls_fail(err, status, "the key of the authority could not be read");
    EVP_PKEY_free(key);
    if (status != RATLS_OK)
        return status;
    if (!ratls_slice_equal(area, ratls_slice(authority.area, authority.area_len)))
        return ratls_fail(err, RATLS_USAGE, "not the public area of an authority's key");
    *ret = authority;
    return RATLS_OK;
}

enum ratls_status ratls_seal_authority_verify(const struct ratls_seal_authority *authority,
                                              const struct ratls_seal *seal, bool *ret_valid,
                                              struct ratls_error *err)
{
    uint8_t message[RATLS_SEAL_MESSAGE_LEN];
    struct ratls_tpm_signature signature;
    struct ratls_tpm_public area;
    EVP_PKEY *key = NULL;
    enum ratls_status status = RATLS_OK;
    bool is_valid = false;

    if (ratls_slice_equal(seal->authority, ratls_slice(authority->name, RATLS_SEAL_NAME_LEN)) &&
        ratls_tpm_read_signature(seal->signature, &signature) &&
        ratls_tpm_read_public(ratls_slice(authority->area, authority->area_len), &area)) {
        status = ratls_seal_message(seal, message, err);
        if (status == RATLS_OK)
            status = ratls_public_key(&area, &key, err);
        if (status == RATLS_OK)
            status = ratls_verify(key, &area, &signature, ratls_slice(message, sizeof message),
                                  &is_valid, err);
        EVP_PKEY_free(key);
    }
    if (status == RATLS_OK)
        *ret_valid = is_valid;
    return status;
}

/* ---- signing ---- */

static void write_number(struct ratls_writer *w, const BIGNUM *number)
{
    uint8_t bytes[COORDINATE_LEN];

    if (BN_bn2binpad(number, bytes, sizeof bytes) == (int)sizeof bytes)
        write_tpm2b(w, bytes, sizeof bytes);
    else
        w->failed = true;
}

static void write_ecdsa(struct ratls_writer *w, const uint8_t *der, size_t len)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);

    ratls_write_u16(w, RATLS_ALG_ECDSA);
    ratls_write_u16(w, RATLS_ALG_SHA256);
    if (signature != NULL) {
        write_number(w, ECDSA_SIG_get0_r(signature));
        write_number(w, ECDSA_SIG_get0_s(signature));
    } else {
        w->failed = true;
    }
    ECDSA_SIG_free(signature);
}

static bool sign_message(EVP_PKEY *key, struct ratls_slice message, uint8_t *out, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool done = ctx != NULL &&
                EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", NULL, NULL, key, NULL) == 1 &&
                (!EVP_PKEY_is_a(key, "RSA") ||
                 EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1) &&
                EVP_DigestSign(ctx, out, len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return done;
}

enum ratls_status ratls_seal_authority_sign(EVP_PKEY *key, const struct ratls_seal *seal,
                                            uint8_t out[static RATLS_SEAL_SIGNATURE_MAX],
                                            size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(out, RATLS_SEAL_SIGNATURE_MAX);
    uint8_t message[RATLS_SEAL_MESSAGE_LEN], signature[RSA_BITS / 8];
    size_t len = sizeof signature;
    enum ratls_status status = ratls_seal_message(seal, message, err);

    if (status != RATLS_OK)
        return status;
    if (!sign_message(key, ratls_slice(message, sizeof message), signature, &len))
        return ratls_fail_openssl(err, "signing with the authority's key");
    if (EVP_PKEY_is_a(key, "RSA")) {
        ratls_write_u16(&w, RATLS_ALG_RSASSA);
        ratls_write_u16(&w, RATLS_ALG_SHA256);
        write_tpm2b(&w, signature, len);
    } else {
        write_ecdsa(&w, signature, len);
    }
    if (w.failed)
        return ratls_fail_openssl(err, "the authority's signature");
    *ret_len = w.len;
    return RATLS_OK;
}
