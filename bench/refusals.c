#include "refusals.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise.h"
#include "command.h"
#include "policy_load.h"

#define TLS_1_3 0x0304
#define TLS_AES_256_GCM_SHA384 0x1302

const char *const refusal_names[REFUSALS] = {
    [REFUSAL_CUT] = "cut evidence",
    [REFUSAL_CHANGED] = "an unreadable quote",
    [REFUSAL_STRANGER] = "an unknown key",
};

static void spoil_quote(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    const enum refusal *refusal = arg;

    if (stage == FAKE_ATTEST && *refusal == REFUSAL_CHANGED)
        draft->attest.len--;
}

static enum ratls_check find_reason(enum refusal refusal)
{
    switch (refusal) {
    case REFUSAL_CUT:
        return RATLS_CHECK_EVIDENCE_FORMAT;
    case REFUSAL_CHANGED:
        return RATLS_CHECK_QUOTE_FORMAT;
    default:
        return RATLS_CHECK_AK_TRUST;
    }
}

/* As verdicts of a handshake are made: with a report that nobody will read. */
static double refuse(struct ratls_rules *rules, const struct ratls_submission *submission,
                     enum ratls_check reason)
{
    struct ratls_error error = {0};
    double begin = cpu_us();
    struct ratls_report *report = ratls_report_new();
    enum ratls_status status;

    bench_must(report != NULL, "no memory");
    report->is_brief = true;
    status = ratls_appraise_submission(rules, submission, report, &error);
    begin = cpu_us() - begin;
    bench_must(status == RATLS_REJECTED && report->slots[reason].verdict == RATLS_FAIL,
               "evidence is not refused as it should be");
    ratls_report_free(report);
    return begin;
}

double refusal_us(const struct ways *ways, enum refusal refusal)
{
    struct fake_tpm *tpm = refusal == REFUSAL_STRANGER ? ways_stranger(ways) : ways_tpm(ways);
    struct ratls_rules *rules = ratls_policy_rules(ways_policy(ways), WAY_NAME);
    struct ratls_expectation expectation = {.mode = RATLS_MODE_HANDSHAKE,
                                            .role = RATLS_ROLE_SERVER,
                                            .tls_version = TLS_1_3,
                                            .cipher_suite = TLS_AES_256_GCM_SHA384,
                                            .server_name = WAY_NAME,
                                            .now = time(NULL)};
    struct ratls_submission submission = {
        .expectation = &expectation, .tls_version = TLS_1_3, .present = true};
    struct ratls_attest_request request;
    struct samples us = {0};

    memset(expectation.nonce, 1, sizeof expectation.nonce);
    memset(expectation.binder, 2, sizeof expectation.binder);
    memset(expectation.spki_sha256, 3, sizeof expectation.spki_sha256);
    fake_request(&expectation, &rules->selection, &request);
    for (size_t i = 0; i < PER_ROUND; i++) {
        struct fake_draft *draft = fake_tpm_attest(tpm, &request, spoil_quote, &refusal);

        submission.evidence =
            ratls_slice(draft->wire, draft->wire_len - (size_t)(refusal == REFUSAL_CUT));
        samples_add(&us, refuse(rules, &submission, find_reason(refusal)));
        free(draft);
    }
    return samples_median(&us);
}
