#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/err.h>
#include <string.h>

#include "crypto.h"

static struct ratls_slice text(const char *s)
{
    return (struct ratls_slice){(const uint8_t *)s, strlen(s)};
}

/* Hexadecimal digits to bytes; returns how many. */
static size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte = 0;
        cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return len;
}

/* FIPS 180-4, examples "abc". */
static const struct {
    uint16_t alg;
    const char *digest;
} abc[] = {
    {RATLS_ALG_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {RATLS_ALG_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                       "8086072ba1e7cc2358baeca134c825a7"},
    {RATLS_ALG_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

Test(crypto, digest_of_parts_is_digest_of_their_concatenation)
{
    const struct ratls_slice parts[] = {text("a"), {NULL, 0}, text("bc")};
    for (size_t i = 0; i < sizeof(abc) / sizeof(abc[0]); i++) {
        uint8_t expected[RATLS_DIGEST_MAX], actual[RATLS_DIGEST_MAX];
        size_t len = unhex(abc[i].digest, expected);
        cr_assert_eq(ratls_digest(abc[i].alg, parts, 3, actual, NULL), RATLS_OK);
        cr_assert_arr_eq(actual, expected, len, "%04x", abc[i].alg);
    }
}

Test(crypto, digest_refuses_other_algorithms)
{
    const uint16_t algs[] = {RATLS_ALG_SHA1, RATLS_ALG_NULL, RATLS_ALG_RSA, 0, 0xffff};
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        struct ratls_error err = {0};
        struct ratls_slice in = text("abc");
        uint8_t out[RATLS_DIGEST_MAX] = {0};
        cr_assert_eq(ratls_digest(algs[i], &in, 1, out, &err), RATLS_MALFORMED);
        cr_assert_not_null(strstr(err.text, "SHA-384"), "%s", err.text);
        cr_assert_eq(out[0], 0);
    }
}

Test(crypto, sha256_of_nothing)
{
    uint8_t expected[32], actual[32];
    unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", expected);
    cr_assert_eq(ratls_sha256((struct ratls_slice){NULL, 0}, actual, NULL), RATLS_OK);
    cr_assert_arr_eq(actual, expected, 32);
}

/* RFC 8448, 3: finished key of the server's handshake traffic secret. */
Test(crypto, hkdf_expand_label_as_in_rfc_8448)
{
    uint8_t secret[32], expected[32], actual[32];
    unhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", secret);
    unhex("008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8", expected);
    cr_assert_eq(
        ratls_hkdf_expand_label((struct ratls_slice){secret, 32}, "finished", actual, NULL),
        RATLS_OK);
    cr_assert_arr_eq(actual, expected, 32);
}

/* T(1) = HMAC-SHA-384(secret, HkdfLabel || 1), made with another implementation. */
Test(crypto, hkdf_expand_label_takes_sha384_for_48_bytes)
{
    uint8_t secret[48], expected[32], actual[32];
    memset(secret, 0x5a, sizeof(secret));
    unhex("130bb88e6ebceb306a4692b33b224c9af15c6895de5b4e2728020f78285eb29b", expected);
    cr_assert_eq(
        ratls_hkdf_expand_label((struct ratls_slice){secret, 48}, "ratls bind", actual, NULL),
        RATLS_OK);
    cr_assert_arr_eq(actual, expected, 32);
}

Test(crypto, hkdf_expand_label_refuses_other_secret_lengths)
{
    const size_t lengths[] = {0, 31, 33, 47, 49, 64};
    uint8_t secret[64] = {0}, out[32];
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        cr_assert_eq(ratls_hkdf_expand_label((struct ratls_slice){secret, lengths[i]}, "ratls bind",
                                             out, NULL),
                     RATLS_USAGE);
}

Test(crypto, name_is_algorithm_and_digest_of_the_public_area)
{
    struct ratls_tpm_public key = {.raw = text("abc"), .name_alg = RATLS_ALG_SHA384};
    uint8_t name[RATLS_TPM_NAME_MAX], expected[48];
    size_t len = 0;
    unhex(abc[1].digest, expected);
    cr_assert_eq(ratls_tpm_name(&key, name, &len, NULL), RATLS_OK);
    cr_assert_eq(len, 50);
    cr_assert_eq(name[0], 0x00);
    cr_assert_eq(name[1], 0x0c);
    cr_assert_arr_eq(name + 2, expected, 48);
    key.name_alg = RATLS_ALG_SHA1;
    cr_assert_eq(ratls_tpm_name(&key, name, &len, NULL), RATLS_MALFORMED);
}

Test(crypto, qualified_name_covers_the_hierarchy)
{
    uint8_t name[34] = {0x00, 0x0b}, parts[4 + 34] = {0x40, 0x00, 0x00, 0x0b, 0x00, 0x0b};
    uint8_t expected[32], actual[RATLS_TPM_NAME_MAX];
    size_t len = 0;
    cr_assert_eq(ratls_sha256((struct ratls_slice){parts, sizeof(parts)}, expected, NULL),
                 RATLS_OK);
    cr_assert_eq(ratls_tpm_qualified_name((struct ratls_slice){name, sizeof(name)}, 0x4000000b,
                                          actual, &len, NULL),
                 RATLS_OK);
    cr_assert_eq(len, 34);
    cr_assert_eq(actual[1], 0x0b);
    cr_assert_arr_eq(actual + 2, expected, 32);
    cr_assert_eq(
        ratls_tpm_qualified_name((struct ratls_slice){name, 1}, 0x4000000b, actual, &len, NULL),
        RATLS_MALFORMED);
}

Test(crypto, random_fills_and_differs)
{
    uint8_t a[32] = {0}, b[32] = {0}, zero[32] = {0};
    cr_assert_eq(ratls_random(a, sizeof(a), NULL), RATLS_OK);
    cr_assert_eq(ratls_random(b, sizeof(b), NULL), RATLS_OK);
    cr_assert_arr_neq(a, zero, 32);
    cr_assert_arr_neq(a, b, 32);
}
