#include <criterion/criterion.h>

#include "ima_list.h"
#include "tpm_wire.h"

#define COUNT(table) (sizeof table / sizeof *table)

/* PCR = H(PCR || digest), computed beside the code under test. */
static void extend(uint16_t bank, uint8_t *pcr, const uint8_t *digest)
{
    size_t len = ratls_tpm_hash_len(bank);
    uint8_t both[2 * RATLS_DIGEST_MAX];

    memcpy(both, pcr, len);
    memcpy(both + len, digest, len);
    ima_hash(bank, ratls_slice(both, 2 * len), pcr);
}

/* What a kernel extends for ima-ng data: native, or SHA-1 with zeros. */
static void extend_ng(uint16_t bank, uint8_t *pcr, uint8_t fill, const char *path, bool is_padded)
{
    struct octets data = ima_ng(fill, path);
    uint8_t digest[RATLS_DIGEST_MAX] = {0};

    ima_hash(is_padded ? RATLS_ALG_SHA1 : bank, octets_slice(data), digest);
    extend(bank, pcr, digest);
    free(data.p);
}

static void expect_hex(struct ratls_slice actual, const char *expected, const char *what)
{
    char text[2 * RATLS_DIGEST_MAX + 1];

    ratls_hex(actual, text, sizeof text);
    cr_expect_str_eq(text, expected, "%s: %s", what, text);
}

/* Values recomputed for the known-answer tests of the template digest and of PCR 10. */
Test(ima_replay, known_answers)
{
    static const char data_hex[] =
        "280000007368613235363a00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "0b0000002f7573722f62696e2f7800";
    struct octets data = octets_from_hex(data_hex);
    struct octets made = ima_ng(0xaa, "/usr/bin/x");
    uint8_t digest[RATLS_DIGEST_MAX];

    cr_assert(ratls_slice_equal(octets_slice(data), octets_slice(made)));
    ima_hash(RATLS_ALG_SHA1, octets_slice(data), digest);
    expect_hex(ratls_slice(digest, 20), "1dd9a93cf3b056bfee73fd33b485127710cf1a42", "SHA-1");
    ima_hash(RATLS_ALG_SHA256, octets_slice(data), digest);
    expect_hex(ratls_slice(digest, 32),
               "0e08f7a5fee419cde73a4993a1256736a08d54f4e1a712a435d296f98be1874c", "SHA-256");
    free(made.p);
    free(data.p);
}

Test(ima_replay, known_answers_of_pcr_10)
{
    static const struct {
        const char *name;
        enum ratls_ima_mode mode;
        bool is_violation;
        const char *pcr;
    } cases[] = {
        {"native", RATLS_IMA_NATIVE, false,
         "d5eed447082a37f8df16846d594398a18fe8a8eddad652c6154aaf7dbbdc0ae4"},
        {"padded", RATLS_IMA_PADDED, false,
         "e2cd31e8a73300de66efc0a42cadfcfca127421631407b53086007cd6bec75a3"},
        {"violation", RATLS_IMA_NATIVE, true,
         "bba91ca85dc914b2ec3efb9e16e7267bf9193b14350d20fba8a8b406730ae30a"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, cases[i].mode);
        struct ima_list list = {.alg = RATLS_ALG_SHA1};

        if (cases[i].is_violation)
            ima_put_violation(&list, "/usr/bin/x");
        else
            ima_put_ng(&list, 0xaa, "/usr/bin/x");
        cr_assert_eq(ratls_ima_replay_all(&replay, ima_list_slice(&list), NULL), RATLS_OK);
        expect_hex(ratls_ima_pcr(&replay.state), cases[i].pcr, cases[i].name);
        cr_expect_eq(replay.state.violations, cases[i].is_violation);
        ratls_ima_replay_close(&replay);
    }
}

/* Five entries, two of them violations, and PCR 10 after each as a kernel of this mode has it. */
struct boot {
    struct ima_list list;
    uint8_t pcrs[5][RATLS_DIGEST_MAX];
    size_t ends[5];
};

static void add_to_boot(struct boot *boot, size_t i, uint16_t bank, bool is_padded)
{
    static const char *const paths[] = {"boot_aggregate", "/bin/a", "/tmp/log", "/bin/b", "/tmp/l"};
    bool is_violation = i == 2 || i == 4;
    uint8_t ones[RATLS_DIGEST_MAX] = {0};

    if (i > 0)
        memcpy(boot->pcrs[i], boot->pcrs[i - 1], RATLS_DIGEST_MAX);
    if (is_violation) {
        ima_put_violation(&boot->list, paths[i]);
        memset(ones, 0xff, is_padded ? 20 : sizeof ones);
        extend(bank, boot->pcrs[i], ones);
    } else {
        ima_put_ng(&boot->list, (uint8_t)i, paths[i]);
        extend_ng(bank, boot->pcrs[i], (uint8_t)i, paths[i], is_padded);
    }
    boot->ends[i] = boot->list.len;
}

static struct boot make_boot(uint16_t list_alg, uint16_t bank, bool is_padded)
{
    struct boot boot = {.list = {.alg = list_alg}};

    for (size_t i = 0; i < 5; i++)
        add_to_boot(&boot, i, bank, is_padded);
    return boot;
}

static const struct replay_case {
    const char *name;
    uint16_t list_alg, bank;
    bool is_padded;
    enum ratls_ima_mode mode;
    bool found;
} MODES[] = {
    {"SHA-1 in SHA-1", RATLS_ALG_SHA1, RATLS_ALG_SHA1, false, RATLS_IMA_EITHER, true},
    {"native, either", RATLS_ALG_SHA1, RATLS_ALG_SHA256, false, RATLS_IMA_EITHER, true},
    {"native, native", RATLS_ALG_SHA1, RATLS_ALG_SHA256, false, RATLS_IMA_NATIVE, true},
    {"native, padded", RATLS_ALG_SHA1, RATLS_ALG_SHA256, false, RATLS_IMA_PADDED, false},
    {"padded, either", RATLS_ALG_SHA1, RATLS_ALG_SHA256, true, RATLS_IMA_EITHER, true},
    {"padded, padded", RATLS_ALG_SHA1, RATLS_ALG_SHA256, true, RATLS_IMA_PADDED, true},
    {"padded, native", RATLS_ALG_SHA1, RATLS_ALG_SHA256, true, RATLS_IMA_NATIVE, false},
    {"SHA-384, native", RATLS_ALG_SHA1, RATLS_ALG_SHA384, false, RATLS_IMA_EITHER, true},
    {"SHA-512, padded", RATLS_ALG_SHA1, RATLS_ALG_SHA512, true, RATLS_IMA_EITHER, true},
    {"list of the bank", RATLS_ALG_SHA256, RATLS_ALG_SHA256, false, RATLS_IMA_EITHER, true},
    {"list of the bank, padded", RATLS_ALG_SHA256, RATLS_ALG_SHA256, true, RATLS_IMA_EITHER, false},
    {"list of another bank", RATLS_ALG_SHA256, RATLS_ALG_SHA384, false, RATLS_IMA_NATIVE, true},
};

/* Each of the five values is found, after exactly its entries, in the right mode, or none is. */
static void expect_prefixes(const struct replay_case *c)
{
    struct boot boot = make_boot(c->list_alg, c->bank, c->is_padded);
    size_t len = ratls_tpm_hash_len(c->bank);

    for (size_t i = 0; i < 5; i++) {
        struct ratls_ima_replay replay = ima_start(c->list_alg, c->bank, c->mode);
        struct ratls_slice wanted = ratls_slice(boot.pcrs[i], len);
        struct ratls_error err = {0};
        bool is_found = !c->found;

        cr_assert_eq(
            ratls_ima_replay_until(&replay, ima_list_slice(&boot.list), wanted, &is_found, &err),
            RATLS_OK, "%s: %s", c->name, err.text);
        cr_expect_eq(is_found, c->found, "%s, entry %zu", c->name, i + 1);
        cr_expect_eq(replay.state.entries, c->found ? i + 1 : 0, "%s", c->name);
        cr_expect_eq(replay.state.offset, c->found ? boot.ends[i] : 0, "%s", c->name);
        cr_expect_eq(replay.state.violations, !c->found ? 0 : i == 4 ? 2 : i >= 2 ? 1 : 0);
        if (c->found) {
            enum ratls_ima_mode mode = c->is_padded ? RATLS_IMA_PADDED : RATLS_IMA_NATIVE;

            cr_expect_eq(replay.state.mode, mode, "%s", c->name);
            cr_expect(ratls_slice_equal(ratls_ima_pcr(&replay.state), wanted));
        }
        ratls_ima_replay_close(&replay);
    }
}

Test(ima_replay, each_mode_finds_only_its_own_prefixes)
{
    for (size_t i = 0; i < COUNT(MODES); i++)
        expect_prefixes(&MODES[i]);
}

/* One entry native and one padded: no kernel does that, and no mode leads there. */
Test(ima_replay, modes_do_not_mix_within_a_list)
{
    for (unsigned first_padded = 0; first_padded < 2; first_padded++) {
        struct ima_list list = {.alg = RATLS_ALG_SHA1};
        struct ratls_ima_replay replay =
            ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_EITHER);
        uint8_t pcr[RATLS_DIGEST_MAX] = {0};
        bool is_found = true;

        ima_put_ng(&list, 1, "boot_aggregate");
        ima_put_ng(&list, 2, "/bin/a");
        extend_ng(RATLS_ALG_SHA256, pcr, 1, "boot_aggregate", first_padded == 1);
        extend_ng(RATLS_ALG_SHA256, pcr, 2, "/bin/a", first_padded == 0);
        cr_assert_eq(ratls_ima_replay_until(&replay, ima_list_slice(&list), ratls_slice(pcr, 32),
                                            &is_found, NULL),
                     RATLS_OK);
        cr_expect_not(is_found);
        ratls_ima_replay_close(&replay);
    }
}

/* Once a prefix has shown the mode, a later one is not found in the other. */
Test(ima_replay, a_mode_that_was_found_stays)
{
    struct boot boot = make_boot(RATLS_ALG_SHA1, RATLS_ALG_SHA256, false);
    struct boot padded = make_boot(RATLS_ALG_SHA1, RATLS_ALG_SHA256, true);
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_EITHER);
    struct ratls_slice rest;
    bool is_found;

    cr_assert_eq(ratls_ima_replay_until(&replay, ima_list_slice(&boot.list),
                                        ratls_slice(boot.pcrs[1], 32), &is_found, NULL),
                 RATLS_OK);
    cr_assert(is_found);
    cr_expect_eq(replay.state.mode, RATLS_IMA_NATIVE);
    rest = ratls_slice(boot.list.bytes + boot.ends[1], boot.list.len - boot.ends[1]);
    cr_assert_eq(
        ratls_ima_replay_until(&replay, rest, ratls_slice(padded.pcrs[3], 32), &is_found, NULL),
        RATLS_OK);
    cr_expect_not(is_found);
    ratls_ima_replay_close(&replay);
}

Test(ima_replay, goes_on_where_a_state_ended)
{
    struct boot boot = make_boot(RATLS_ALG_SHA1, RATLS_ALG_SHA256, false);

    for (size_t cut = 0; cut < 5; cut++) {
        struct ratls_ima_replay first =
            ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
        struct ratls_ima_replay second;
        struct ratls_slice rest =
            ratls_slice(boot.list.bytes + boot.ends[cut], boot.list.len - boot.ends[cut]);
        bool is_found = false;

        cr_assert_eq(
            ratls_ima_replay_all(&first, ratls_slice(boot.list.bytes, boot.ends[cut]), NULL),
            RATLS_OK);
        cr_assert_eq(ratls_ima_replay_open(&first.state, &second, NULL), RATLS_OK);
        ratls_ima_replay_close(&first);
        cr_assert_eq(
            ratls_ima_replay_until(&second, rest, ratls_slice(boot.pcrs[4], 32), &is_found, NULL),
            RATLS_OK);
        cr_expect(is_found && second.state.entries == 5 && second.state.offset == boot.list.len);
        cr_expect_eq(second.state.violations, 2);
        ratls_ima_replay_close(&second);
    }
}

/*
 * What follows the prefix is neither trusted nor looked at, whatever it is; also not if it was met
 * first in the other mode.
 */
Test(ima_replay, a_tail_is_left_alone)
{
    for (unsigned is_padded = 0; is_padded < 2; is_padded++) {
        struct boot boot = make_boot(RATLS_ALG_SHA1, RATLS_ALG_SHA256, is_padded == 1);
        struct ratls_ima_replay replay =
            ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_EITHER);
        struct ratls_ima_state start = replay.state;
        struct ratls_error err = {0};
        bool is_found = false;

        ima_put(&boot.list, "no entry", 8);
        cr_assert_eq(ratls_ima_replay_until(&replay, ima_list_slice(&boot.list),
                                            ratls_slice(boot.pcrs[4], 32), &is_found, &err),
                     RATLS_OK, "%s", err.text);
        cr_expect(is_found && replay.state.offset == boot.ends[4]);
        cr_expect_str_empty(err.text);
        replay.state = start;
        replay.state.mode = RATLS_IMA_NATIVE;
        cr_expect_eq(ratls_ima_replay_all(&replay, ima_list_slice(&boot.list), &err),
                     RATLS_MALFORMED);
        cr_expect_eq(strncmp(err.text, "entry 6 at byte ", 16), 0, "%s", err.text);
        cr_expect_eq(replay.state.entries, 5);
        ratls_ima_replay_close(&replay);
    }
}

/* A list that breaks off before the wanted value is refused in words, and nothing is taken. */
Test(ima_replay, a_list_that_breaks_before_the_prefix)
{
    struct boot boot = make_boot(RATLS_ALG_SHA1, RATLS_ALG_SHA256, false);
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_EITHER);
    struct ratls_error err = {0};
    bool is_found = true;

    cr_assert_eq(ratls_ima_replay_until(&replay, ratls_slice(boot.list.bytes, boot.ends[4] - 1),
                                        ratls_slice(boot.pcrs[4], 32), &is_found, &err),
                 RATLS_MALFORMED);
    cr_expect_eq(strncmp(err.text, "entry 5 at byte ", 16), 0, "%s", err.text);
    cr_expect(replay.state.entries == 0 && replay.state.mode == RATLS_IMA_EITHER);
    cr_expect(is_found, "written although nothing was found out");
    ratls_ima_replay_close(&replay);
}

/* Every bit of an entry of each form: refused, or, if the bit is in no digest, not found. */
static void expect_flips(const struct ima_list *list, struct ratls_slice wanted)
{
    for (size_t bit = 0; bit < 8 * list->len; bit++) {
        struct ima_list changed = *list;
        struct ratls_ima_replay replay = ima_start(list->alg, RATLS_ALG_SHA256, RATLS_IMA_EITHER);
        struct ratls_error err = {0};
        bool is_found = false;
        enum ratls_status status;

        changed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        status = ratls_ima_replay_until(&replay, ima_list_slice(&changed), wanted, &is_found, &err);
        cr_expect(status == RATLS_MALFORMED && !is_found, "bit %zu", bit);
        cr_expect_eq(replay.state.entries, 0);
        cr_expect_eq(strncmp(err.text, "entry ", 6), 0, "%s", err.text);
        ratls_ima_replay_close(&replay);
    }
}

Test(ima_replay, every_changed_bit_is_noticed)
{
    static const uint16_t algs[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256};

    for (size_t i = 0; i < COUNT(algs); i++) {
        struct ima_list list = {.alg = algs[i]};
        struct ratls_ima_replay replay = ima_start(algs[i], RATLS_ALG_SHA256, RATLS_IMA_NATIVE);

        ima_put_plain(&list, 0xbb, "boot_aggregate");
        ima_put_ng(&list, 0xaa, "/bin/a");
        cr_assert_eq(ratls_ima_replay_all(&replay, ima_list_slice(&list), NULL), RATLS_OK);
        expect_flips(&list, ratls_ima_pcr(&replay.state));
        ratls_ima_replay_close(&replay);
    }
}

/* The fields of a violation are in no digest; that it is one, and where, is in the PCR. */
Test(ima_replay, a_digest_of_zeros_is_a_violation_and_nothing_else)
{
    struct boot boot = make_boot(RATLS_ALG_SHA1, RATLS_ALG_SHA256, false);
    struct ratls_ima_replay replay = ima_start(RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    bool is_found = true;

    memset(boot.list.bytes + boot.ends[0] + 4, 0, 20); /* /bin/a as if it were a violation */
    cr_assert_eq(ratls_ima_replay_until(&replay, ima_list_slice(&boot.list),
                                        ratls_slice(boot.pcrs[4], 32), &is_found, NULL),
                 RATLS_OK);
    cr_expect_not(is_found);
    cr_assert_eq(ratls_ima_replay_all(&replay, ima_list_slice(&boot.list), NULL), RATLS_OK);
    cr_expect_eq(replay.state.violations, 3);
    ratls_ima_replay_close(&replay);
}
