/*
 * The firmware's log. All checks of boot.* need an authentic quote, for a log is worth nothing
 * beside another; those behind boot.replay need that, for then digests, and their order in each
 * PCR, are what the TPM saw. What the policy does not ask about is "not asked"; if it asks for a
 * PCR, every event of that PCR has to be allowed.
 */
#include "check_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_phases.h"
#include "fail.h"

#define SHOWN_LEN 32 /* bytes of a digest */

/* Debian's GRUB asks the kernel's EFI stub, which takes the log over, only with Secure Boot. */
static const char NO_LOG[] =
    "none; where Secure Boot is off, GRUB may start a kernel so that it gets none";
static const char UNAUTHENTICATED[] = "; what the log says is not authenticated";

bool ratls_boot_covers(const struct ratls_boot_rules *rules, uint32_t pcr)
{
    return pcr < RATLS_PCR_COUNT && (rules->pcrs >> pcr & 1) != 0;
}

void ratls_boot_show_digest(struct ratls_slice digest, char out[static RATLS_SHOWN_DIGEST_MAX])
{
    bool is_long = digest.len > SHOWN_LEN;

    ratls_hex(ratls_slice(digest.p, is_long ? SHOWN_LEN : digest.len), out, 2 * SHOWN_LEN + 1);
    if (is_long)
        memcpy(out + 2 * SHOWN_LEN, "...", sizeof "...");
}

static bool is_quote_authentic(const struct ratls_report *report)
{
    static const enum ratls_check needed[] = {
        RATLS_CHECK_AK_TRUST,   RATLS_CHECK_QUOTE_SIGNATURE,  RATLS_CHECK_QUOTE_MAGIC,
        RATLS_CHECK_QUOTE_TYPE, RATLS_CHECK_QUOTE_EXTRA_DATA, RATLS_CHECK_PCR_SELECTION,
        RATLS_CHECK_PCR_DIGEST,
    };

    return ratls_checks_passed(report, needed, sizeof needed / sizeof *needed);
}

static bool check_presence(struct ratls_appraisal *a)
{
    char actual[RATLS_VALUE_MAX];
    size_t len = a->evidence.boot_log.len;

    if (!ratls_check_decide(a->report, RATLS_CHECK_BOOT_PRESENT, len > 0))
        return len > 0;
    snprintf(actual, sizeof actual, "%zu bytes", len);
    ratls_check_say(a->report, RATLS_CHECK_BOOT_PRESENT, "evidence", "a boot log",
                    len > 0 ? actual : NO_LOG);
    return len > 0;
}

/* Leaves the log opened again, for the walk over its events. */
static enum ratls_status check_format(struct ratls_boot_judge *judge, struct ratls_eventlog *log)
{
    struct ratls_appraisal *a = judge->a;
    struct ratls_boot *boot = &judge->boot;
    char actual[RATLS_VALUE_MAX];
    bool is_good;
    enum ratls_status status;

    ratls_eventlog_open(a->evidence.boot_log, RATLS_EVENTLOG_STRICT, log);
    status = ratls_boot_read_with(log, judge->rules->bank, &judge->rules->known, boot, a->err);
    if (status != RATLS_OK)
        return status;
    is_good = boot->why[0] == '\0' && ratls_eventlog_done(log);
    if (ratls_check_decide(a->report, RATLS_CHECK_BOOT_FORMAT, is_good)) {
        snprintf(actual, sizeof actual, "%zu events", log->events);
        ratls_check_say(a->report, RATLS_CHECK_BOOT_FORMAT, "boot-log",
                        "an event log as the PFP has it", is_good ? actual : boot->why);
    }
    if (is_good)
        ratls_eventlog_open(a->evidence.boot_log, RATLS_EVENTLOG_STRICT, log);
    return RATLS_OK;
}

static enum ratls_status check_pcr(struct ratls_boot_judge *judge, unsigned pcr)
{
    struct ratls_report *report = judge->a->report;
    const struct ratls_replay_pcr *replayed = &judge->boot.replay.pcrs[pcr];
    struct ratls_slice value = ratls_slice(replayed->value, judge->hasher.len);
    struct ratls_slice quoted = ratls_slice(NULL, 0);
    char at[RATLS_AT_MAX], actual[RATLS_VALUE_MAX];
    char expected[RATLS_SHOWN_DIGEST_MAX], hex[RATLS_SHOWN_DIGEST_MAX];
    bool is_same = false;
    bool is_quoted = ratls_quoted_pcr(judge->a, judge->rules->bank, pcr, &quoted);
    enum ratls_status status = RATLS_OK;

    if (is_quoted && pcr == RATLS_BOOT_PHASES_PCR)
        status = ratls_boot_phases(&judge->hasher, value, quoted, &is_same, judge->a->err);
    else if (is_quoted)
        is_same = ratls_slice_equal(value, quoted);
    if (status != RATLS_OK || !ratls_check_decide(report, RATLS_CHECK_BOOT_REPLAY, is_same))
        return status;
    snprintf(at, sizeof at, "pcrs.%s[%u]", ratls_tpm_alg_name(judge->rules->bank), pcr);
    ratls_boot_show_digest(quoted, expected);
    ratls_boot_show_digest(value, hex);
    snprintf(actual, sizeof actual, "%s by %zu events%s", hex, replayed->events,
             is_same ? "" : UNAUTHENTICATED);
    ratls_check_say(report, RATLS_CHECK_BOOT_REPLAY, at, is_quoted ? expected : "a quoted PCR",
                    actual);
    return RATLS_OK;
}

static enum ratls_status check_replay(struct ratls_boot_judge *judge)
{
    enum ratls_status status = RATLS_OK;

    for (unsigned pcr = 0; status == RATLS_OK && pcr < RATLS_PCR_COUNT; pcr++)
        if (ratls_boot_covers(judge->rules, pcr))
            status = check_pcr(judge, pcr);
    return status;
}

static enum ratls_status check_log(struct ratls_boot_judge *judge)
{
    struct ratls_report *report = judge->a->report;
    struct ratls_eventlog log;
    enum ratls_status status = check_format(judge, &log);

    if (status != RATLS_OK || !ratls_check_passed(report, RATLS_CHECK_BOOT_FORMAT))
        return status;
    status = check_replay(judge);
    if (status != RATLS_OK || !ratls_check_passed(report, RATLS_CHECK_BOOT_REPLAY))
        return status;
    ratls_check_boot_claims(judge);
    return ratls_check_boot_events(judge, &log);
}

enum ratls_status ratls_check_boot(struct ratls_appraisal *a)
{
    struct ratls_boot_judge *judge;
    enum ratls_status status;

    if (!a->rules->boot.is_asked) {
        for (int i = RATLS_CHECK_BOOT_PRESENT; i <= RATLS_CHECK_BOOT_OWNER_KEYS; i++)
            ratls_check_not_asked(a->report, (enum ratls_check)i);
        return RATLS_OK;
    }
    if (!is_quote_authentic(a->report) || !check_presence(a))
        return RATLS_OK;
    judge = calloc(1, sizeof *judge);
    if (judge == NULL)
        return ratls_fail(a->err, RATLS_MEMORY, "out of memory");
    judge->a = a;
    judge->rules = &a->rules->boot;
    status = ratls_hasher_begin(judge->rules->bank, &judge->hasher, a->err);
    if (status == RATLS_OK)
        status = check_log(judge);
    ratls_hasher_end(&judge->hasher);
    free(judge);
    return status;
}
