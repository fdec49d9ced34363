/*
 * Clock and counters of a TPM never go back (TPM 2.0 Part 1, 36): quote.counters. It needs
 * ak.format, for the key's Name; the ledger is looked at only behind ak.trust. What was seen is in
 * the memory of keys, and, if there is a state folder, in the ledger, so that it outlives this
 * process and holds for all that share the folder.
 */
#include "appraise.h"

#include <inttypes.h>
#include <stdio.h>

#include "keys.h"
#include "ledger_seen.h"
#include "moment.h"

/*
 * Handshakes of one client overtake each other: a quote may be older than one that was accepted
 * while it was under way, by as much as a slow network takes. That it is not older than its request
 * is what the nonce proves.
 */
#define OVERTAKEN_MS 60000
#define MS_PER_S 1000

static struct ratls_slice name_of(const struct ratls_appraisal *a)
{
    return ratls_slice(a->ak_name, a->ak_name_len);
}

static struct ratls_tpm_counters counters_of(const struct ratls_appraisal *a)
{
    return (struct ratls_tpm_counters){.reset_count = a->attest.reset_count,
                                       .restart_count = a->attest.restart_count,
                                       .clock_ms = a->attest.clock_ms};
}

/* No ledger is asked for a key that cannot be trusted: a stranger must not make us read files. */
static bool is_due(const struct ratls_appraisal *a, const struct ratls_tpm_counters *now)
{
    return ratls_check_passed(a->report, RATLS_CHECK_AK_TRUST) && a->rules->keeps_counters &&
           ratls_key_cache_is_due(a->rules->keys, name_of(a), now, ratls_moment_now().boot_ms);
}

/*
 * What other processes, and this one in an earlier life, have seen of the key. Without an answer
 * nothing goes on: else to damage the file would be a way to set a TPM back.
 */
static enum ratls_status recall(struct ratls_appraisal *a, const struct ratls_tpm_counters *now)
{
    struct ratls_tpm_counters seen;
    bool is_found = false;
    enum ratls_status status;

    if (!is_due(a, now))
        return RATLS_OK;
    status = ratls_ledger_find_seen(a->rules->ledger, name_of(a), &seen, &is_found, a->err);
    if (status == RATLS_OK && is_found)
        ratls_key_cache_seen(a->rules->keys, name_of(a), &seen);
    return status;
}

static void print_counters(const struct ratls_tpm_counters *counters, const char *before, char *out,
                           size_t cap)
{
    snprintf(out, cap, "%sreset %" PRIu32 ", restart %" PRIu32 ", clock %" PRIu64 " ms", before,
             counters->reset_count, counters->restart_count, counters->clock_ms);
}

/* Several processes of a server have epochs of their own: one may have quoted before another. */
static uint64_t find_lag(const struct ratls_appraisal *a)
{
    return OVERTAKEN_MS + (ratls_is_of_epoch(a) ? a->rules->epoch.within_s * MS_PER_S : 0);
}

static void compare(struct ratls_appraisal *a, const struct ratls_tpm_counters *now)
{
    const uint64_t lag = find_lag(a);
    struct ratls_tpm_counters last;
    const bool is_known = ratls_key_cache_counters(a->rules->keys, name_of(a), &last);
    char expected[RATLS_VALUE_MAX] = "any: this key was not seen before";
    char actual[RATLS_VALUE_MAX];
    bool went_back;

    if (is_known)
        last.clock_ms -= last.clock_ms < lag ? last.clock_ms : lag;
    went_back = is_known && ratls_tpm_counters_before(now, &last);
    if (!ratls_check_decide(a->report, RATLS_CHECK_QUOTE_COUNTERS, !went_back))
        return;
    if (is_known)
        print_counters(&last, "not before ", expected, sizeof expected);
    print_counters(now, "", actual, sizeof actual);
    ratls_check_say(a->report, RATLS_CHECK_QUOTE_COUNTERS, "quote.attest.clockInfo", expected,
                    actual);
}

/*
 * The evidence of a certificate is as old as the certificate: a later quote of the same key may
 * well have been seen, and evidence.age says how old is too old.
 */
enum ratls_status ratls_check_counters(struct ratls_appraisal *a)
{
    const struct ratls_tpm_counters now = counters_of(a);
    enum ratls_status status;

    if (a->submission->expectation->mode == RATLS_MODE_CERTIFICATE) {
        ratls_check_not_asked(a->report, RATLS_CHECK_QUOTE_COUNTERS);
        return RATLS_OK;
    }
    if (!ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT))
        return RATLS_OK;
    status = recall(a, &now);
    if (status == RATLS_OK)
        compare(a, &now);
    return status;
}

/* Only for what was accepted. That they cannot be kept says nothing about this server. */
void ratls_remember_counters(struct ratls_appraisal *a)
{
    const struct ratls_tpm_counters now = counters_of(a);
    const bool is_told = is_due(a, &now);
    struct ratls_error err = {0};
    char note[sizeof err.text + 64];

    ratls_key_cache_seen(a->rules->keys, name_of(a), &now);
    if (!is_told)
        return;
    if (ratls_ledger_put_seen(a->rules->ledger, name_of(a), &now, &err) == RATLS_OK) {
        ratls_key_cache_kept(a->rules->keys, name_of(a), &now, ratls_moment_now().boot_ms);
        return;
    }
    snprintf(note, sizeof note, "clock and counters of the TPM were not kept: %s", err.text);
    ratls_report_put(a->report, note, sizeof note, &a->report->note);
}
