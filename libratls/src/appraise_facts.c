/* What is kept of an appraisal for who signs a result of it (<ratls/result.h>). */
#include <stdlib.h>
#include <string.h>

#include "appraise.h"
#include "fail.h"

/* The PCRs whose values the policy has, or whose events it judges. */
static uint32_t find_judged(const struct ratls_rules *rules)
{
    uint32_t judged = rules->boot.is_asked ? rules->boot.pcrs : 0;

    for (size_t i = 0; i < rules->pcr_count; i++)
        judged |= UINT32_C(1) << rules->pcrs[i].index;
    return judged;
}

/* And of the session that was appraised. */
static bool is_quote_authentic(const struct ratls_report *report)
{
    static const enum ratls_check needed[] = {
        RATLS_CHECK_STATEMENT_NONCE, RATLS_CHECK_STATEMENT_BINDER, RATLS_CHECK_STATEMENT_SPKI,
        RATLS_CHECK_AK_ATTRIBUTES,   RATLS_CHECK_AK_TRUST,         RATLS_CHECK_QUOTE_SIGNATURE,
        RATLS_CHECK_QUOTE_MAGIC,     RATLS_CHECK_QUOTE_TYPE,       RATLS_CHECK_QUOTE_EXTRA_DATA,
        RATLS_CHECK_PCR_SELECTION,
    };

    return ratls_checks_passed(report, needed, sizeof needed / sizeof *needed);
}

/* Behind pcr.selection what was quoted is what the policy selects. */
static void keep_state(const struct ratls_appraisal *a, struct ratls_report_facts *facts)
{
    const struct ratls_tpm_attest *attest = &a->attest;

    facts->has_state =
        is_quote_authentic(a->report) && attest->pcr_digest.len <= sizeof facts->pcr_digest;
    if (!facts->has_state)
        return;
    memcpy(facts->ak_name, a->ak_name, a->ak_name_len);
    facts->ak_name_len = a->ak_name_len;
    facts->selection = a->rules->selection;
    if (attest->pcr_digest.len > 0)
        memcpy(facts->pcr_digest, attest->pcr_digest.p, attest->pcr_digest.len);
    facts->pcr_digest_len = attest->pcr_digest.len;
    facts->reset_count = attest->reset_count;
    facts->restart_count = attest->restart_count;
}

/*
 * When evidence that was accepted was made: a result of it holds from then on, not from when
 * somebody looked. Of evidence for a nonce that is now.
 */
static int64_t find_time(const struct ratls_appraisal *a)
{
    const int64_t now = a->submission->expectation->now;
    struct ratls_reader context = ratls_reader(a->statement.context);
    uint64_t age = 0;

    if (!ratls_report_accepted(a->report))
        return now;
    if (a->submission->expectation->mode == RATLS_MODE_CERTIFICATE) {
        const uint64_t issued = ratls_read_u64(&context);

        age = issued < (uint64_t)now ? (uint64_t)now - issued : 0;
    } else if (ratls_is_of_epoch(a)) {
        age = ratls_epoch_age_s(a);
    }
    return age < (uint64_t)now ? now - (int64_t)age : 0;
}

enum ratls_status ratls_appraise_keep_facts(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const struct ratls_rules *rules = a->rules;
    struct ratls_report_facts *facts;

    if (a->report->is_brief)
        return RATLS_OK;
    facts = calloc(1, sizeof *facts);
    if (facts == NULL)
        return ratls_fail(a->err, RATLS_MEMORY, "out of memory");
    facts->evidence_time = find_time(a);
    facts->mode = e->mode;
    memcpy(facts->binder, e->binder, sizeof facts->binder);
    memcpy(facts->spki_sha256, e->spki_sha256, sizeof facts->spki_sha256);
    memcpy(facts->service, rules->service, sizeof facts->service);
    memcpy(facts->policy_sha256, rules->sha256, sizeof facts->policy_sha256);
    facts->judged = find_judged(rules);
    facts->judges_files =
        rules->ima.is_asked && !rules->ima.violations_allowed && rules->ima.exclude.count == 0;
    keep_state(a, facts);
    free(a->report->facts);
    a->report->facts = facts;
    return RATLS_OK;
}
