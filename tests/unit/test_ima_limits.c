/* IMA lists as a whole: their size, their digests, and where a part of one begins. */
#include <criterion/criterion.h>

#include "ima.h"
#include "ima_list.h"
#include "tpm_wire.h"

Test(ima_limits, size_of_a_list)
{
    static const struct {
        const char *name;
        uint64_t offset;
        size_t len;
        enum ratls_status status;
    } cases[] = {
        {"at the limit", 0, RATLS_IMA_LIST_MAX, RATLS_MALFORMED}, /* zeros are no entries */
        {"beyond it", 0, RATLS_IMA_LIST_MAX + 1, RATLS_LIMIT},
        {"a part at the limit", RATLS_IMA_LIST_MAX - 100, 100, RATLS_MALFORMED},
        {"a part beyond it", RATLS_IMA_LIST_MAX - 100, 101, RATLS_LIMIT},
        {"empty at the limit", RATLS_IMA_LIST_MAX, 0, RATLS_OK},
        {"empty beyond it", (uint64_t)RATLS_IMA_LIST_MAX + 1, 0, RATLS_LIMIT},
        {"huge offset", UINT64_MAX, 1, RATLS_LIMIT},
    };
    uint8_t *zeros = calloc(RATLS_IMA_LIST_MAX + 1, 1);

    cr_assert_not_null(zeros);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_ima_reader r =
            ratls_ima_reader(ratls_slice(zeros, cases[i].len), RATLS_ALG_SHA1, cases[i].offset, 0);
        struct ratls_ima_entry entry;

        cr_expect_not(ratls_ima_next(&r, &entry), "%s", cases[i].name);
        cr_expect_eq(r.error.status, cases[i].status, "%s: %s", cases[i].name, r.error.text);
    }
    free(zeros);
}

Test(ima_limits, digests_that_no_list_has)
{
    static const uint16_t algs[] = {0, RATLS_ALG_SM3_256, RATLS_ALG_SHA3_256, RATLS_ALG_RSA};
    struct ima_list list = {.alg = RATLS_ALG_SHA256};
    struct ratls_ima_entry entry;

    ima_put_ng(&list, 0xaa, "/bin/a");
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct ratls_ima_reader r = ratls_ima_reader(ima_list_slice(&list), algs[i], 0, 0);

        cr_expect_not(ratls_ima_next(&r, &entry));
        cr_expect_eq(r.error.status, RATLS_USAGE, "0x%04x", (unsigned)algs[i]);
    }
}

/* A list of one bank read as that of another is refused, not read as something else. */
Test(ima_limits, list_of_another_bank)
{
    static const uint16_t algs[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                    RATLS_ALG_SHA512};

    for (size_t i = 0; i < 16; i++) {
        struct ima_list list = {.alg = algs[i / 4]};
        struct ratls_ima_reader r;
        struct ratls_ima_entry entry;

        ima_put_ng(&list, 0xaa, "/bin/a");
        r = ratls_ima_reader(ima_list_slice(&list), algs[i % 4], 0, 0);
        cr_expect_eq(ratls_ima_next(&r, &entry), i / 4 == i % 4, "%zu", i);
        cr_expect_eq(r.error.status, i / 4 == i % 4 ? RATLS_OK : RATLS_MALFORMED, "%zu", i);
    }
}

Test(ima_limits, a_part_counts_on_from_where_it_begins)
{
    struct ima_list list = {.alg = RATLS_ALG_SHA1};
    struct ratls_ima_reader r;
    struct ratls_ima_entry entry;

    ima_put_ng(&list, 0xaa, "/bin/a");
    ima_put(&list, "x", 1);
    r = ratls_ima_reader(ima_list_slice(&list), list.alg, 1000, 7);
    cr_assert(ratls_ima_next(&r, &entry));
    cr_expect(entry.number == 8 && entry.offset == 1000 && entry.len == list.len - 1);
    cr_assert_not(ratls_ima_next(&r, &entry));
    cr_expect_eq(strncmp(r.error.text, "entry 9 at byte 1093: ", 22), 0, "%s", r.error.text);
}

Test(ima_limits, a_trailing_byte_is_refused)
{
    struct ima_list list = {.alg = RATLS_ALG_SHA1};
    struct ratls_ima_reader r;
    struct ratls_ima_entry entry;

    ima_put_ng(&list, 0xaa, "/bin/a");
    ima_put(&list, "\n", 1);
    r = ratls_ima_reader(ima_list_slice(&list), list.alg, 0, 0);
    cr_assert(ratls_ima_next(&r, &entry));
    cr_assert_not(ratls_ima_next(&r, &entry));
    cr_expect_str_eq(r.error.text, "entry 2 at byte 93: the list ends within the header of an "
                                   "entry: 1 bytes are left");
}

Test(ima_limits, a_failure_sticks_and_writes_no_entry)
{
    struct ima_list list = {.alg = RATLS_ALG_SHA1};
    struct ratls_ima_reader r;
    struct ratls_ima_entry entry = {.number = 77};
    struct ratls_error first;

    ima_put_ng(&list, 0xaa, "/bin/a");
    ima_put_ng(&list, 0xaa, "/bin/b");
    list.bytes[0] = 24; /* no such PCR; the entry itself is whole, and so is the next */
    r = ratls_ima_reader(ima_list_slice(&list), list.alg, 0, 0);
    cr_assert_not(ratls_ima_next(&r, &entry));
    first = r.error;
    cr_expect_str_eq(first.text, "entry 1 at byte 0: the index of the PCR is 24");
    cr_assert_not(ratls_ima_next(&r, &entry));
    cr_expect_str_eq(r.error.text, first.text);
    cr_expect_eq(entry.number, 77);
}
