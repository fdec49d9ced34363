/* Certificates as they lie in the NV memory of TPMs: filled up, cut in pieces, or none at all. */
#include <criterion/criterion.h>
#include <string.h>

#include "ek_nv.h"
#include "octets.h"

/* Stand for certificates: a SEQUENCE is all that is looked at here. */
#define FIRST "3003020101"

static struct octets long_one(void)
{
    struct octets made = {.p = calloc(1, 3 + 0x80), .len = 3 + 0x80};

    cr_assert_not_null(made.p);
    memcpy(made.p, "\x30\x81\x80\x02\x01\x02", 6);
    return made;
}

static bool find(const char *hex, size_t *ret_len)
{
    struct octets content = octets_from_hex(hex);
    struct ratls_slice certificate = {0};
    bool found = ratls_ek_nv_certificate(octets_slice(content), &certificate);

    if (found) {
        cr_expect(certificate.p == content.p);
        *ret_len = certificate.len;
    }
    free(content.p);
    return found;
}

Test(ek_nv, certificate)
{
    static const char *const good[] = {FIRST, FIRST "00", FIRST "0000000000", FIRST "ff",
                                       FIRST "ffffff"};
    static const char *const bad[] = {"",           "00",       "ffff",
                                      "0203020101", "300302",   FIRST "00ff",
                                      FIRST "ff00", FIRST "01", FIRST FIRST};
    size_t len = 0;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(find(good[i], &len) && len == 5, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(!find(bad[i], &len), "%s", bad[i]);
}

static bool read_chain(const char *hex, size_t *ret_count)
{
    struct octets content = octets_from_hex(hex);
    struct ratls_slice chain[RATLS_EK_CHAIN_MAX];
    bool is_chain = ratls_ek_nv_chain(octets_slice(content), chain, ret_count);

    for (size_t i = 0; is_chain && i < *ret_count; i++)
        cr_expect(chain[i].p == content.p + 5 * i && chain[i].len == 5, "%s", hex);
    free(content.p);
    return is_chain;
}

Test(ek_nv, chain)
{
    size_t count = 99;

    cr_expect(read_chain("", &count) && count == 0);
    cr_expect(read_chain("0000", &count) && count == 0);
    cr_expect(read_chain(FIRST, &count) && count == 1);
    cr_expect(read_chain(FIRST FIRST "ffff", &count) && count == 2);
    cr_expect(read_chain(FIRST FIRST FIRST FIRST FIRST FIRST FIRST, &count) && count == 7);
    cr_expect(!read_chain(FIRST FIRST FIRST FIRST FIRST FIRST FIRST FIRST, &count));
    cr_expect(!read_chain(FIRST "3003", &count));
    cr_expect(!read_chain(FIRST "00" FIRST, &count));
    cr_expect(!read_chain("0102", &count));
}

Test(ek_nv, only_the_whole)
{
    struct octets content = long_one();
    struct ratls_slice certificate;

    for (size_t len = 0; len < content.len; len++) {
        struct octets cut = octets_copy(content.p, len);

        cr_expect(!ratls_ek_nv_certificate(octets_slice(cut), &certificate), "%zu", len);
        free(cut.p);
    }
    cr_expect(ratls_ek_nv_certificate(octets_slice(content), &certificate));
    cr_expect_eq(certificate.len, content.len);
    free(content.p);
}
