/* Signatures around results: vectors of the standards, other keys, other algorithms. */
#include <criterion/criterion.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base64url.h"
#include "cose.h"
#include "crypto_ecdsa.h"
#include "jws.h"
#include "octets.h"
#include "pki.h"
#include "result_sample.h"

static EVP_PKEY *public_p256(const char *x, const char *y)
{
    struct octets of_x = octets_from_hex(x), of_y = octets_from_hex(y);
    uint8_t point[65] = {0x04};
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;

    memcpy(point + 1, of_x.p, 32);
    memcpy(point + 33, of_y.p, 32);
    cr_assert(OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0));
    cr_assert(OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, 65));
    params = OSSL_PARAM_BLD_to_param(parts);
    cr_assert(EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(parts);
    EVP_PKEY_CTX_free(ctx);
    free(of_x.p);
    free(of_y.p);
    return key;
}

static bool is_cose_valid(const struct ratls_cose *cose, EVP_PKEY *key)
{
    bool valid = false;

    cr_assert_eq(ratls_cose_verify(cose, key, &valid, NULL), RATLS_OK);
    return valid;
}

/* RFC 8392, A.3, with the key of A.2.3. */
Test(result_signed, vector_of_rfc_8392)
{
    struct octets header = octets_from_hex("a10126");
    struct octets payload =
        octets_from_hex("a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b7703781863"
                        "6f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0"
                        "061a5610d9f007420b71");
    struct octets signature =
        octets_from_hex("5427c1ff28d23fbad1f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca5acd08c8d4"
                        "d4f96131680c429a01f85951ecee743a52b9b63632c57209120e1c9e30");
    struct ratls_cose cose = {.alg = -7,
                              .header = octets_slice(header),
                              .payload = octets_slice(payload),
                              .signature = octets_slice(signature)};
    EVP_PKEY *key = public_p256("143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f",
                                "60f7f1a780d8a783bfb7a2dd6b2796e8128dbbcef9d3d168db9529971a36e7b9");

    cr_expect(is_cose_valid(&cose, key));
    cose.alg = -35;
    cr_expect_not(is_cose_valid(&cose, key), "the header names another algorithm");
    cose.alg = -7;
    for (size_t bit = 0; bit < 8 * signature.len; bit++) {
        signature.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_not(is_cose_valid(&cose, key), "bit %zu", bit);
        signature.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cose.signature.len--;
    cr_expect_not(is_cose_valid(&cose, key), "cut");
    EVP_PKEY_free(key);
    free(header.p);
    free(payload.p);
    free(signature.p);
}

static bool is_jws_valid(const char *text, EVP_PKEY *key)
{
    struct ratls_jws *jws = NULL;
    bool valid = false;

    cr_assert_eq(ratls_jws_read(sample_text(text), &jws, NULL), RATLS_OK);
    cr_assert_eq(ratls_jws_verify(jws, key, &valid, NULL), RATLS_OK);
    free(jws);
    return valid;
}

#define JWS_PAYLOAD                                                                                \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define JWS_SIGNATURE                                                                              \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/* RFC 7515, A.3. */
Test(result_signed, vector_of_rfc_7515)
{
    EVP_PKEY *key = public_p256("7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445",
                                "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad");

    cr_expect(is_jws_valid("eyJhbGciOiJFUzI1NiJ9." JWS_PAYLOAD "." JWS_SIGNATURE, key));
    cr_expect(is_jws_valid("eyJhbGciOiJFUzI1NiJ9." JWS_PAYLOAD "." JWS_SIGNATURE "\n", key));
    /* {"alg":"ES384"}, {"alg":"none"}, {"alg":"HS256"}, none at all */
    cr_expect_not(is_jws_valid("eyJhbGciOiJFUzM4NCJ9." JWS_PAYLOAD "." JWS_SIGNATURE, key));
    cr_expect_not(is_jws_valid("eyJhbGciOiJub25lIn0." JWS_PAYLOAD "." JWS_SIGNATURE, key));
    cr_expect_not(is_jws_valid("eyJhbGciOiJIUzI1NiJ9." JWS_PAYLOAD "." JWS_SIGNATURE, key));
    cr_expect_not(is_jws_valid("e30." JWS_PAYLOAD "." JWS_SIGNATURE, key));
    EVP_PKEY_free(key);
}

Test(result_signed, what_is_no_jws)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "e30..",
        "e30.e30",
        "e30.e30.",
        "e30.e30.AA.AA",
        "e30.e30.A",
        "e3.e30.AA",
        "e30=.e30.AA",
        "e30.e3!.AA",
        " e30.e30.AA",
        "e30.e30.AB",
        /* {"crit":["x"],"alg":"ES256"} and [1] */
        "eyJjcml0IjpbIngiXSwiYWxnIjoiRVMyNTYifQ.e30.AA",
        "WzFd.e30.A",
    };
    struct ratls_jws *jws = NULL;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(ratls_jws_read(sample_text(texts[i]), &jws, NULL), RATLS_MALFORMED, "%s",
                     texts[i]);
}

static const enum pki_algorithm curves[] = {PKI_P256, PKI_P384};

Test(result_signed, cose_comes_back_and_is_of_its_key)
{
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key = pki_key(curves[i]), *same = pki_key(curves[i]),
                 *other = pki_key(curves[1 - i]);
        struct ratls_cose cose;
        uint8_t *bytes = NULL;
        size_t len = 0;

        cr_assert_eq(ratls_cose_sign(key, sample_text("payload"), &bytes, &len, NULL), RATLS_OK);
        cr_assert(ratls_cose_read(ratls_slice(bytes, len), &cose));
        cr_expect(ratls_slice_equal(cose.payload, sample_text("payload")));
        cr_expect_eq(cose.alg, i == 0 ? -7 : -35);
        cr_expect(is_cose_valid(&cose, key));
        cr_expect_not(is_cose_valid(&cose, same), "another key");
        cr_expect_not(is_cose_valid(&cose, other), "a key on another curve");
        cose.payload = sample_text("Payload");
        cr_expect_not(is_cose_valid(&cose, key), "another payload");
        EVP_PKEY_free(key);
        EVP_PKEY_free(same);
        EVP_PKEY_free(other);
        free(bytes);
    }
}

static bool accepts_cose(struct ratls_slice in)
{
    struct ratls_cose cose;

    return ratls_cose_read(in, &cose);
}

Test(result_signed, what_is_no_cose)
{
    /* 18([h'a2 01 26 03 19 0107', {}, h'70', h'73']) */
    static const char good[] = "d28447a2012603190107a041704173";
    static const char *const bad[] = {
        "d18447a2012603190107a041704173",       /* COSE_Mac0 */
        "8447a2012603190107a041704173",         /* no tag */
        "d83dd28447a2012603190107a041704173",   /* CWT tag around it */
        "d28347a2012603190107a04170",           /* three items */
        "d28447a2012603190107a1044141704173",   /* something that is not protected */
        "d28443a10126a041704173",               /* no content type */
        "d28447a2012603190106a041704173",       /* another content type */
        "d28449a301260319010704400aa041704173", /* more in the header */
        "d28447a2031901070126a041704173",       /* the header out of order */
        "d28440a041704173",                     /* no header */
        "d28447a2012603190107a0404173",         /* no payload */
        "d28447a2012603190107a0f64173",         /* a detached payload */
        "d28447a2012603190107a0417040",         /* no signature */
    };
    struct octets bytes = octets_from_hex(good);

    assert_only_whole(octets_slice(bytes), accepts_cose);
    free(bytes.p);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bytes = octets_from_hex(bad[i]);
        cr_expect_not(accepts_cose(octets_slice(bytes)), "%s", bad[i]);
        free(bytes.p);
    }
}

Test(result_signed, only_two_curves_sign)
{
    static const enum pki_algorithm others[] = {PKI_P521, PKI_RSA2048};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        EVP_PKEY *key = pki_key(others[i]);
        uint8_t *bytes = NULL;
        size_t len = 0;

        cr_expect_null(ratls_ecdsa_of(key));
        cr_expect_eq(ratls_cose_sign(key, sample_text("x"), &bytes, &len, NULL), RATLS_USAGE);
        cr_expect_eq(ratls_jws_sign(key, sample_text("x"), &bytes, &len, NULL), RATLS_USAGE);
        EVP_PKEY_free(key);
    }
}

static char *public_pem(EVP_PKEY *key, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, *copy;
    long len;

    if (key != NULL)
        cr_assert(PEM_write_bio_PUBKEY(bio, key) == 1);
    if (certificate != NULL)
        cr_assert(PEM_write_bio_X509(bio, certificate) == 1);
    len = BIO_get_mem_data(bio, &text);
    copy = strndup(text, (size_t)len);
    BIO_free(bio);
    return copy;
}

static enum ratls_status read_pem(const char *pem, EVP_PKEY *expected)
{
    EVP_PKEY *key = NULL;
    enum ratls_status status = ratls_ecdsa_public(sample_text(pem), &key, NULL);

    cr_expect((status == RATLS_OK) == (key != NULL));
    cr_expect(key == NULL || EVP_PKEY_eq(key, expected) == 1);
    EVP_PKEY_free(key);
    return status;
}

Test(result_signed, keys_in_files)
{
    EVP_PKEY *key = pki_key(PKI_P384), *rsa = pki_key(PKI_RSA2048);
    X509 *certificate = pki_ca("verifier", key, NULL, NULL);
    char *alone = public_pem(key, NULL), *certified = public_pem(NULL, certificate),
         *both = public_pem(key, certificate), *unfit = public_pem(rsa, NULL);

    cr_expect_eq(read_pem(alone, key), RATLS_OK);
    cr_expect_eq(read_pem(certified, key), RATLS_OK);
    cr_expect_eq(read_pem(both, key), RATLS_USAGE, "two: which is meant?");
    cr_expect_eq(read_pem(unfit, key), RATLS_USAGE);
    cr_expect_eq(read_pem("", key), RATLS_USAGE);
    cr_expect_eq(read_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", key),
                 RATLS_USAGE);
    free(alone);
    free(certified);
    free(both);
    free(unfit);
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
}

/* RFC 4648, 5, without padding. */
Test(result_signed, base64url)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},        {"M", "TQ"},        {"Ma", "TWE"},
                 {"Man", "TWFu"}, {"Many", "TWFueQ"}, {"\xfb\xff", "-_8"}};
    static const char *const bad[] = {"Z",     "Zg=", "Zg==", "Zh", "Zm9",
                                      "Zm9vY", "+/8", "Zm 8", "Z\n"};
    uint8_t out[16];
    size_t len;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_writer w = ratls_writer(out, sizeof out);

        ratls_base64url_write(sample_text(cases[i].bytes), &w);
        cr_expect(ratls_slice_equal(ratls_writer_slice(&w), sample_text(cases[i].text)));
        cr_expect_eq(w.len, RATLS_BASE64URL_LEN(strlen(cases[i].bytes)));
        cr_assert(ratls_base64url_read(sample_text(cases[i].text), out, &len));
        cr_expect(ratls_slice_equal(ratls_slice(out, len), sample_text(cases[i].bytes)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(ratls_base64url_read(sample_text(bad[i]), out, &len), "%s", bad[i]);
}
