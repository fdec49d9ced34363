/* <ratls/result.h>: results of reports, and what relying parties ask of them. */
#include <stdlib.h>
#include <string.h>

#include <ratls/ratls.h>

#include "cose.h"
#include "crypto.h"
#include "fail.h"
#include "jws.h"
#include "result_json.h"
#include "result_vector.h"

#define DEVELOPER "ratls"
#define BUILD "ratls " RATLS_VERSION
#define POLICY_ID "sha256:"

static struct ratls_slice slice_text(const char *text)
{
    return ratls_slice(text, strlen(text));
}

static enum ratls_status check_options(const struct ratls_report *report,
                                       const struct ratls_result_options *options,
                                       struct ratls_error *err)
{
    uint8_t spki_sha256[32];
    enum ratls_status status;

    if (report == NULL || options == NULL || options->key == NULL)
        return ratls_fail(err, RATLS_USAGE, "a result needs a report and the key of its verifier");
    if (report->facts == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "the report is brief, and nothing is kept to make a result of");
    if (ratls_check_passed(report, RATLS_CHECK_RESULT_STATUS))
        return ratls_fail(err, RATLS_USAGE,
                          "another result stands for the values, which its own verifier has "
                          "judged: hand on that one, or use a policy that judges them");
    if (options->now <= 0 || options->lifetime_s == 0 || options->lifetime_s > INT32_MAX)
        return ratls_fail(err, RATLS_USAGE, "a result needs the time, and for how long it holds");
    if (report->facts->evidence_time + (int64_t)options->lifetime_s <= options->now)
        return ratls_fail(err, RATLS_USAGE,
                          "the evidence is older than the result should live: it would have "
                          "expired already");
    if (options->spki_len == 0)
        return RATLS_OK;
    status = ratls_sha256(ratls_slice(options->spki, options->spki_len), spki_sha256, err);
    if (status != RATLS_OK)
        return status;
    if (options->spki_len > RATLS_RESULT_SPKI_MAX ||
        memcmp(spki_sha256, report->facts->spki_sha256, sizeof spki_sha256) != 0)
        return ratls_fail(err, RATLS_USAGE, "the TLS key is not the one that was appraised");
    return RATLS_OK;
}

static void fill_state(const struct ratls_report_facts *facts, struct ratls_result *result)
{
    result->is_ratls = true;
    result->service = slice_text(facts->service);
    result->spki_sha256 = ratls_slice(facts->spki_sha256, sizeof facts->spki_sha256);
    result->has_state = facts->has_state;
    if (!facts->has_state)
        return;
    result->ak_name = ratls_slice(facts->ak_name, facts->ak_name_len);
    result->selection = facts->selection;
    result->pcr_digest = ratls_slice(facts->pcr_digest, facts->pcr_digest_len);
    result->reset_count = facts->reset_count;
    result->restart_count = facts->restart_count;
}

/* A time that is still to come, as a capture may claim, makes no result hold for longer. */
static uint64_t find_expiry(const struct ratls_report_facts *facts,
                            const struct ratls_result_options *options)
{
    int64_t begin = facts->evidence_time < options->now ? facts->evidence_time : options->now;

    return (uint64_t)begin + options->lifetime_s;
}

/* Borrows from the report, the options and the id. */
static void fill_result(const struct ratls_report *report,
                        const struct ratls_result_options *options, const char *policy_id,
                        struct ratls_result *result)
{
    const struct ratls_report_facts *facts = report->facts;
    enum ratls_tier status;

    *result = (struct ratls_result){
        .profile = slice_text(RATLS_RESULT_PROFILE),
        .issued_at = (uint64_t)options->now,
        .has_expiry = true,
        .expires_at = find_expiry(facts, options),
        .developer = slice_text(DEVELOPER),
        .build = slice_text(BUILD),
        .policy_id = slice_text(policy_id),
        .key = ratls_slice(options->spki, options->spki_len),
        .server_name = slice_text(ratls_report_string(report, report->server)),
    };
    ratls_result_vector(report, result->trust, &status);
    result->status = status;
    if (!ratls_slice_is_zero(ratls_slice(facts->binder, sizeof facts->binder)))
        result->nonce = ratls_slice(facts->binder, sizeof facts->binder);
    fill_state(facts, result);
}

static enum ratls_status make_cwt(const struct ratls_result *result, EVP_PKEY *key,
                                  uint8_t **ret_bytes, size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(malloc(RATLS_RESULT_MAX), RATLS_RESULT_MAX);
    enum ratls_status status;

    if (w.p == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ratls_result_write(result, &w);
    if (w.failed)
        status = ratls_fail(err, RATLS_USAGE, "a result that does not keep to its format");
    else
        status = ratls_cose_sign(key, ratls_writer_slice(&w), ret_bytes, ret_len, err);
    free(w.p);
    return status;
}

static enum ratls_status make_jwt(const struct ratls_result *result, EVP_PKEY *key,
                                  uint8_t **ret_bytes, size_t *ret_len, struct ratls_error *err)
{
    char *text = NULL;
    enum ratls_status status = ratls_result_json_write(result, &text, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_jws_sign(key, slice_text(text), ret_bytes, ret_len, err);
    free(text);
    return status;
}

enum ratls_status ratls_result_make(const struct ratls_report *report,
                                    const struct ratls_result_options *options, uint8_t **ret_bytes,
                                    size_t *ret_len, struct ratls_error *ret_error)
{
    char policy_id[sizeof POLICY_ID + 64] = POLICY_ID;
    struct ratls_result result;
    enum ratls_status status = check_options(report, options, ret_error);

    if (status != RATLS_OK)
        return status;
    ratls_hex(ratls_slice(report->facts->policy_sha256, sizeof report->facts->policy_sha256),
              policy_id + strlen(POLICY_ID), sizeof policy_id - strlen(POLICY_ID));
    fill_result(report, options, policy_id, &result);
    if (options->format == RATLS_RESULT_CWT)
        return make_cwt(&result, options->key, ret_bytes, ret_len, ret_error);
    if (options->format == RATLS_RESULT_JWT)
        return make_jwt(&result, options->key, ret_bytes, ret_len, ret_error);
    return ratls_fail(ret_error, RATLS_USAGE, "a result is a CWT or a JWT");
}
