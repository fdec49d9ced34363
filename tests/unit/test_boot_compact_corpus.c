/*
 * The compact form of the logs of real machines: how long it is, and that it says what the whole
 * log says. Every log of the corpus that the strict walk takes, in each of its banks.
 */
#include <dirent.h>

#include "boot.h"
#include "boot_compact.h"
#include "corpus.h"
#include "evidence.h"

#define FILES_MAX 256
#define NAME_MAX_LEN 96
#define SHORT_LOG 8192

static const struct {
    uint16_t id;
    size_t logs; /* that have it */
    size_t short_ones;
    size_t longest;
} BANKS[] = {
    {RATLS_ALG_SHA256, 74, 44, 14139},
    {RATLS_ALG_SHA384, 10, 2, 13139},
    {RATLS_ALG_SHA512, 1, 1, 147},
};
#define BANK_COUNT (sizeof BANKS / sizeof *BANKS)

struct corpus_names {
    size_t count;
    char names[FILES_MAX][NAME_MAX_LEN];
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list_logs(struct corpus_names *ret)
{
    char folder[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    ret->count = 0;
    corpus_locate("eventlogs", folder);
    dir = opendir(folder);
    cr_assert_not_null(dir, "%s", folder);
    while ((entry = readdir(dir)) != NULL) {
        const char *end = strrchr(entry->d_name, '.');
        int len;

        if (end == NULL || strcmp(end, ".bin") != 0)
            continue;
        cr_assert_lt(ret->count, FILES_MAX);
        len = snprintf(ret->names[ret->count++], NAME_MAX_LEN, "eventlogs/%s", entry->d_name);
        cr_assert(len < NAME_MAX_LEN);
    }
    closedir(dir);
    qsort(ret->names, ret->count, sizeof ret->names[0], compare_names);
}

static struct ratls_boot *read_log(struct ratls_slice in, uint16_t bank)
{
    struct ratls_boot *boot = calloc(1, sizeof *boot);
    struct ratls_eventlog log;

    cr_assert_not_null(boot);
    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    cr_assert_eq(ratls_boot_read(&log, bank, boot, NULL), RATLS_OK);
    return boot;
}

/* Some words have offsets, which differ: the rest of the boot is then not read in either form. */
static bool is_same_why(const char *a, const char *b)
{
    return (a[0] == '\0') == (b[0] == '\0') && strncmp(a, b, strcspn(a, "0123456789")) == 0;
}

static void expect_same_pcrs(const struct ratls_boot *a, const struct ratls_boot *b,
                             const char *name)
{
    for (size_t i = 0; i < RATLS_PCR_COUNT; i++) {
        const struct ratls_replay_pcr *whole = &a->replay.pcrs[i], *compact = &b->replay.pcrs[i];

        cr_expect_arr_eq(whole->value, compact->value, sizeof whole->value, "%s: PCR %zu", name, i);
        cr_expect_eq(whole->events, compact->events, "%s: PCR %zu", name, i);
    }
    cr_expect(a->replay.has_locality == b->replay.has_locality &&
                  a->replay.locality == b->replay.locality &&
                  a->replay.has_hcrtm == b->replay.has_hcrtm,
              "%s", name);
    for (size_t i = 0; i < RATLS_BOOT_PHASES; i++)
        cr_expect(a->phases[i].separators == b->phases[i].separators &&
                      a->phases[i].errors == b->phases[i].errors &&
                      a->phases[i].after == b->phases[i].after,
                  "%s: phase %zu", name, i);
}

static void expect_same_claims(const struct ratls_boot *a, const struct ratls_boot *b,
                               const char *name)
{
    cr_expect(is_same_why(a->why, b->why), "%s: %s / %s", name, a->why, b->why);
    cr_expect_eq(a->secure_boot, b->secure_boot, "%s", name);
    cr_expect_str_eq(a->secure_boot_why, b->secure_boot_why, "%s", name);
    cr_expect_eq(a->variable_count, b->variable_count, "%s", name);
    cr_expect(a->is_debug_mode == b->is_debug_mode &&
                  a->is_dma_unprotected == b->is_dma_unprotected &&
                  a->has_exit_invocation == b->has_exit_invocation &&
                  a->has_exit_success == b->has_exit_success &&
                  a->has_exit_failure == b->has_exit_failure,
              "%s", name);
    cr_expect(a->relabelled == b->relabelled && a->first_relabelled == b->first_relabelled &&
                  a->relabelled_pcrs == b->relabelled_pcrs,
              "%s", name);
    cr_expect_eq(a->image_count, b->image_count, "%s", name);
    for (size_t i = 0; i < a->image_count; i++)
        cr_expect(a->images[i].event == b->images[i].event &&
                      ratls_slice_equal(a->images[i].digest, b->images[i].digest),
                  "%s: image %zu", name, i);
}

static void expect_same_secure_boot(const struct ratls_boot *a, const struct ratls_boot *b,
                                    const char *name)
{
    cr_assert_eq(a->authority_count, b->authority_count, "%s", name);
    for (size_t i = 0; i < a->authority_count; i++) {
        const struct ratls_boot_authority *whole = &a->authorities[i],
                                          *compact = &b->authorities[i];

        cr_expect(whole->event == compact->event &&
                      ratls_slice_equal(whole->digest, compact->digest) &&
                      ratls_slice_equal(whole->name, compact->name) &&
                      ratls_slice_equal(whole->content, compact->content) &&
                      ratls_slice_equal(whole->certificate, compact->certificate),
                  "%s: authority %zu", name, i);
    }
    /* Of those without data only their number is known, and their digests by the event. */
    for (size_t i = 0; i < RATLS_BOOT_VARIABLES; i++) {
        const struct ratls_boot_variable *whole = &a->variables[i], *compact = &b->variables[i];

        cr_expect(i != RATLS_BOOT_SECURE_BOOT || whole->is_measured == compact->is_measured, "%s",
                  name);
        cr_expect(!compact->is_measured || (whole->event == compact->event &&
                                            ratls_slice_equal(whole->digest, compact->digest) &&
                                            ratls_slice_equal(whole->content, compact->content)),
                  "%s: variable %zu", name, i);
    }
}

/* Each event keeps its number, PCR, type and digest. Returns how many there are. */
static size_t expect_same_events(struct ratls_slice whole, struct ratls_slice compact,
                                 uint16_t bank, const char *name)
{
    struct ratls_eventlog a, b;
    struct ratls_event of_a, of_b;
    size_t index;

    cr_assert(ratls_eventlog_open(whole, RATLS_EVENTLOG_STRICT, &a));
    cr_assert(ratls_eventlog_open(compact, RATLS_EVENTLOG_STRICT, &b), "%s: %s", name, b.why);
    cr_assert_eq(b.alg_count, 1, "%s", name);
    index = ratls_eventlog_find_alg(&a, bank);
    while (ratls_eventlog_next(&a, &of_a)) {
        cr_assert(ratls_eventlog_next(&b, &of_b), "%s: %s", name, b.why);
        cr_expect(of_a.pcr == of_b.pcr && of_a.type == of_b.type, "%s: %zu", name, of_a.number);
        cr_expect(of_a.number == 0 || ratls_slice_equal(of_a.digests[index], of_b.digests[0]),
                  "%s: %zu", name, of_a.number);
        cr_expect(of_a.number == 0 || of_b.data.len == 0 || ratls_slice_equal(of_a.data, of_b.data),
                  "%s: %zu", name, of_a.number);
    }
    cr_expect(ratls_eventlog_next(&b, &of_b) == false && ratls_eventlog_done(&b), "%s", name);
    return b.events;
}

static size_t expect_same(struct ratls_slice whole, uint16_t bank, const char *name)
{
    struct ratls_error err = {0};
    struct ratls_boot *a, *b;
    uint8_t *compact = NULL, *again = NULL;
    size_t len = 0, again_len = 0;

    cr_assert_eq(ratls_boot_compact(whole, bank, &compact, &len, &err), RATLS_OK, "%s: %s", name,
                 err.text);
    expect_same_events(whole, ratls_slice(compact, len), bank, name);
    a = read_log(whole, bank);
    b = read_log(ratls_slice(compact, len), bank);
    expect_same_pcrs(a, b, name);
    expect_same_claims(a, b, name);
    expect_same_secure_boot(a, b, name);
    cr_assert_eq(ratls_boot_compact(ratls_slice(compact, len), bank, &again, &again_len, &err),
                 RATLS_OK, "%s: %s", name, err.text);
    cr_expect(ratls_slice_equal(ratls_slice(compact, len), ratls_slice(again, again_len)), "%s",
              name);
    free(a);
    free(b);
    free(compact);
    free(again);
    return len;
}

static bool has_bank(struct ratls_slice in, uint16_t bank)
{
    struct ratls_eventlog log;
    struct ratls_event event;

    if (!ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log) ||
        ratls_eventlog_find_alg(&log, bank) == log.alg_count)
        return false;
    while (ratls_eventlog_next(&log, &event))
        continue;
    return ratls_eventlog_done(&log);
}

/* WIRE.md, 6: all of them fit, and with SHA-256 most are short. */
static void expect_counts(size_t bank)
{
    static struct corpus_names logs;
    size_t count = 0, short_ones = 0, longest = 0;

    list_logs(&logs);
    for (size_t i = 0; i < logs.count; i++) {
        struct octets in = corpus_read(logs.names[i]);

        if (has_bank(octets_slice(in), BANKS[bank].id)) {
            size_t len = expect_same(octets_slice(in), BANKS[bank].id, logs.names[i]);

            count++;
            short_ones += len <= SHORT_LOG;
            longest = len > longest ? len : longest;
        }
        free(in.p);
    }
    cr_expect_eq(count, BANKS[bank].logs, "%zu logs", count);
    cr_expect_eq(short_ones, BANKS[bank].short_ones, "%zu are short", short_ones);
    cr_expect_eq(longest, BANKS[bank].longest, "the longest has %zu bytes", longest);
}

Test(boot_compact_corpus, every_log_fits_and_says_the_same, .timeout = 120)
{
    for (size_t bank = 0; bank < BANK_COUNT; bank++)
        expect_counts(bank);
    cr_expect_lt(BANKS[0].longest, RATLS_BOOT_LOG_MAX);
    cr_expect_gt(2 * BANKS[0].short_ones, BANKS[0].logs);
}

CORPUS_MAIN
