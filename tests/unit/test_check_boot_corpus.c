/*
 * Logs of real machines against a policy that was made of them: accepted, but for those that the
 * rules of the firmware profile refuse; and refused once one event is another, by the check that is
 * there for it. Both hold for the log in its compact form, too.
 */
#include <dirent.h>
#include <stdio.h>

#include "check_set.h"
#include "corpus.h"
#include "findings.h"
#include "log_machine.h"

#define LOGS 74 /* that the strict walk takes, and that have SHA-256 */

#define BIT(check) CHECK_BIT(RATLS_CHECK_BOOT_##check)
#define SHOWN(checks) ((unsigned long long)((checks) >> RATLS_CHECK_BOOT_PRESENT))

/*
 * What firmware does otherwise than the profile has it, and what has no key of the policy. In
 * order: content of a variable, and a CRTM version, of four bytes of 0; Windows, which measures its
 * settings in PCR 12; an event behind the separator; the begin of a log; no Secure Boot at all.
 */
static const struct {
    const char *id;
    check_set fails;
} EXCEPTIONS[] = {
    {"google-eventlogwithsp800155", BIT(LABELS) | BIT(SEPARATORS)},
    {"google-glinux-alex", BIT(LABELS) | BIT(SEPARATORS)},
    {"guard-DESKTOP-MIMU51J-EPP-ESET", BIT(COMMAND_LINE)},
    {"guard-dell-notebook-5eventlogs-WBCL-0", BIT(COMMAND_LINE)},
    {"guard-dell-notebook-5eventlogs-WBCL-1", BIT(COMMAND_LINE)},
    {"guard-dell-notebook-5eventlogs-WBCL-4", BIT(COMMAND_LINE)},
    {"guard-latitude-7520", BIT(COMMAND_LINE)},
    {"ibmtss-hp1", BIT(COMMAND_LINE)},
    {"rustkeylime-uefi_log", BIT(SEPARATORS)},
    {"tpm2tools-event-uefiservices", BIT(SEPARATORS)},
    {"tpm2tools-event", BIT(SEPARATORS)},
    {"kraemr-seabios-vm", BIT(VARIABLES)},
};

#define EXCEPTION_COUNT (sizeof EXCEPTIONS / sizeof *EXCEPTIONS)

/* The checks of boot.* that fail; all others of them pass or are not asked. */
static check_set appraise(struct machine *machine, struct ratls_slice log,
                          struct ratls_slice quoted)
{
    struct ratls_report *report = machine_appraise(&machine->rules, log, quoted, false);
    check_set fails = 0;

    for (int i = RATLS_CHECK_BOOT_PRESENT; i <= RATLS_CHECK_BOOT_OWNER_KEYS; i++)
        fails |= report->slots[i].verdict == RATLS_FAIL ? CHECK_BIT(i) : 0;
    ratls_report_free(report);
    return fails;
}

static check_set expected_failures(const char *id)
{
    size_t i = 0;

    while (i < EXCEPTION_COUNT && strcmp(EXCEPTIONS[i].id, id) != 0)
        i++;
    return i < EXCEPTION_COUNT ? EXCEPTIONS[i].fails : 0;
}

/* A log of the corpus, and what was made of it. */
struct sample {
    char id[NAME_MAX];
    struct octets log;
    struct octets compact; /* of the machine */
    struct machine machine;
};

static bool open_sample(const char *file, struct sample *sample)
{
    char name[PATH_MAX / 2];

    snprintf(sample->id, sizeof sample->id, "%.*s", (int)(strlen(file) - strlen(".bin")), file);
    snprintf(name, sizeof name, "eventlogs/%s", file);
    sample->log = corpus_read(name);
    if (!machine_open(octets_slice(sample->log), &sample->machine)) {
        free(sample->log.p);
        return false;
    }
    sample->compact.p = sample->machine.compact;
    sample->compact.len = sample->machine.compact_len;
    return true;
}

static void for_each_machine(void (*visit)(struct sample *sample))
{
    char path[PATH_MAX];
    struct dirent **entries;
    size_t visited = 0;
    int count;

    corpus_locate("eventlogs", path);
    count = scandir(path, &entries, NULL, alphasort);
    cr_assert_gt(count, 0);
    for (int i = 0; i < count; i++) {
        const char *end = strrchr(entries[i]->d_name, '.');
        static struct sample sample;

        if (end != NULL && strcmp(end, ".bin") == 0 && open_sample(entries[i]->d_name, &sample)) {
            visit(&sample);
            machine_close(&sample.machine);
            free(sample.log.p);
            visited++;
        }
        free(entries[i]);
    }
    free(entries);
    cr_expect_eq(visited, LOGS, "%zu logs", visited);
}

/* What the log leads to is what the TPM quoted. */
static struct ratls_slice quote_pcrs(const struct sample *sample, struct octets log)
{
    static uint8_t values[MACHINE_QUOTED_MAX];

    return machine_quote(&sample->machine, octets_slice(log), values);
}

static void expect_accepted(struct sample *sample)
{
    struct ratls_slice quoted = quote_pcrs(sample, sample->log);
    check_set expected = expected_failures(sample->id);
    check_set whole = appraise(&sample->machine, octets_slice(sample->log), quoted);
    check_set compact = appraise(&sample->machine, octets_slice(sample->compact), quoted);

    cr_expect_eq(whole, expected, "%s: %llx", sample->id, SHOWN(whole));
    cr_expect_eq(compact, expected, "%s, compact: %llx", sample->id, SHOWN(compact));
}

Test(check_boot_corpus, the_boot_that_the_policy_was_made_of)
{
    for_each_machine(expect_accepted);
}

/* What judges an event that is neither a separator nor a fixed text. */
static check_set find_check(uint32_t pcr, bool is_behind)
{
    static const check_set firmware[] = {BIT(FIRMWARE), BIT(SETTINGS), BIT(FIRMWARE),
                                         BIT(SETTINGS), BIT(IMAGES),   BIT(PARTITIONS)};

    if (pcr < sizeof firmware / sizeof *firmware)
        return firmware[pcr];
    if (pcr == 7)
        return is_behind ? BIT(SIGNERS) : BIT(VARIABLES);
    if ((MACHINE_FILES >> pcr & 1) != 0)
        return BIT(FILES);
    return (MACHINE_TEXTS >> pcr & 1) != 0 ? BIT(COMMAND_LINE) : BIT(OWNER_KEYS);
}

/* The digest of an event in a log of ours, to be changed in place; NULL for the header. */
static uint8_t *find_digest(struct octets in, size_t number, struct ratls_event *ret_event)
{
    struct ratls_eventlog log;
    struct ratls_slice digest;

    machine_walk(octets_slice(in), &log);
    do
        cr_assert(ratls_eventlog_next(&log, ret_event));
    while (ret_event->number < number);
    digest = ret_event->digests[ratls_eventlog_find_alg(&log, MACHINE_BANK)];
    return digest.p == NULL ? NULL : in.p + (digest.p - in.p);
}

/* The same event another, in both forms of the log; is_behind: the separator of its PCR. */
static void expect_refused(struct sample *sample, size_t number, bool is_behind)
{
    struct ratls_slice old = quote_pcrs(sample, sample->log);
    struct ratls_boot_known known;
    struct ratls_event event;
    uint8_t *whole = find_digest(sample->log, number, &event);
    uint8_t *compact = find_digest(sample->compact, number, &event);
    check_set fails;
    bool is_known;

    if (event.type == RATLS_EV_NO_ACTION || (sample->machine.rules.boot.pcrs >> event.pcr & 1) == 0)
        return;
    cr_assert_eq(ratls_boot_known(&sample->machine.hasher, &known, NULL), RATLS_OK);
    is_known =
        ratls_boot_known_find(&known, event.pcr, ratls_slice(whole, 32)) != RATLS_BOOT_KNOWN_COUNT;
    *whole ^= 1;
    *compact ^= 1;
    cr_expect_eq(appraise(&sample->machine, octets_slice(sample->compact), old), BIT(REPLAY),
                 "%s[%zu]", sample->id, number);
    fails = appraise(&sample->machine, octets_slice(sample->log), quote_pcrs(sample, sample->log));
    cr_expect(is_known ? fails != 0 : (fails & find_check(event.pcr, is_behind)) != 0,
              "%s[%zu]: %llx", sample->id, number, SHOWN(fails));
    cr_expect_eq(appraise(&sample->machine, octets_slice(sample->compact),
                          quote_pcrs(sample, sample->compact)),
                 fails, "%s[%zu]: whole %llx", sample->id, number, SHOWN(fails));
    *whole ^= 1;
    *compact ^= 1;
}

static void change_each_event(struct sample *sample)
{
    const struct ratls_boot_phase *phase = &sample->machine.boot.phases[7];
    struct ratls_eventlog log;
    struct ratls_event event;

    machine_walk(octets_slice(sample->log), &log);
    while (ratls_eventlog_next(&log, &event))
        expect_refused(sample, event.number,
                       phase->after > 0 && event.number >= phase->first_after);
}

Test(check_boot_corpus, each_event_is_another)
{
    for_each_machine(change_each_event);
}

CORPUS_MAIN
