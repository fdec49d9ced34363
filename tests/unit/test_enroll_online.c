/* Where certificates of endorsement keys are: keys of two TPMs, and where their makers have them.
 */
#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <string.h>

#include "ek_template.h"
#include "enroll_online.h"

#define INTEL 0x494e5443
#define AMD 0x414d4400

/* The certificates of these two were seen at the addresses below. */
static const char key_of_intel[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwyDi8kSoYBqs8+AdJsZl\n"
    "JJk1Vi3h2hl+nn8HbEaWE8+2U+mOwsOG/B0TPyyMbMM4tzLwsgi9g4qHej5bvD4d\n"
    "QIToNcfIkGocBbTS0w/b68HbrZUPprFlvUtqhkYDFGFkwMT1nUiQEe8fko3upukA\n"
    "YfPTdeVkYnMVHvYiJSCYvhpKsB3AoSInxgn9rOsRWvQI1Gk6b0mRl3RpWwwSvBih\n"
    "/3EgpzN7L7XxlR2Lt/CU1bVUwRyVI7MHKf5keH0KE7nmMEiNq039hmNKUnDscvzF\n"
    "pE3GeajzKTjdgZfina6Dn1tMoPXeJ8lSLCPFThws5XhZUlEYvURwsYGA7veK5CZ7\n"
    "zQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
static const char key_of_amd[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAo8ID3MRLZQWgq2WIK1qT\n"
    "e2HQxzZgiDWn6Tzw6uQOoXI1iyO9pxIailRxll2NeK1lRVP/dEKCV+mGwv75T+y2\n"
    "MmzpFhUY/O5RtEG8TiocDw6WkHRAJ9A9h1OMP+vD3mPClNoA9/ssB36/0ScmVtYR\n"
    "0gRkL+cZkAT6qro7xz4eRKLt8KfX6OG/Y9kCfJsKDCtYbc4OavHSf11VgbBLtxm7\n"
    "jSVE+pnO+x/om6qwACjZbU4qrq4PUbAxD1S9dJ2cZzKaYSsCA8wMIho0umYa3jGv\n"
    "eptunXDcE993BlsUGjLNbXC4aWVEtgo9yu98gKqhYGFEx7Mtk5NYOvWoNvcUBe2L\n"
    "2QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static void expect_url(const char *pem, uint32_t manufacturer, const char *expected)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    uint8_t area[RATLS_EK_AREA_MAX];
    char url[RATLS_ENROLL_URL_MAX];
    struct ratls_error err = {0};
    size_t len = 0;

    cr_assert_not_null(key);
    cr_assert(ratls_ek_area(ratls_ek_profile(RATLS_EK_L1), key, false, area, &len, &err) ==
              RATLS_OK);
    cr_assert(ratls_enroll_online_url(manufacturer, ratls_slice(area, len), url, &err) == RATLS_OK);
    cr_expect_str_eq(url, expected);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

Test(enroll_online, makers)
{
    expect_url(
        key_of_intel, INTEL,
        "https://ekop.intel.com/ekcertservice/WVEG2rRwkQ7m3RpXlUphgo6Y2HLxl18h6ZZkkOAdnBE%3D");
    expect_url(key_of_amd, AMD, "https://ftpm.amd.com/pki/aia/d027b3ce6a9b6b56846d2b9935884a88");
    expect_url(key_of_amd, 0x49465800, ""); /* Infineon: in the TPM */
}

Test(enroll_online, no_key)
{
    char url[RATLS_ENROLL_URL_MAX] = "x";
    struct ratls_error err = {0};

    cr_expect(ratls_enroll_online_url(AMD, ratls_slice("", 0), url, &err) == RATLS_MALFORMED);
    cr_expect_str_eq(url, "");
}
