/*
 * Targets: ratls_check_boot, ratls_boot_words. The input is a boot log, and the quote is of the
 * PCRs that it leads to, so that every check is reached. The verdict on its compact form is the
 * same, check by check (boot_compact.h).
 */
#include <string.h>

#include "boot_compact.h"
#include "boot_words.h"
#include "fake_boot.h"
#include "fake_policy.h"
#include "findings.h"
#include "fuzz.h"
#include "log_machine.h"
#include "replay.h"

#define BANK RATLS_ALG_SHA256
#define DIGEST_LEN 32
#define CHECKS (RATLS_CHECK_BOOT_OWNER_KEYS - RATLS_CHECK_BOOT_PRESENT + 1)

static struct ratls_policy *policy;

struct verdicts {
    enum ratls_verdict of[CHECKS];
};

static void begin(void)
{
    struct fake_tpm *tpm = fake_tpm_new(FAKE_ECDSA_P256);
    struct fake_boot *boot = fake_boot_new();

    policy = fake_policy_new(tpm);
    fake_boot_allow(boot, policy);
    fake_boot_free(boot);
    fake_tpm_free(tpm);
}

/* The PCRs of the policy. Zeros for a log that is refused: it does not come to a comparison. */
static struct ratls_slice quote(struct ratls_slice in)
{
    static uint8_t values[RATLS_PCR_COUNT * DIGEST_LEN];
    static struct ratls_replay replay;
    struct ratls_eventlog log;
    size_t len = 0;

    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    FUZZ_CHECK(ratls_replay_log(&log, BANK, &replay, NULL) == RATLS_OK);
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        if ((FAKE_BOOT_PCRS >> pcr & 1) == 0)
            continue;
        memcpy(values + len, replay.pcrs[pcr].value, DIGEST_LEN);
        len += DIGEST_LEN;
    }
    return ratls_slice(values, len);
}

static void check_words(struct ratls_report *report)
{
    char *text = NULL;

    FUZZ_CHECK(ratls_report_text(report, 0, &text) == RATLS_OK);
    for (const char *p = text; *p != '\0'; p++)
        FUZZ_CHECK(*p == '\n' || (*p >= ' ' && *p <= '~'));
    free(text);
}

static struct verdicts appraise(struct ratls_slice log, struct ratls_slice quoted)
{
    struct ratls_report *report = machine_appraise(fake_policy_rules(policy), log, quoted, false);
    struct verdicts verdicts;

    for (size_t i = 0; i < CHECKS; i++)
        verdicts.of[i] = report->slots[RATLS_CHECK_BOOT_PRESENT + i].verdict;
    check_words(report);
    ratls_report_free(report);
    return verdicts;
}

static bool has_passed(const struct verdicts *verdicts, enum ratls_check check)
{
    return verdicts->of[check - RATLS_CHECK_BOOT_PRESENT] == RATLS_PASS;
}

static void say_words(struct ratls_slice in)
{
    struct ratls_hasher hasher;
    struct ratls_eventlog log;
    struct ratls_event event;
    struct ratls_boot_words words;

    FUZZ_CHECK(ratls_hasher_begin(BANK, &hasher, NULL) == RATLS_OK);
    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    while (ratls_eventlog_next(&log, &event)) {
        FUZZ_CHECK(ratls_boot_words(&hasher, &event, event.digests[0], &words, NULL) == RATLS_OK);
        FUZZ_CHECK(words.kind != NULL && strlen(words.text) < sizeof words.text);
        for (const char *p = words.text; *p != '\0'; p++)
            FUZZ_CHECK(*p >= ' ' && *p <= '~');
    }
    ratls_hasher_end(&hasher);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_slice in = ratls_slice(data, size);
    struct verdicts whole;
    struct verdicts compact;
    struct ratls_slice quoted;
    uint8_t *bytes = NULL;
    size_t len;

    if (policy == NULL)
        begin();
    quoted = quote(in);
    whole = appraise(in, quoted);
    say_words(in);
    FUZZ_CHECK(!has_passed(&whole, RATLS_CHECK_BOOT_FORMAT) ||
               has_passed(&whole, RATLS_CHECK_BOOT_REPLAY));
    if (ratls_boot_compact(in, BANK, &bytes, &len, NULL) != RATLS_OK)
        return 0;
    compact = appraise(ratls_slice(bytes, len), quoted);
    FUZZ_CHECK(memcmp(&whole, &compact, sizeof whole) == 0);
    free(bytes);
    return 0;
}
