#include <criterion/criterion.h>
#include <string.h>

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
