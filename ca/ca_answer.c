/*
 * What a CA says to an answer. The MAC is looked at first: it shows that who answers has opened
 * the challenge. Then all of the request is looked at again, for days may have passed, and the
 * quote. A certificate is made in memory, and shown to nobody before the store has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_state.h"
#include "certificate_make.h"
#include "crypto.h"
#include "denied.h"
#include "fail.h"
#include "quote_check.h"

/* An answer, and the challenge that it names. */
struct work {
    struct ratls_ca *ca;
    struct ratls_enroll_answer message;
    struct ratls_store_entry entry;
    int64_t now;
    uint8_t transcript[RATLS_ENROLL_TRANSCRIPT_LEN];
    struct ratls_enrollee e;
    struct ratls_ca_answer answer;
    struct ratls_error *err;
};

static struct ratls_slice request_of(const struct work *w)
{
    return ratls_slice(w->entry.body, w->entry.body_len);
}

static enum ratls_status check_mac(struct work *w)
{
    uint8_t mac[RATLS_ENROLL_MAC_LEN];
    enum ratls_status status = ratls_enroll_transcript(
        request_of(w), ratls_slice(w->entry.challenge, w->entry.challenge_len), w->transcript,
        w->err);

    if (status == RATLS_OK)
        status = ratls_enroll_mac(ratls_slice(w->entry.answer_key, sizeof w->entry.answer_key),
                                  w->transcript, mac, w->err);
    if (status == RATLS_OK && !ratls_slice_equal(ratls_slice(mac, sizeof mac), w->message.mac))
        ratls_ca_say(&w->answer, RATLS_CA_MAC,
                     "the answer is not by who opened this challenge: another TPM, another "
                     "attestation key, or request or challenge were changed on the way; make a "
                     "new request");
    explicit_bzero(mac, sizeof mac);
    return status;
}

static bool is_denied_by_config(const struct ratls_ca_config *config, uint64_t firmware)
{
    for (size_t i = 0; i < config->firmware_count; i++)
        if (config->deny_firmware[i] == firmware)
            return true;
    return false;
}

static enum ratls_status check_firmware(struct work *w, uint64_t firmware)
{
    char version[RATLS_DENIED_VALUE_MAX];
    bool is_denied = true;
    enum ratls_status status =
        ratls_denied_has_firmware(w->ca->store, firmware, &is_denied, w->err);

    ratls_denied_firmware(firmware, version);
    if (status == RATLS_OK && (is_denied || is_denied_by_config(w->ca->config, firmware)))
        ratls_ca_say(&w->answer, RATLS_CA_FIRMWARE,
                     "the TPM runs firmware %s, which is denied here: update it, and make a new "
                     "request",
                     version);
    return status;
}

static enum ratls_status check_quote(struct work *w)
{
    uint8_t extra_data[32];
    const struct ratls_quote_question question = {
        .enrollee = &w->e,
        .attest = w->message.attest,
        .signature = w->message.signature,
        .extra_data = extra_data,
    };
    uint64_t firmware = 0;
    enum ratls_status status = ratls_enroll_extra_data(w->transcript, extra_data, w->err);

    if (status == RATLS_OK)
        status = ratls_quote_check(&question, &w->answer, &firmware, w->err);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = check_firmware(w, firmware);
    return status;
}

/* The request was good when it came: roots, rules and lists may have changed since. */
static enum ratls_status check_request(struct work *w)
{
    const struct ratls_enroll_question question = ratls_ca_question(w->ca, request_of(w), w->now);
    const struct ratls_approver approver = ratls_ca_approver(w->ca, w->now);
    enum ratls_status status = ratls_enroll_check(&question, &w->answer, &w->e, w->err);

    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = ratls_approve_again(&approver, &w->e, w->entry.decided_by, &w->answer, w->err);
    return status;
}

static void say_outcome(struct work *w, enum ratls_store_outcome outcome)
{
    static const struct {
        enum ratls_ca_outcome outcome;
        const char *text;
    } rows[] = {
        [RATLS_STORE_ANSWERED] = {RATLS_CA_ANSWERED,
                                  "this challenge was answered already; what came of it can be "
                                  "fetched by its id"},
        [RATLS_STORE_LATE] = {RATLS_CA_LATE,
                              "the challenge was not answered in time: make a new request"},
        [RATLS_STORE_UNKNOWN] = {RATLS_CA_UNKNOWN, "there is no such challenge here"},
        [RATLS_STORE_OTHER_EK] = {RATLS_CA_OTHER_EK,
                                  "a name has meanwhile been enrolled for another endorsement key"},
        [RATLS_STORE_OTHER_TPM] = {RATLS_CA_AK_OTHER_EK,
                                   "the attestation key is enrolled with another endorsement key"},
        [RATLS_STORE_TOKEN] = {RATLS_CA_TOKEN, "the token is used up, or has expired: get another"},
        [RATLS_STORE_OVERLAP] = {RATLS_CA_OVERLAP,
                                 "two other attestation keys have valid certificates for a name: "
                                 "an administrator revokes one first (ratls ca list, ratls ca "
                                 "revoke)"},
        [RATLS_STORE_DENIED] = {RATLS_CA_AK_DENIED,
                                "the endorsement key or the attestation key is denied, or was "
                                "revoked"},
        [RATLS_STORE_FULL] = {RATLS_CA_FULL, "too many requests wait"},
    };

    if (outcome != RATLS_STORE_DONE)
        ratls_ca_say(&w->answer, rows[outcome].outcome, "%s", rows[outcome].text);
}

static enum ratls_status put(struct work *w, const struct ratls_ak_made *made)
{
    const struct ratls_enroll_request *request = &w->e.request;
    const struct ratls_ek_certificate *ek = &w->e.ek.ek;
    struct ratls_store_issue issue = {
        .ek = {.template_id = request->ek_template,
               .area = request->ek_public,
               .certificate = request->ek_certificates[0],
               .manufacturer = ek->manufacturer,
               .model = ek->model,
               .version = ek->version,
               .is_software = ek->is_software},
        .ak_name = ratls_slice(w->e.ak_name, w->e.ak_name_len),
        .ak_area = request->ak_public,
        .names = {.p = request->names, .count = request->name_count},
        .serial = ratls_slice(made->serial, made->serial_len),
        .der = ratls_slice(made->der, made->len),
        .not_before = made->not_before,
        .not_after = made->not_after,
    };
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status;

    memcpy(issue.id, w->entry.id, sizeof issue.id);
    memcpy(issue.ek.sha256, ek->sha256, sizeof issue.ek.sha256);
    memcpy(issue.issuer_sha256, ratls_issuer_sha256(w->ca->issuers, 0), sizeof issue.issuer_sha256);
    status = ratls_store_issue(w->ca->store, &issue, w->now, &outcome, w->err);
    if (status == RATLS_OK)
        say_outcome(w, outcome);
    return status;
}

static enum ratls_status issue_certificate(struct work *w)
{
    const struct ratls_ca_config *config = w->ca->config;
    const struct ratls_ak_wish wish = {
        .key = w->e.ak_key,
        .names = w->e.request.names,
        .name_count = w->e.request.name_count,
        .now = w->now,
        .validity_s = config->validity_s,
        .crl_url = config->crl_url,
        .software = w->e.ek.ek.is_software ? &w->e.ek.ek : NULL,
    };
    struct ratls_ak_made made = {.der = NULL};
    enum ratls_status status = ratls_ak_certificate_make(w->ca->issuers, &wish, &made, w->err);

    if (status == RATLS_OK)
        status = put(w, &made);
    free(made.der);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = ratls_ca_say_result(w->ca, w->entry.id, &w->answer, w->err);
    return status;
}

/* Right or wrong, the challenge is used up; of what was wrong the store keeps the words. */
static enum ratls_status use_up(struct work *w)
{
    char reason[RATLS_CA_DETAIL_MAX + 64];
    enum ratls_store_outcome outcome = RATLS_STORE_DONE;
    enum ratls_status status;

    (void)snprintf(reason, sizeof reason, "%s: %s", w->answer.reason, w->answer.detail);
    status = ratls_store_fail(w->ca->store, w->entry.id, w->now, reason, &outcome, w->err);
    if (status == RATLS_OK && outcome != RATLS_STORE_DONE) {
        w->answer.http_status = 0; /* what the store says goes before what was seen here */
        say_outcome(w, outcome);
    }
    return status;
}

static enum ratls_status judge(struct work *w)
{
    enum ratls_status status = check_mac(w);

    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = check_request(w);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = check_quote(w);
    if (status != RATLS_OK)
        return status;
    return ratls_ca_is_refused(&w->answer) ? use_up(w) : issue_certificate(w);
}

/* Whether the challenge waits for an answer. */
static bool is_open(struct work *w, enum ratls_store_outcome outcome)
{
    if (outcome != RATLS_STORE_DONE)
        say_outcome(w, RATLS_STORE_UNKNOWN);
    else if (w->entry.state == RATLS_STORE_CHALLENGED)
        return true;
    else
        say_outcome(w, w->entry.state == RATLS_STORE_EXPIRED ? RATLS_STORE_LATE
                                                             : RATLS_STORE_ANSWERED);
    return false;
}

static enum ratls_status answer_challenge(struct work *w)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status = ratls_store_find_challenge(w->ca->store, w->message.id.p, w->now,
                                                          &w->entry, &outcome, w->err);

    if (status != RATLS_OK)
        return status;
    memcpy(w->answer.id, w->message.id.p, sizeof w->answer.id);
    memcpy(w->answer.request_sha256, w->entry.request_sha256, sizeof w->answer.request_sha256);
    if (is_open(w, outcome))
        return judge(w);
    if (outcome == RATLS_STORE_DONE && w->entry.state == RATLS_STORE_EXPIRED)
        status =
            ratls_store_fail(w->ca->store, w->entry.id, w->now, w->answer.detail, &outcome, w->err);
    if (status == RATLS_OK)
        status = ratls_ca_record(w->ca, &w->answer, w->message.id, "", w->now, w->err);
    return status;
}

static bool read_message(struct work *w, struct ratls_slice body)
{
    if (body.len > RATLS_ENROLL_ANSWER_MAX)
        ratls_ca_say(&w->answer, RATLS_CA_TOO_LONG, "an answer has %d bytes at most, not %zu",
                     RATLS_ENROLL_ANSWER_MAX, body.len);
    else if (!ratls_enroll_answer_read(body, &w->message))
        ratls_ca_say(&w->answer, RATLS_CA_MALFORMED,
                     "these %zu bytes are no answer to a challenge: 'ratls ca answer' and 'ratls "
                     "enroll' of this version make them",
                     body.len);
    return !ratls_ca_is_refused(&w->answer);
}

static enum ratls_status take(struct work *w, struct ratls_slice body)
{
    uint8_t sha256[32];
    enum ratls_status status;

    if (read_message(w, body))
        return answer_challenge(w);
    status = ratls_sha256(body, sha256, w->err);
    if (status == RATLS_OK)
        status = ratls_ca_record(w->ca, &w->answer, ratls_slice(sha256, sizeof sha256), "", w->now,
                                 w->err);
    return status;
}

enum ratls_status ratls_ca_take_answer(struct ratls_ca *ca, struct ratls_slice body, int64_t now,
                                       struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    struct work *w = calloc(1, sizeof *w);
    enum ratls_status status;

    if (w == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *w = (struct work){.ca = ca, .now = now, .err = err};
    status = take(w, body);
    ratls_store_entry_done(&w->entry);
    ratls_enrollee_done(&w->e);
    if (status == RATLS_OK)
        *ret_answer = w->answer;
    else
        ratls_ca_answer_done(&w->answer);
    free(w);
    return status;
}
