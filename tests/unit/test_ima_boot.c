#include <criterion/criterion.h>

#include "ima_boot.h"
#include "ima_list.h"
#include "tpm_wire.h"

#define COUNT(table) (sizeof table / sizeof *table)

/* PCR i is `i` in every byte. */
static void fill_pcrs(uint16_t bank, uint8_t bytes[RATLS_IMA_BOOT_PCRS * RATLS_DIGEST_MAX],
                      struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS])
{
    size_t len = ratls_tpm_hash_len(bank);

    for (size_t i = 0; i < RATLS_IMA_BOOT_PCRS; i++) {
        memset(bytes + i * len, (int)i, len);
        pcrs[i] = ratls_slice(bytes + i * len, len);
    }
}

Test(ima_boot, boot_aggregate_is_of_8_pcrs_in_sha1_and_of_10_else)
{
    static const struct {
        uint16_t bank;
        size_t pcrs;
    } cases[] = {{RATLS_ALG_SHA1, 8},
                 {RATLS_ALG_SHA256, 10},
                 {RATLS_ALG_SHA384, 10},
                 {RATLS_ALG_SHA512, 10}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = ratls_tpm_hash_len(cases[i].bank);
        uint8_t bytes[RATLS_IMA_BOOT_PCRS * RATLS_DIGEST_MAX];
        struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS];
        uint8_t expected[RATLS_DIGEST_MAX], out[RATLS_DIGEST_MAX];

        fill_pcrs(cases[i].bank, bytes, pcrs);
        ima_hash(cases[i].bank, ratls_slice(bytes, cases[i].pcrs * len), expected);
        cr_assert_eq(ratls_ima_boot_aggregate(cases[i].bank, pcrs, out, NULL), RATLS_OK);
        cr_expect_eq(memcmp(out, expected, len), 0, "%s", ratls_tpm_hash_name(cases[i].bank));
        pcrs[7].len--;
        cr_expect_eq(ratls_ima_boot_aggregate(cases[i].bank, pcrs, out, NULL), RATLS_USAGE);
    }
}

Test(ima_boot, boot_aggregate_of_an_entry)
{
    uint8_t bytes[RATLS_IMA_BOOT_PCRS * RATLS_DIGEST_MAX];
    struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS];
    uint8_t digest[RATLS_DIGEST_MAX];
    struct ratls_ima_entry good = {.path = ratls_slice("boot_aggregate", 14),
                                   .file = {.hash = 4, .value = ratls_slice(digest, 32)}};
    struct ratls_ima_entry bad[6] = {good, good, good, good, good, good};
    bool is_match = false;

    fill_pcrs(RATLS_ALG_SHA256, bytes, pcrs);
    cr_assert_eq(ratls_ima_boot_aggregate(RATLS_ALG_SHA256, pcrs, digest, NULL), RATLS_OK);
    cr_assert_eq(ratls_ima_match_boot(&good, RATLS_ALG_SHA256, pcrs, &is_match, NULL), RATLS_OK);
    cr_assert(is_match);
    bad[0].is_violation = true;
    bad[1].path.len--;
    bad[2].path = ratls_slice("/oot_aggregate", 14);
    bad[3].file.hash = 20; /* sha3-256 is as long */
    bad[4].file.value.len--;
    bad[5].file.value = pcrs[0];
    for (size_t i = 0; i < COUNT(bad); i++) {
        is_match = true;
        cr_assert_eq(ratls_ima_match_boot(&bad[i], RATLS_ALG_SHA256, pcrs, &is_match, NULL),
                     RATLS_OK);
        cr_expect_not(is_match, "%zu", i);
    }
    digest[31] ^= 1;
    cr_assert_eq(ratls_ima_match_boot(&good, RATLS_ALG_SHA256, pcrs, &is_match, NULL), RATLS_OK);
    cr_expect_not(is_match);
}
