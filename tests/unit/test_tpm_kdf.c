/* Keys that a TPM makes of secrets. The values were computed by Python's hmac and hashlib. */
#include <criterion/criterion.h>

#include "octets.h"
#include "tpm_kdf.h"
#include "tpm_wire.h"

static const uint8_t counting[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                   32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                   48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

#define NAME                                                                                       \
    "000b"                                                                                         \
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static const struct {
    uint16_t alg;
    size_t key_len;
    const char *label;
    const char *context;
    const char *expected;
} KDFA[] = {
    {RATLS_ALG_SHA256, 32, "STORAGE", NAME, "009f711ff46f8188263069e9fd2e81eb"},
    {RATLS_ALG_SHA256, 32, "INTEGRITY", "",
     "bacf689f634ece301e1f1b15b072d9c87db6a69585db42b1a0cb8f73ebe2692e"},
    {RATLS_ALG_SHA384, 48, "STORAGE", NAME,
     "d832a2dc0a82714788462453e5a87be2b3ccf8e50745a5fa01359494014ba617"},
    {RATLS_ALG_SHA512, 64, "INTEGRITY", "",
     "acfccff6c35bcf8219ba426c5ce497dc7212f737c375c4f5a368d15bca53ca92"
     "6aa997fbd733172f597d38e9ec82ea37687cc820b2e3d5adeb5e8d51fe76af29"},
};

Test(tpm_kdf, kdfa)
{
    for (size_t i = 0; i < sizeof KDFA / sizeof *KDFA; i++) {
        struct octets context = octets_from_hex(KDFA[i].context);
        struct octets expected = octets_from_hex(KDFA[i].expected);
        uint8_t out[64];

        cr_assert(ratls_kdfa(KDFA[i].alg, ratls_slice(counting, KDFA[i].key_len), KDFA[i].label,
                             octets_slice(context), expected.len, out, NULL) == RATLS_OK);
        cr_expect(ratls_slice_equal(ratls_slice(out, expected.len), octets_slice(expected)),
                  "row %zu", i);
        free(context.p);
        free(expected.p);
    }
}

/* One block is all that credentials need. */
Test(tpm_kdf, kdfa_has_a_limit)
{
    uint8_t out[64];

    cr_expect(ratls_kdfa(RATLS_ALG_SHA256, ratls_slice(counting, 32), "STORAGE",
                         ratls_slice(NULL, 0), 33, out, NULL) != RATLS_OK);
    cr_expect(ratls_kdfa(RATLS_ALG_SHA1, ratls_slice(counting, 20), "STORAGE", ratls_slice(NULL, 0),
                         16, out, NULL) != RATLS_OK);
}

static void expect_kdfe(uint16_t alg, size_t len, const char *hex)
{
    struct octets expected = octets_from_hex(hex);
    uint8_t shared[48], u[48], v[48], out[64];

    memset(shared, 0x11, sizeof shared);
    memset(u, 0x22, sizeof u);
    memset(v, 0x33, sizeof v);
    cr_assert(ratls_kdfe(alg, ratls_slice(shared, len), "IDENTITY", ratls_slice(u, len),
                         ratls_slice(v, len), out, NULL) == RATLS_OK);
    cr_expect(ratls_slice_equal(ratls_slice(out, len), octets_slice(expected)), "%s", hex);
    free(expected.p);
}

Test(tpm_kdf, kdfe)
{
    expect_kdfe(RATLS_ALG_SHA256, 32,
                "349308f14b258cab5f67a14bfd8329ea42365fcdca2f9e7e658bc7504d5d0cb3");
    expect_kdfe(RATLS_ALG_SHA384, 48,
                "7d7147b0a398348c9b609c86403d4e69a591f729202069dbc3b399dbc22c9dd4"
                "44d17b52415e1d02c1e55cc401266433");
}
