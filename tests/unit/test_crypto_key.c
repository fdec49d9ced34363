#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "pki.h"
#include "roca_modulus.h"

#define MESSAGE "what a TPM says"

/* A key with its public area, and a signature by it in the form of a TPM. */
struct signer {
    EVP_PKEY *key;
    struct ratls_tpm_public area;
    struct ratls_tpm_signature signature;
    uint8_t x[512], y[66], r[66], s[66], rsa[512];
};

static struct ratls_slice slice(const void *p, size_t len)
{
    return (struct ratls_slice){p, len};
}

static struct ratls_slice put_number(const BIGNUM *number, uint8_t *out, size_t len)
{
    cr_assert_eq(BN_bn2binpad(number, out, (int)len), (int)len);
    return slice(out, len);
}

static struct ratls_slice get_number(const EVP_PKEY *key, const char *what, uint8_t *out,
                                     size_t len)
{
    BIGNUM *number = NULL;
    cr_assert_eq(EVP_PKEY_get_bn_param(key, what, &number), 1);
    struct ratls_slice bytes = put_number(number, out, len);
    BN_free(number);
    return bytes;
}

static void describe(struct signer *s, enum pki_algorithm algorithm, uint16_t scheme, uint16_t hash)
{
    static const uint16_t curves[] = {RATLS_CURVE_P256, RATLS_CURVE_P384, RATLS_CURVE_P521};
    s->area.scheme = scheme;
    s->area.scheme_hash = hash;
    s->area.type = scheme == RATLS_ALG_ECDSA ? RATLS_ALG_ECC : RATLS_ALG_RSA;
    if (scheme == RATLS_ALG_ECDSA) {
        size_t len = ((size_t)EVP_PKEY_get_bits(s->key) + 7) / 8;
        s->area.curve = curves[algorithm];
        s->area.x = get_number(s->key, OSSL_PKEY_PARAM_EC_PUB_X, s->x, len);
        s->area.y = get_number(s->key, OSSL_PKEY_PARAM_EC_PUB_Y, s->y, len);
    } else {
        s->area.rsa_bits = (uint16_t)EVP_PKEY_get_bits(s->key);
        s->area.rsa_exponent = 65537;
        s->area.rsa_modulus =
            get_number(s->key, OSSL_PKEY_PARAM_RSA_N, s->x, s->area.rsa_bits / 8u);
    }
}

/* The signature of MESSAGE with another scheme and hash than the key's, if they differ. */
static void sign(struct signer *s, uint16_t scheme, uint16_t hash)
{
    uint8_t bytes[600];
    size_t len = sizeof(bytes);
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = EVP_get_digestbyname(ratls_tpm_hash_name(hash));
    cr_assert_eq(EVP_DigestSignInit(ctx, &pctx, md, NULL, s->key), 1);
    if (scheme == RATLS_ALG_RSAPSS)
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
    cr_assert_eq(EVP_DigestSign(ctx, bytes, &len, (const uint8_t *)MESSAGE, strlen(MESSAGE)), 1);
    EVP_MD_CTX_free(ctx);
    s->signature.alg = scheme;
    s->signature.hash = hash;
    if (scheme != RATLS_ALG_ECDSA) {
        memcpy(s->rsa, bytes, len);
        s->signature.rsa = slice(s->rsa, len);
        return;
    }
    const uint8_t *p = bytes;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)len);
    size_t number_len = s->area.x.len;
    s->signature.r = put_number(ECDSA_SIG_get0_r(pair), s->r, number_len);
    s->signature.s = put_number(ECDSA_SIG_get0_s(pair), s->s, number_len);
    ECDSA_SIG_free(pair);
}

static void make_signer(struct signer *s, enum pki_algorithm algorithm, uint16_t scheme,
                        uint16_t hash)
{
    memset(s, 0, sizeof(*s));
    s->key = pki_key(algorithm);
    describe(s, algorithm, scheme, hash);
    sign(s, scheme, hash);
}

/* What ratls_verify() says with the key of the area; OpenSSL's error stack stays as it was. */
static bool verify(const struct signer *s, const char *message)
{
    bool valid = false;
    EVP_PKEY *key = NULL;
    struct ratls_error err = {0};
    cr_assert_eq(ratls_public_key(&s->area, &key, &err), RATLS_OK, "%s", err.text);
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 7);
    unsigned long before = ERR_peek_last_error();
    cr_assert_eq(
        ratls_verify(key, &s->area, &s->signature, slice(message, strlen(message)), &valid, &err),
        RATLS_OK, "%s", err.text);
    cr_assert_eq(ERR_get_error(), before);
    cr_assert_eq(ERR_peek_error(), 0);
    EVP_PKEY_free(key);
    return valid;
}

static const struct {
    const char *name;
    enum pki_algorithm algorithm;
    uint16_t scheme, hash, other_scheme, other_hash;
} schemes[] = {
    {"P-256", PKI_P256, RATLS_ALG_ECDSA, RATLS_ALG_SHA256, RATLS_ALG_ECDSA, RATLS_ALG_SHA384},
    {"P-256 with a longer digest", PKI_P256, RATLS_ALG_ECDSA, RATLS_ALG_SHA512, RATLS_ALG_ECDSA,
     RATLS_ALG_SHA256},
    {"P-384", PKI_P384, RATLS_ALG_ECDSA, RATLS_ALG_SHA384, RATLS_ALG_ECDSA, RATLS_ALG_SHA256},
    {"P-521", PKI_P521, RATLS_ALG_ECDSA, RATLS_ALG_SHA512, RATLS_ALG_ECDSA, RATLS_ALG_SHA256},
    {"RSASSA", PKI_RSA2048, RATLS_ALG_RSASSA, RATLS_ALG_SHA256, RATLS_ALG_RSAPSS, RATLS_ALG_SHA256},
    {"RSASSA 3072", PKI_RSA3072, RATLS_ALG_RSASSA, RATLS_ALG_SHA384, RATLS_ALG_RSASSA,
     RATLS_ALG_SHA256},
    {"RSAPSS", PKI_RSA2048, RATLS_ALG_RSAPSS, RATLS_ALG_SHA256, RATLS_ALG_RSASSA, RATLS_ALG_SHA256},
};

#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

Test(crypto_key, signature_of_the_key_is_valid_and_any_change_is_not)
{
    for (size_t i = 0; i < SCHEMES; i++) {
        struct signer s;
        make_signer(&s, schemes[i].algorithm, schemes[i].scheme, schemes[i].hash);
        cr_assert(verify(&s, MESSAGE), "%s", schemes[i].name);
        cr_assert_not(verify(&s, MESSAGE "!"), "%s: message", schemes[i].name);
        s.s[3] ^= 1;
        s.rsa[3] ^= 1;
        cr_assert_not(verify(&s, MESSAGE), "%s: signature", schemes[i].name);
        EVP_PKEY_free(s.key);
    }
}

/* A good signature by the right key with a scheme or hash that the public area does not allow. */
Test(crypto_key, only_the_scheme_and_hash_of_the_key_are_tried)
{
    for (size_t i = 0; i < SCHEMES; i++) {
        struct signer s;
        make_signer(&s, schemes[i].algorithm, schemes[i].scheme, schemes[i].hash);
        sign(&s, schemes[i].other_scheme, schemes[i].other_hash);
        cr_assert_not(verify(&s, MESSAGE), "%s: says so", schemes[i].name);
        s.signature.alg = schemes[i].scheme;
        s.signature.hash = schemes[i].hash;
        cr_assert_not(verify(&s, MESSAGE), "%s: relabelled", schemes[i].name);
        sign(&s, schemes[i].scheme, schemes[i].hash);
        s.signature.hash ^= RATLS_ALG_SHA256 ^ RATLS_ALG_SHA384;
        cr_assert_not(verify(&s, MESSAGE), "%s: good, with another label", schemes[i].name);
        sign(&s, schemes[i].other_scheme, schemes[i].other_hash);
        s.area.scheme = schemes[i].other_scheme;
        s.area.scheme_hash = schemes[i].other_hash;
        cr_assert(verify(&s, MESSAGE), "%s: control", schemes[i].name);
        EVP_PKEY_free(s.key);
    }
}

Test(crypto_key, keys_without_a_scheme_or_with_sha1_verify_nothing)
{
    struct signer s;
    make_signer(&s, PKI_RSA2048, RATLS_ALG_RSASSA, RATLS_ALG_SHA256);
    sign(&s, RATLS_ALG_RSASSA, RATLS_ALG_SHA1);
    s.area.scheme_hash = RATLS_ALG_SHA1;
    cr_assert_not(verify(&s, MESSAGE));
    sign(&s, RATLS_ALG_RSASSA, RATLS_ALG_SHA256);
    s.area.scheme = s.signature.alg = RATLS_ALG_NULL;
    s.area.scheme_hash = RATLS_ALG_SHA256;
    cr_assert_not(verify(&s, MESSAGE));
    s.area.scheme = s.signature.alg = RATLS_ALG_ECDSA;
    cr_assert_not(verify(&s, MESSAGE));
    s.area.scheme = s.signature.alg = RATLS_ALG_RSASSA;
    cr_assert(verify(&s, MESSAGE));
    EVP_PKEY_free(s.key);
}

Test(crypto_key, ecdsa_numbers_may_have_leading_zeros_or_lack_them)
{
    struct signer s;
    uint8_t r[34] = {0};
    make_signer(&s, PKI_P256, RATLS_ALG_ECDSA, RATLS_ALG_SHA256);
    memcpy(r + 2, s.r, 32);
    s.signature.r = slice(r, sizeof(r));
    cr_assert(verify(&s, MESSAGE));
    do
        sign(&s, RATLS_ALG_ECDSA, RATLS_ALG_SHA256);
    while (s.r[0] != 0);
    s.signature.r = slice(s.r + 1, 31);
    cr_assert(verify(&s, MESSAGE));
    EVP_PKEY_free(s.key);
}

/* The orders and zero are the classic forgeries (CVE-2022-21449). */
Test(crypto_key, ecdsa_numbers_out_of_range_are_not_valid)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t zero[32] = {0}, one[32] = {0}, ones[67];
    struct signer s;
    one[31] = 1;
    memset(ones, 0xff, sizeof(ones));
    const struct ratls_slice bad[] = {slice(NULL, 0),   slice(zero, 32), slice(one, 32),
                                      slice(order, 32), slice(ones, 32), slice(ones, 66),
                                      slice(ones, 67)};
    make_signer(&s, PKI_P256, RATLS_ALG_ECDSA, RATLS_ALG_SHA256);
    struct ratls_tpm_signature good = s.signature;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        s.signature = good;
        s.signature.r = bad[i];
        cr_assert_not(verify(&s, MESSAGE), "r %zu", i);
        s.signature.s = bad[i];
        cr_assert_not(verify(&s, MESSAGE), "r and s %zu", i);
        s.signature.r = good.r;
        cr_assert_not(verify(&s, MESSAGE), "s %zu", i);
    }
    EVP_PKEY_free(s.key);
}

Test(crypto_key, rsa_signature_is_exactly_as_long_as_the_modulus)
{
    struct signer s;
    make_signer(&s, PKI_RSA2048, RATLS_ALG_RSASSA, RATLS_ALG_SHA256);
    const size_t lengths[] = {0, 1, 255, 257, 512};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        s.signature.rsa.len = lengths[i];
        cr_assert_not(verify(&s, MESSAGE), "%zu", lengths[i]);
    }
    s.signature.rsa.len = 256;
    cr_assert(verify(&s, MESSAGE));
    EVP_PKEY_free(s.key);
}

Test(crypto_key, coordinates_without_leading_zeros_are_the_same_key)
{
    struct signer s = {0};
    EVP_PKEY *key = NULL;
    do {
        EVP_PKEY_free(s.key);
        s.key = pki_key(PKI_P256);
        describe(&s, PKI_P256, RATLS_ALG_ECDSA, RATLS_ALG_SHA256);
    } while (s.x[0] != 0);
    s.area.x = slice(s.x + 1, 31);
    cr_assert_eq(ratls_public_key(&s.area, &key, NULL), RATLS_OK);
    cr_assert_eq(EVP_PKEY_eq(key, s.key), 1);
    EVP_PKEY_free(key);
    EVP_PKEY_free(s.key);
}

enum change {
    OFF_CURVE,
    INFINITY_POINT,
    LONG_X,
    OTHER_CURVE,
    UNKNOWN_CURVE,
    UNKNOWN_TYPE,
    EXPONENT_3,
    EVEN_MODULUS,
    SHORT_MODULUS,
    LONG_MODULUS,
    HALF_BITS,
    NO_MODULUS,
    RSA_1024,
    RSA_8192,
    ROCA,
};

/* Of an RSA key. */
static void change_modulus(struct signer *s, enum change change, uint8_t big[1024])
{
    struct ratls_tpm_public *area = &s->area;
    if (change == EVEN_MODULUS)
        s->x[255] &= 0xfe;
    else if (change == SHORT_MODULUS)
        s->x[0] = 0x40;
    else if (change == LONG_MODULUS)
        area->rsa_modulus = slice(big, 513);
    else if (change == NO_MODULUS)
        area->rsa_modulus = slice(NULL, 0);
    if (change == HALF_BITS || change == RSA_1024)
        area->rsa_bits = 1024;
    if (change == RSA_1024)
        area->rsa_modulus = slice(big, 128);
    if (change == RSA_8192) {
        area->rsa_bits = 8192;
        area->rsa_modulus = slice(big, 1024);
    }
    if (change == ROCA) {
        roca_modulus(0, big);
        area->rsa_modulus = slice(big, ROCA_MODULUS_BYTES);
    }
}

static void apply(struct signer *s, enum change change, uint8_t big[1024])
{
    struct ratls_tpm_public *area = &s->area;
    memset(big, 0xff, 1024);
    switch (change) {
    case OFF_CURVE:
        s->y[31] ^= 1;
        break;
    case INFINITY_POINT:
        area->x = area->y = slice(NULL, 0);
        break;
    case LONG_X:
        area->x.len = 33;
        break;
    case OTHER_CURVE:
        area->curve = RATLS_CURVE_P384;
        break;
    case UNKNOWN_CURVE:
        area->curve = 0x0001;
        break;
    case UNKNOWN_TYPE:
        area->type = 0x0008;
        break;
    case EXPONENT_3:
        area->rsa_exponent = 3;
        break;
    default:
        change_modulus(s, change, big);
    }
}

static const struct {
    enum change change;
    bool rsa;
    const char *text;
} bad_keys[] = {
    {OFF_CURVE, false, "not a point of P-256"},
    {INFINITY_POINT, false, "not a point of P-256"},
    {LONG_X, false, "longer than those of P-256"},
    {OTHER_CURVE, false, "not a point of P-384"},
    {UNKNOWN_CURVE, false, "curve 0x0001"},
    {UNKNOWN_TYPE, false, "key type 0x0008"},
    {EXPONENT_3, true, "exponent 3"},
    {EVEN_MODULUS, true, "modulus"},
    {SHORT_MODULUS, true, "2047 of 2048"},
    {LONG_MODULUS, true, "513 bytes"},
    {HALF_BITS, true, "2048 of 1024"},
    {NO_MODULUS, true, "0 of 2048"},
    {RSA_1024, true, "1024 of 1024"},
    {RSA_8192, true, "1024 bytes"},
    {ROCA, true, "a weak RSA key (CVE-2017-15361)"},
};

Test(crypto_key, public_areas_that_are_no_key_are_malformed)
{
    struct signer good[2] = {0};
    good[0].key = pki_key(PKI_P256);
    good[1].key = pki_key(PKI_RSA2048);
    for (size_t i = 0; i < sizeof(bad_keys) / sizeof(bad_keys[0]); i++) {
        static uint8_t big[1024];
        struct signer *s = &good[bad_keys[i].rsa];
        struct ratls_error err = {0};
        EVP_PKEY *key = NULL;
        describe(s, PKI_P256, bad_keys[i].rsa ? RATLS_ALG_RSASSA : RATLS_ALG_ECDSA,
                 RATLS_ALG_SHA256);
        cr_assert_eq(ratls_public_key(&s->area, &key, NULL), RATLS_OK);
        EVP_PKEY_free(key);
        key = NULL;
        apply(s, bad_keys[i].change, big);
        cr_assert_eq(ratls_public_key(&s->area, &key, &err), RATLS_MALFORMED, "%zu", i);
        cr_assert_not_null(strstr(err.text, bad_keys[i].text), "%zu: %s", i, err.text);
        cr_assert_null(key);
        cr_assert_eq(ERR_peek_error(), 0, "%zu", i);
    }
    EVP_PKEY_free(good[0].key);
    EVP_PKEY_free(good[1].key);
}
