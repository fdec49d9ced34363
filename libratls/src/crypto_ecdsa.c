#include "crypto_ecdsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"

#define DER_MAX 128 /* of a signature by P-384: 104 */

static const struct ratls_ecdsa algorithms[] = {
    {"ES256", -7, "prime256v1", RATLS_ALG_SHA256, 32},
    {"ES384", -35, "secp384r1", RATLS_ALG_SHA384, 48},
};

const struct ratls_ecdsa *ratls_ecdsa_of(const EVP_PKEY *key)
{
    char group[32];

    if (key == NULL || !EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].group, group) == 0)
            return &algorithms[i];
    return NULL;
}

static bool sign_digest(EVP_PKEY *key, const uint8_t *digest, size_t len, uint8_t *der,
                        size_t *der_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool is_signed = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                     EVP_PKEY_sign(ctx, der, der_len, digest, len) == 1;

    EVP_PKEY_CTX_free(ctx);
    return is_signed;
}

static bool split(const uint8_t *der, size_t len, size_t half, uint8_t *out)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool fits = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int)half) == (int)half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, (int)half) == (int)half;

    ECDSA_SIG_free(pair);
    return fits;
}

enum ratls_status ratls_ecdsa_sign(EVP_PKEY *key, const struct ratls_slice *parts, size_t count,
                                   uint8_t *out, size_t *ret_len, struct ratls_error *err)
{
    const struct ratls_ecdsa *algorithm = ratls_ecdsa_of(key);
    uint8_t digest[RATLS_DIGEST_MAX], der[DER_MAX];
    size_t len = sizeof der;
    enum ratls_status status;

    if (algorithm == NULL)
        return ratls_fail(err, RATLS_USAGE, "the key is not an ECDSA key on P-256 or P-384");
    status = ratls_digest(algorithm->hash, parts, count, digest, err);
    if (status != RATLS_OK)
        return status;
    ERR_set_mark();
    if (!sign_digest(key, digest, ratls_tpm_hash_len(algorithm->hash), der, &len) ||
        !split(der, len, algorithm->half, out))
        status = ratls_fail_openssl(err, "no signature by this key");
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_len = 2 * algorithm->half;
    return status;
}

int ratls_ecdsa_der(struct ratls_slice r, struct ratls_slice s, uint8_t **ret_der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r_number = BN_bin2bn(r.p, (int)r.len, NULL);
    BIGNUM *s_number = BN_bin2bn(s.p, (int)s.len, NULL);
    int len = 0;

    if (pair != NULL && r_number != NULL && s_number != NULL &&
        ECDSA_SIG_set0(pair, r_number, s_number) == 1) {
        r_number = s_number = NULL;
        len = i2d_ECDSA_SIG(pair, ret_der);
    }
    BN_free(r_number);
    BN_free(s_number);
    ECDSA_SIG_free(pair);
    return len;
}

/* 1 valid, 0 not, below 0 if OpenSSL could not get so far. */
static int verify_digest(EVP_PKEY *key, const uint8_t *digest, size_t len,
                         struct ratls_slice signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    const size_t half = signature.len / 2;
    uint8_t *der = NULL;
    int der_len = ratls_ecdsa_der(ratls_slice(signature.p, half),
                                  ratls_slice(signature.p + half, half), &der);
    int valid = -1;

    if (ctx != NULL && der_len > 0 && EVP_PKEY_verify_init(ctx) == 1)
        valid = EVP_PKEY_verify(ctx, der, (size_t)der_len, digest, len) == 1;
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    return valid;
}

enum ratls_status ratls_ecdsa_verify(EVP_PKEY *key, const struct ratls_slice *parts, size_t count,
                                     struct ratls_slice signature, bool *ret_valid,
                                     struct ratls_error *err)
{
    const struct ratls_ecdsa *algorithm = ratls_ecdsa_of(key);
    uint8_t digest[RATLS_DIGEST_MAX];
    enum ratls_status status;
    int valid;

    if (algorithm == NULL)
        return ratls_fail(err, RATLS_USAGE, "the key is not an ECDSA key on P-256 or P-384");
    if (signature.len != 2 * algorithm->half) {
        *ret_valid = false;
        return RATLS_OK;
    }
    status = ratls_digest(algorithm->hash, parts, count, digest, err);
    if (status != RATLS_OK)
        return status;
    ERR_set_mark();
    valid = verify_digest(key, digest, ratls_tpm_hash_len(algorithm->hash), signature);
    if (valid < 0)
        status = ratls_fail_openssl(err, "verification of a signature");
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_valid = valid == 1;
    return status;
}

/* The key of one block of PEM, or NULL. */
static EVP_PKEY *read_block(const char *label, const uint8_t *der, long len)
{
    const uint8_t *p = der;
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;

    if (strcmp(label, PEM_STRING_PUBLIC) == 0) {
        key = d2i_PUBKEY(NULL, &p, len);
    } else if (strcmp(label, PEM_STRING_X509) == 0) {
        certificate = d2i_X509(NULL, &p, len);
        key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
        X509_free(certificate);
    }
    if (p == der + len)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static enum ratls_status read_key(BIO *bio, EVP_PKEY **ret_key, struct ratls_error *err)
{
    char *label = NULL, *header = NULL;
    uint8_t *der = NULL;
    EVP_PKEY *key = NULL;
    bool is_pem;
    long len = 0;

    is_pem = PEM_read_bio(bio, &label, &header, &der, &len) == 1;
    if (is_pem)
        key = read_block(label, der, len);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    if (key == NULL)
        return ratls_fail(err, RATLS_USAGE, "no public key or certificate in PEM");
    *ret_key = key;
    return RATLS_OK;
}

static bool has_more(BIO *bio)
{
    char *label = NULL, *header = NULL;
    uint8_t *der = NULL;
    long len = 0;
    bool more = PEM_read_bio(bio, &label, &header, &der, &len) == 1;

    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return more;
}

enum ratls_status ratls_ecdsa_public(struct ratls_slice pem, EVP_PKEY **ret_key,
                                     struct ratls_error *err)
{
    enum ratls_status status;
    EVP_PKEY *key = NULL;
    BIO *bio;

    if (pem.len > INT32_MAX)
        return ratls_fail(err, RATLS_USAGE, "too long for a key");
    ERR_set_mark();
    bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    status =
        bio == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : read_key(bio, &key, err);
    if (status == RATLS_OK && has_more(bio))
        status = ratls_fail(err, RATLS_USAGE, "more than one key: one file, one verifier");
    if (status == RATLS_OK && ratls_ecdsa_of(key) == NULL)
        status = ratls_fail(err, RATLS_USAGE, "the key is not an ECDSA key on P-256 or P-384");
    BIO_free(bio);
    ERR_pop_to_mark();
    if (status != RATLS_OK) {
        EVP_PKEY_free(key);
        return status;
    }
    *ret_key = key;
    return RATLS_OK;
}
