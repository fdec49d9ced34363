/* Public areas and signatures: the other two readers of tpm_wire.h. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "octets.h"
#include "tpm_wire.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static bool accepts_public(struct ratls_slice in)
{
    struct ratls_tpm_public key;

    return ratls_tpm_read_public(in, &key);
}

static bool accepts_signature(struct ratls_slice in)
{
    struct ratls_tpm_signature signature;

    return ratls_tpm_read_signature(in, &signature);
}

#define AK_ATTRIBUTES "00050072"
#define ECC_BEGIN "0023 000b" AK_ATTRIBUTES "0000"
#define ECC_POINT "0020" DIGEST "0020" DIGEST
#define ECC_AK ECC_BEGIN "0010 0018 000b 0003 0010" ECC_POINT
#define RSA_BEGIN "0001 000b" AK_ATTRIBUTES "0000"
#define MODULUS "0020" DIGEST
#define RSA_AK RSA_BEGIN "0010 0014 000b 0800 00000000" MODULUS

Test(tpm_key, every_field_of_an_ecc_key_arrives)
{
    struct octets in = octets_from_hex(ECC_BEGIN "0010 0018 000c 0004 0010 0002 0102 0001 03");
    struct ratls_tpm_public key;

    cr_assert(ratls_tpm_read_public(octets_slice(in), &key));
    cr_expect(key.raw.p == in.p && key.raw.len == in.len);
    cr_expect_eq(key.type, RATLS_ALG_ECC);
    cr_expect_eq(key.name_alg, RATLS_ALG_SHA256);
    cr_expect_eq(key.attributes, RATLS_TPMA_FIXED_TPM | RATLS_TPMA_FIXED_PARENT |
                                     RATLS_TPMA_SENSITIVE_DATA_ORIGIN | RATLS_TPMA_RESTRICTED |
                                     RATLS_TPMA_SIGN | 1u << 6 /* userWithAuth */);
    cr_expect_eq(key.auth_policy.len, 0);
    cr_expect_eq(key.scheme, RATLS_ALG_ECDSA);
    cr_expect_eq(key.scheme_hash, RATLS_ALG_SHA384);
    cr_expect_eq(key.curve, RATLS_CURVE_P384);
    cr_expect(ratls_slice_equal(key.x, ratls_slice("\1\2", 2)));
    cr_expect(ratls_slice_equal(key.y, ratls_slice("\3", 1)));
    cr_expect_eq(key.rsa_bits, 0);
    cr_expect_eq(key.rsa_modulus.len, 0);
    free(in.p);
}

Test(tpm_key, every_field_of_an_rsa_key_arrives)
{
    static const struct {
        const char *hex;
        uint32_t exponent;
    } cases[] = {{"00000000", 65537}, {"00010001", 65537}, {"00000003", 3}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hex[256];
        struct octets in;
        struct ratls_tpm_public key;

        snprintf(hex, sizeof hex, "%s%s%s",
                 "0001 000b" AK_ATTRIBUTES "0002 abcd 0010 0016 000b"
                 "0800",
                 cases[i].hex, "0003 010203");
        in = octets_from_hex(hex);
        cr_assert(ratls_tpm_read_public(octets_slice(in), &key));
        cr_expect_eq(key.type, RATLS_ALG_RSA);
        cr_expect(ratls_slice_equal(key.auth_policy, ratls_slice("\xab\xcd", 2)));
        cr_expect_eq(key.scheme, RATLS_ALG_RSAPSS);
        cr_expect_eq(key.scheme_hash, RATLS_ALG_SHA256);
        cr_expect_eq(key.rsa_bits, 2048);
        cr_expect_eq(key.rsa_exponent, cases[i].exponent);
        cr_expect(ratls_slice_equal(key.rsa_modulus, ratls_slice("\1\2\3", 3)));
        cr_expect_eq(key.curve, 0);
        free(in.p);
    }
}

Test(tpm_key, only_the_whole_public_area_is_accepted)
{
    struct octets ecc = octets_from_hex(ECC_AK);
    struct octets rsa = octets_from_hex(RSA_AK);

    assert_only_whole(octets_slice(ecc), accepts_public);
    assert_only_whole(octets_slice(rsa), accepts_public);
    free(ecc.p);
    free(rsa.p);
}

static const struct shape PUBLIC_SHAPES[] = {
    {"ECC", ECC_AK, true},
    {"RSA", RSA_AK, true},
    {"keyed hash", "0008 000b" AK_ATTRIBUTES "0000 0010 0000", false},
    {"symmetric cipher", "0025 000b" AK_ATTRIBUTES "0000 0006 0080 0043 0000", false},
    {"type 0", "0000 000b" AK_ATTRIBUTES "0000 0010 0018 000b 0003 0010" ECC_POINT, false},
    {"nameAlg SHA-384", "0023 000c" AK_ATTRIBUTES "0000 0010 0018 000b 0003 0010" ECC_POINT, true},
    {"nameAlg null", "0023 0010" AK_ATTRIBUTES "0000 0010 0018 000b 0003 0010" ECC_POINT, false},
    {"unrestricted: left to the checks",
     "0023 000b 00040072 0000 0010 0018 000b 0003 0010" ECC_POINT, true},
    {"no scheme: left to the checks", ECC_BEGIN "0010 0010 0003 0010" ECC_POINT, true},
    {"storage key, AES-128-CFB", "0023 000b 00030072 0000 0006 0080 0043 0010 0003 0010" ECC_POINT,
     true},
    {"AES cut after keyBits", ECC_BEGIN "0006 0080", false},
    {"symmetric XOR", ECC_BEGIN "000a 0080 0043 0010 0003 0010" ECC_POINT, false},
    {"ECDAA has a count", ECC_BEGIN "0010 001a 000b 0001 0003 0010" ECC_POINT, true},
    {"ECDAA without its count", ECC_BEGIN "0010 001a 000b 0003 0010" ECC_POINT, false},
    {"RSA scheme in an ECC key", ECC_BEGIN "0010 0014 000b 0003 0010" ECC_POINT, false},
    {"scheme without a hash", ECC_BEGIN "0010 0018 0010 0003 0010" ECC_POINT, false},
    {"P-521", ECC_BEGIN "0010 0018 000d 0005 0010" ECC_POINT, true},
    {"SM2 curve: left to the checks", ECC_BEGIN "0010 0018 000b 0020 0010" ECC_POINT, true},
    {"curve 0", ECC_BEGIN "0010 0018 000b 0000 0010" ECC_POINT, false},
    {"curve 6", ECC_BEGIN "0010 0018 000b 0006 0010" ECC_POINT, false},
    {"key derivation with a hash", ECC_BEGIN "0010 0018 000b 0003 0020 000b" ECC_POINT, true},
    {"key derivation without a hash", ECC_BEGIN "0010 0018 000b 0003 0020" ECC_POINT, false},
    {"key derivation unknown", ECC_BEGIN "0010 0018 000b 0003 0018 000b" ECC_POINT, false},
    {"RSAES has no hash", RSA_BEGIN "0010 0015 0800 00000000" MODULUS, true},
    {"OAEP has one", RSA_BEGIN "0010 0017 000b 0800 00000000" MODULUS, true},
    {"ECC scheme in an RSA key", RSA_BEGIN "0010 0018 000b 0800 00000000" MODULUS, false},
    {"RSA without a modulus", RSA_BEGIN "0010 0014 000b 0800 00000000 0000", true},
    {"with its size in front", "0078" ECC_AK, false},
};

Test(tpm_key, shapes_of_public)
{
    expect_shapes(accepts_public, PUBLIC_SHAPES, sizeof PUBLIC_SHAPES / sizeof *PUBLIC_SHAPES);
}

/* A key whose fields are filled up to these lengths. */
static bool accepts_key(uint16_t type, size_t auth_policy, size_t first, size_t second)
{
    static const uint8_t zeros[600];
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_write_u16(&w, type);
    ratls_write_u16(&w, RATLS_ALG_SHA256);
    ratls_write_u32(&w, RATLS_TPMA_SIGN);
    ratls_write_u16(&w, (uint16_t)auth_policy);
    ratls_write_bytes(&w, ratls_slice(zeros, auth_policy));
    ratls_write_u16(&w, RATLS_ALG_NULL); /* symmetric */
    ratls_write_u16(&w, RATLS_ALG_NULL); /* scheme */
    ratls_write_u16(&w, type == RATLS_ALG_RSA ? 4096 : RATLS_CURVE_P256);
    if (type == RATLS_ALG_RSA)
        ratls_write_u32(&w, 0); /* exponent */
    else
        ratls_write_u16(&w, RATLS_ALG_NULL); /* kdf */
    ratls_write_u16(&w, (uint16_t)first);
    ratls_write_bytes(&w, ratls_slice(zeros, first));
    if (type == RATLS_ALG_ECC) {
        ratls_write_u16(&w, (uint16_t)second);
        ratls_write_bytes(&w, ratls_slice(zeros, second));
    }
    cr_assert_not(w.failed);
    return accepts_public(ratls_writer_slice(&w));
}

Test(tpm_key, limits_of_public)
{
    cr_expect(accepts_key(RATLS_ALG_RSA, 64, 512, 0), "4096 bits");
    cr_expect_not(accepts_key(RATLS_ALG_RSA, 65, 512, 0), "authPolicy");
    cr_expect_not(accepts_key(RATLS_ALG_RSA, 64, 513, 0), "modulus");
    cr_expect(accepts_key(RATLS_ALG_ECC, 64, 128, 128));
    cr_expect_not(accepts_key(RATLS_ALG_ECC, 64, 129, 128), "x");
    cr_expect_not(accepts_key(RATLS_ALG_ECC, 64, 128, 129), "y");
}

#define ECDSA "0018 000b 0002 0102 0002 0304"
#define RSASSA "0014 000b 0004 01020304"

Test(tpm_key, every_field_of_a_signature_arrives)
{
    struct octets ecdsa = octets_from_hex("0018 000c 0002 0102 0001 03");
    struct octets rsapss = octets_from_hex("0016 000b 0003 010203");
    struct ratls_tpm_signature signature;

    cr_assert(ratls_tpm_read_signature(octets_slice(ecdsa), &signature));
    cr_expect_eq(signature.alg, RATLS_ALG_ECDSA);
    cr_expect_eq(signature.hash, RATLS_ALG_SHA384);
    cr_expect(ratls_slice_equal(signature.r, ratls_slice("\1\2", 2)));
    cr_expect(ratls_slice_equal(signature.s, ratls_slice("\3", 1)));
    cr_expect_eq(signature.rsa.len, 0);
    cr_assert(ratls_tpm_read_signature(octets_slice(rsapss), &signature));
    cr_expect_eq(signature.alg, RATLS_ALG_RSAPSS);
    cr_expect_eq(signature.hash, RATLS_ALG_SHA256);
    cr_expect(ratls_slice_equal(signature.rsa, ratls_slice("\1\2\3", 3)));
    cr_expect_eq(signature.r.len, 0);
    free(ecdsa.p);
    free(rsapss.p);
}

Test(tpm_key, only_the_whole_signature_is_accepted)
{
    struct octets ecdsa = octets_from_hex(ECDSA);
    struct octets rsassa = octets_from_hex(RSASSA);

    assert_only_whole(octets_slice(ecdsa), accepts_signature);
    assert_only_whole(octets_slice(rsassa), accepts_signature);
    free(ecdsa.p);
    free(rsassa.p);
}

Test(tpm_key, shapes_of_signature)
{
    static const struct shape cases[] = {
        {"ECDSA", ECDSA, true},
        {"RSASSA", RSASSA, true},
        {"RSAPSS", "0016 000b 0004 01020304", true},
        {"SHA-1: left to the checks", "0014 0004 0004 01020304", true},
        {"no hash", "0014 0010 0004 01020304", false},
        {"no signature", "0010", false},
        {"HMAC", "0005 000b" DIGEST, false},
        {"SM2", "001b 000b 0002 0102 0002 0304", false},
        {"ECDAA", "001a 000b 0002 0102 0002 0304", false},
        {"ECDSA with r only", "0018 000b 0002 0102", false},
        {"nothing", "", false},
    };

    expect_shapes(accepts_signature, cases, sizeof cases / sizeof *cases);
}

static bool accepts_signature_of(uint16_t alg, size_t first, size_t second)
{
    static const uint8_t zeros[600];
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_write_u16(&w, alg);
    ratls_write_u16(&w, RATLS_ALG_SHA256);
    ratls_write_u16(&w, (uint16_t)first);
    ratls_write_bytes(&w, ratls_slice(zeros, first));
    if (alg == RATLS_ALG_ECDSA) {
        ratls_write_u16(&w, (uint16_t)second);
        ratls_write_bytes(&w, ratls_slice(zeros, second));
    }
    return accepts_signature(ratls_writer_slice(&w));
}

Test(tpm_key, limits_of_signature)
{
    cr_expect(accepts_signature_of(RATLS_ALG_RSASSA, 512, 0));
    cr_expect_not(accepts_signature_of(RATLS_ALG_RSASSA, 513, 0));
    cr_expect(accepts_signature_of(RATLS_ALG_ECDSA, 128, 128));
    cr_expect_not(accepts_signature_of(RATLS_ALG_ECDSA, 129, 128));
    cr_expect_not(accepts_signature_of(RATLS_ALG_ECDSA, 128, 129));
}
