/* What a replay does not take, and says so. */
#include <criterion/criterion.h>

#include "ima_list.h"
#include "tpm_wire.h"

#define COUNT(table) (sizeof table / sizeof *table)

static struct ima_list make_two(void)
{
    struct ima_list list = {.alg = RATLS_ALG_SHA1};

    ima_put_ng(&list, 0, "boot_aggregate");
    ima_put_ng(&list, 1, "/bin/a");
    return list;
}

Test(ima_refused, wrong_digest_in_words)
{
    struct ima_list list = {.alg = RATLS_ALG_SHA1};
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    struct ratls_error err = {0};

    ima_put_ng(&list, 0, "boot_aggregate");
    ima_put_ng(&list, 0xaa, "/usr/bin/x");
    list.bytes[list.len - 2] = 'y';
    cr_assert_eq(ratls_ima_replay_all(&replay, ima_list_slice(&list), &err), RATLS_MALFORMED);
    cr_expect_eq(strncmp(err.text,
                         "entry 2 at byte 101: the digest in the list is "
                         "1dd9a93cf3b056bfee73fd33b485127710cf1a42, that of the template data is ",
                         47 + 40 + 31),
                 0, "%s", err.text);
    cr_expect(replay.state.entries == 1 && replay.state.offset == 101);
    ratls_ima_replay_close(&replay);
}

Test(ima_refused, entries_follow_each_other_and_are_for_pcr_10)
{
    struct ima_list list = make_two();
    struct ratls_ima_reader r = ratls_ima_reader(ima_list_slice(&list), RATLS_ALG_SHA1, 0, 0);
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    struct ratls_ima_entry first, second, other;
    struct ratls_error err = {0};

    cr_assert(ratls_ima_next(&r, &first) && ratls_ima_next(&r, &second));
    cr_expect_eq(ratls_ima_replay_entry(&replay, &second, NULL), RATLS_MALFORMED, "skipped");
    cr_expect_eq(replay.state.entries, 0);
    cr_expect_eq(ratls_ima_replay_entry(&replay, &first, NULL), RATLS_OK);
    cr_expect_eq(ratls_ima_replay_entry(&replay, &first, NULL), RATLS_MALFORMED, "twice");
    other = second;
    other.number++;
    cr_expect_eq(ratls_ima_replay_entry(&replay, &other, NULL), RATLS_MALFORMED, "number");
    other = second;
    other.offset++;
    cr_expect_eq(ratls_ima_replay_entry(&replay, &other, NULL), RATLS_MALFORMED, "offset");
    other = second;
    other.pcr = 11;
    cr_expect_eq(ratls_ima_replay_entry(&replay, &other, &err), RATLS_MALFORMED);
    cr_expect_not_null(strstr(err.text, "is for PCR 11"), "%s", err.text);
    cr_expect_eq(ratls_ima_replay_entry(&replay, &second, NULL), RATLS_OK);
    cr_expect_eq(replay.state.entries, 2);
    ratls_ima_replay_close(&replay);
}

Test(ima_refused, entries_before_their_mode_is_known)
{
    struct ima_list list = make_two();
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_EITHER);

    cr_expect_eq(ratls_ima_replay_all(&replay, ima_list_slice(&list), NULL), RATLS_USAGE);
    cr_expect_eq(replay.state.entries, 0);
    ratls_ima_replay_close(&replay);
}

Test(ima_refused, what_is_never_found)
{
    static const uint8_t zeros[RATLS_DIGEST_MAX];
    static const uint8_t ones[RATLS_DIGEST_MAX + 1] = {1};
    struct ima_list two = make_two();
    struct ratls_slice list = ima_list_slice(&two);
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_EITHER);
    struct ratls_ima_state start = replay.state;
    bool is_found = true;

    cr_assert_eq(ratls_ima_replay_until(&replay, ratls_slice(NULL, 0), ratls_slice(zeros, 32),
                                        &is_found, NULL),
                 RATLS_OK);
    cr_expect_not(is_found, "a PCR of zeros and no list");
    replay.state = start;
    is_found = true;
    cr_assert_eq(ratls_ima_replay_until(&replay, list, ratls_slice(zeros, 32), &is_found, NULL),
                 RATLS_OK);
    cr_expect_not(is_found, "a PCR of zeros");
    replay.state = start;
    for (size_t len = 0; len <= sizeof ones; len++)
        if (len != 32)
            cr_expect_eq(
                ratls_ima_replay_until(&replay, list, ratls_slice(ones, len), &is_found, NULL),
                RATLS_USAGE, "%zu bytes", len);
    cr_expect_eq(replay.state.entries, 0);
    ratls_ima_replay_close(&replay);
}

Test(ima_refused, algorithms_and_modes_that_do_not_go_together)
{
    static const struct {
        uint16_t list_alg, bank;
        enum ratls_ima_mode mode;
    } cases[] = {
        {RATLS_ALG_SHA1, RATLS_ALG_SHA1, RATLS_IMA_PADDED},
        {RATLS_ALG_SHA256, RATLS_ALG_SHA256, RATLS_IMA_PADDED},
        {RATLS_ALG_SHA256, RATLS_ALG_SHA1, RATLS_IMA_PADDED},
        {RATLS_ALG_SHA1, RATLS_ALG_SM3_256, RATLS_IMA_EITHER},
        {RATLS_ALG_SHA3_256, RATLS_ALG_SHA256, RATLS_IMA_NATIVE},
        {0, 0, RATLS_IMA_EITHER},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ratls_ima_state state;

        cr_expect_eq(
            ratls_ima_state_init(cases[i].list_alg, cases[i].bank, cases[i].mode, &state, NULL),
            RATLS_USAGE, "%zu", i);
    }
}
