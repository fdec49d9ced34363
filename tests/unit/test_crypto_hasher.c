#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <string.h>

#include "crypto_direct.h"
#include "crypto_hasher.h"
#include "octets.h"

/* FIPS 180-4, examples "abc". */
static const struct {
    uint16_t alg;
    size_t len;
    const char *digest;
} ABC[] = {
    {RATLS_ALG_SHA1, 20, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {RATLS_ALG_SHA256, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {RATLS_ALG_SHA384, 48,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {RATLS_ALG_SHA512, 64,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

Test(crypto_hasher, each_digest_begins_anew)
{
    const struct ratls_slice parts[] = {ratls_slice("a", 1), ratls_slice(NULL, 0),
                                        ratls_slice("bc", 2)};

    for (size_t i = 0; i < sizeof ABC / sizeof *ABC; i++) {
        struct octets expected = octets_from_hex(ABC[i].digest);
        struct ratls_hasher hasher;

        cr_assert_eq(ratls_hasher_begin(ABC[i].alg, &hasher, NULL), RATLS_OK);
        cr_assert_eq(hasher.len, ABC[i].len);
        for (int round = 0; round < 3; round++) {
            uint8_t actual[RATLS_DIGEST_MAX] = {0};

            cr_assert_eq(ratls_hasher_digest(&hasher, parts, 3, actual, NULL), RATLS_OK);
            cr_expect_arr_eq(actual, expected.p, expected.len, "%04x, round %d", ABC[i].alg, round);
        }
        ratls_hasher_end(&hasher);
        free(expected.p);
    }
}

Test(crypto_hasher, the_digest_may_replace_its_input)
{
    uint8_t value[32] = {0};
    uint8_t expected[32];
    const struct ratls_slice parts[] = {ratls_slice(value, 32), ratls_slice("next", 4)};
    struct ratls_hasher hasher;

    cr_assert_eq(ratls_digest(RATLS_ALG_SHA256, parts, 2, expected, NULL), RATLS_OK);
    cr_assert_eq(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL), RATLS_OK);
    cr_assert_eq(ratls_hasher_digest(&hasher, parts, 2, value, NULL), RATLS_OK);
    cr_expect_arr_eq(value, expected, 32);
    ratls_hasher_end(&hasher);
}

Test(crypto_hasher, refuses_other_algorithms)
{
    const uint16_t algs[] = {RATLS_ALG_SM3_256, RATLS_ALG_NULL, RATLS_ALG_RSA, 0, 0xffff};

    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct ratls_error error = {0};
        struct ratls_hasher hasher;

        cr_expect_eq(ratls_hasher_begin(algs[i], &hasher, &error), RATLS_MALFORMED);
        cr_expect_not_null(strstr(error.text, "is none of SHA-1"), "%s", error.text);
        ratls_hasher_end(&hasher);
    }
}

/* A program whose configuration brings another module for SHA-2 gets that module's. */
Test(crypto_direct, stands_only_for_the_default_provider)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(libctx, "legacy");
    OSSL_PROVIDER *normal = OSSL_PROVIDER_load(libctx, "default");
    EVP_MD *other = EVP_MD_fetch(libctx, "RIPEMD160", "provider=legacy");
    EVP_MD *sha256 = EVP_MD_fetch(libctx, "SHA256", NULL);

    cr_assert(libctx != NULL && normal != NULL && sha256 != NULL);
    cr_expect(ratls_direct_stands_for(sha256, RATLS_ALG_SHA256));
    cr_expect_not(ratls_direct_stands_for(sha256, 0x0012), "SM3");
    if (legacy != NULL && other != NULL)
        cr_expect_not(ratls_direct_stands_for(other, RATLS_ALG_SHA256));
    EVP_MD_free(sha256);
    EVP_MD_free(other);
    if (legacy != NULL)
        OSSL_PROVIDER_unload(legacy);
    OSSL_PROVIDER_unload(normal);
    OSSL_LIB_CTX_free(libctx);
}

Test(crypto_direct, is_what_evp_computes)
{
    uint8_t data[300];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(7 * i);
    for (size_t i = 0; i < sizeof ABC / sizeof *ABC; i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const EVP_MD *method = EVP_get_digestbyname(ratls_tpm_alg_name(ABC[i].alg));
        struct ratls_hasher direct = {.alg = ABC[i].alg, .len = ABC[i].len};
        struct ratls_hasher by_evp = {.ctx = ctx, .alg = ABC[i].alg, .len = ABC[i].len};

        cr_assert(EVP_DigestInit_ex2(ctx, method, NULL) == 1);
        for (size_t len = 0; len <= sizeof data; len++) {
            const struct ratls_slice parts[] = {ratls_slice(data, len / 3),
                                                ratls_slice(data + len / 3, len - len / 3)};
            uint8_t a[RATLS_DIGEST_MAX] = {0}, b[RATLS_DIGEST_MAX] = {1};

            cr_assert_eq(ratls_hasher_digest(&direct, parts, 2, a, NULL), RATLS_OK);
            cr_assert_eq(ratls_hasher_digest(&by_evp, parts, 2, b, NULL), RATLS_OK);
            cr_assert_arr_eq(a, b, ABC[i].len, "%04x, %zu bytes", ABC[i].alg, len);
        }
        EVP_MD_CTX_free(ctx);
    }
}
