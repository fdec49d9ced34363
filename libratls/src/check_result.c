/*
 * An attestation result that the server brought with it (policy: results). It stands for the
 * judging of values only: that the quote is of this session is checked as ever, by the other
 * groups. All need evidence.format; result.format needs result.present, result.signature needs
 * result.format, all others need result.signature, for what nobody signed is not looked at;
 * result.key needs ak.format too, and result.state quote.type.
 */
#include "appraise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cose.h"
#include "request.h"
#include "result.h"

#define FIRST RATLS_CHECK_RESULT_PRESENT
#define LAST RATLS_CHECK_RESULT_STATUS
#define CLOCK_SKEW_S 300 /* how much a verifier's clock may be ahead of ours */

static bool check_presence(struct ratls_appraisal *a)
{
    size_t len = a->evidence.result.len;
    char actual[RATLS_VALUE_MAX] = "none";

    if (!ratls_check_decide(a->report, RATLS_CHECK_RESULT_PRESENT, len > 0))
        return len > 0;
    if (len > 0)
        snprintf(actual, sizeof actual, "%zu bytes", len);
    ratls_check_say(a->report, RATLS_CHECK_RESULT_PRESENT, "evidence",
                    "an attestation result (EAR)", actual);
    return len > 0;
}

static bool check_format(struct ratls_appraisal *a, struct ratls_cose *cose,
                         struct ratls_result *result)
{
    bool is_cose = ratls_cose_read(a->evidence.result, cose);
    bool is_result = is_cose && ratls_result_read(cose->payload, result);

    return ratls_check_holds(
        a->report, RATLS_CHECK_RESULT_FORMAT, is_result, is_cose ? "result.claims" : "result",
        "a CWT (COSE_Sign1) with the claims of an EAR", is_result ? "yes" : "bytes that are none");
}

/* By a key of the policy, with the one algorithm that its curve stands for. */
static enum ratls_status check_signature(struct ratls_appraisal *a, const struct ratls_cose *cose)
{
    const struct ratls_result_rules *rules = &a->rules->results;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    enum ratls_status status = RATLS_OK;
    bool is_valid = false;
    size_t i;

    for (i = 0; status == RATLS_OK && !is_valid && i < rules->verifier_count; i++)
        status = ratls_cose_verify(cose, rules->verifiers[i].key, &is_valid, a->err);
    if (status != RATLS_OK ||
        !ratls_check_decide(a->report, RATLS_CHECK_RESULT_SIGNATURE, is_valid))
        return status;
    if (is_valid)
        snprintf(expected, sizeof expected, "a signature by the key of %s",
                 rules->verifiers[i - 1].path);
    else if (rules->verifier_count == 1)
        snprintf(expected, sizeof expected, "a signature by the key of %s",
                 rules->verifiers[0].path);
    else
        snprintf(expected, sizeof expected, "a signature by one of %zu verifiers",
                 rules->verifier_count);
    snprintf(actual, sizeof actual, "%s signature, algorithm %" PRId64,
             is_valid ? "a valid" : "another", cose->alg);
    ratls_check_say(a->report, RATLS_CHECK_RESULT_SIGNATURE, "result.signature", expected, actual);
    return RATLS_OK;
}

static void check_age(struct ratls_appraisal *a, const struct ratls_result *result)
{
    uint64_t now = (uint64_t)a->submission->expectation->now;
    char actual[RATLS_VALUE_MAX];
    bool is_future = result->issued_at > now + CLOCK_SKEW_S;
    bool is_good = result->has_expiry && result->expires_at > now && !is_future;

    if (is_good)
        a->result_rest_s = result->expires_at - now;
    if (!ratls_check_decide(a->report, RATLS_CHECK_RESULT_AGE, is_good))
        return;
    if (!result->has_expiry)
        snprintf(actual, sizeof actual, "one that never expires");
    else if (is_future)
        snprintf(actual, sizeof actual, "issued %" PRIu64 " s in the future",
                 result->issued_at - now);
    else if (!is_good)
        snprintf(actual, sizeof actual, "expired %" PRIu64 " s ago", now - result->expires_at);
    else
        snprintf(actual, sizeof actual, "expires in %" PRIu64 " s", result->expires_at - now);
    ratls_check_say(a->report, RATLS_CHECK_RESULT_AGE, "result.exp",
                    "a result that holds now, and not for ever", actual);
}

static bool is_name(struct ratls_slice name, const char *meant)
{
    size_t len = meant == NULL ? 0 : strlen(meant);

    return name.len == len && (len == 0 || strncasecmp((const char *)name.p, meant, len) == 0);
}

/* The name that the verifier meant is the one that this client means. */
static void check_server(struct ratls_appraisal *a, const struct ratls_result *result)
{
    const char *meant = a->submission->expectation->server_name;
    char actual[RATLS_RESULT_TEXT_MAX + 1];

    if (ratls_check_decide(a->report, RATLS_CHECK_RESULT_SERVER,
                           result->is_ratls && is_name(result->server_name, meant))) {
        snprintf(actual, sizeof actual, "%.*s", (int)result->server_name.len,
                 result->server_name.len == 0 ? "" : (const char *)result->server_name.p);
        ratls_check_say(a->report, RATLS_CHECK_RESULT_SERVER, "result.server-name",
                        meant == NULL ? "no name" : meant, actual[0] == '\0' ? "no name" : actual);
    }
    ratls_check_text(a->report, RATLS_CHECK_RESULT_SERVER, "result.service", a->rules->service,
                     result->service);
}

static void check_keys(struct ratls_appraisal *a, const struct ratls_result *result)
{
    const struct ratls_expectation *e = a->submission->expectation;

    if (!ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT))
        return;
    ratls_check_bytes(a->report, RATLS_CHECK_RESULT_KEY, "result.ak-name",
                      ratls_slice(a->ak_name, a->ak_name_len), result->ak_name);
    ratls_check_bytes(a->report, RATLS_CHECK_RESULT_KEY, "result.spki-sha256",
                      ratls_slice(e->spki_sha256, sizeof e->spki_sha256), result->spki_sha256);
}

/*
 * The same PCRs, by our own selection; the same values; and the same boot, for values that come
 * back after another boot are not those that the verifier has seen.
 */
static void check_state(struct ratls_appraisal *a, const struct ratls_result *result)
{
    const struct ratls_pcr_selection *wanted = &a->rules->selection;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    if (!ratls_check_passed(a->report, RATLS_CHECK_QUOTE_TYPE))
        return;
    if (ratls_check_decide(a->report, RATLS_CHECK_RESULT_STATE,
                           ratls_selection_is(&result->selection, wanted->banks, wanted->count))) {
        ratls_tpm_selection_text(wanted->banks, wanted->count, expected, sizeof expected);
        ratls_tpm_selection_text(result->selection.banks, result->selection.count, actual,
                                 sizeof actual);
        ratls_check_say(a->report, RATLS_CHECK_RESULT_STATE, "result.pcr-selection", expected,
                        actual[0] == '\0' ? "none" : actual);
    }
    ratls_check_bytes(a->report, RATLS_CHECK_RESULT_STATE, "result.pcr-digest",
                      a->attest.pcr_digest, result->pcr_digest);
    ratls_check_uint(a->report, RATLS_CHECK_RESULT_STATE, "result.reset-count",
                     a->attest.reset_count, result->reset_count);
    ratls_check_uint(a->report, RATLS_CHECK_RESULT_STATE, "result.restart-count",
                     a->attest.restart_count, result->restart_count);
}

static void check_status(struct ratls_appraisal *a, const struct ratls_result *result)
{
    enum ratls_tier worst = ratls_result_worst(result->trust);
    bool is_good = result->status == RATLS_TIER_AFFIRMING && !ratls_result_overstates(result);
    char actual[RATLS_VALUE_MAX];

    snprintf(actual, sizeof actual, "%s, by a vector that is %s",
             ratls_tier_name((enum ratls_tier)result->status), ratls_tier_name(worst));
    ratls_check_holds(a->report, RATLS_CHECK_RESULT_STATUS, is_good, "result.status",
                      "affirming, and not better than its vector", actual);
}

static void check_claims(struct ratls_appraisal *a, const struct ratls_result *result)
{
    ratls_check_text(a->report, RATLS_CHECK_RESULT_PROFILE, "result.eat_profile",
                     RATLS_RESULT_PROFILE, result->profile);
    check_age(a, result);
    check_server(a, result);
    check_keys(a, result);
    check_state(a, result);
    check_status(a, result);
}

enum ratls_status ratls_check_result(struct ratls_appraisal *a)
{
    struct ratls_cose cose;
    struct ratls_result result;
    enum ratls_status status;

    if (!a->rules->results.is_asked) {
        for (int check = FIRST; check <= LAST; check++)
            ratls_check_not_asked(a->report, (enum ratls_check)check);
        return RATLS_OK;
    }
    if (!ratls_check_passed(a->report, RATLS_CHECK_EVIDENCE_FORMAT) || !check_presence(a) ||
        !check_format(a, &cose, &result))
        return RATLS_OK;
    status = check_signature(a, &cose);
    if (status == RATLS_OK && ratls_check_passed(a->report, RATLS_CHECK_RESULT_SIGNATURE))
        check_claims(a, &result);
    return status;
}
