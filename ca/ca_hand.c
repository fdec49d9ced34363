/* Approval by hand. What no rule may set aside, no hand may either. */
#include <string.h>

#include "ca_state.h"

struct work {
    struct ratls_ca *ca;
    struct ratls_store_decision decision;
    struct ratls_store_entry entry;
    struct ratls_ca_challenge *challenge;
    int64_t now;
    struct ratls_ca_answer answer;
    struct ratls_error *err;
};

static void say_over(struct work *w)
{
    ratls_ca_say(&w->answer, RATLS_CA_ANSWERED,
                 "the request does not wait any more: 'ratls ca show' says what came of it");
}

static enum ratls_status find_waiting(struct work *w)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status = ratls_store_find_request(w->ca->store, w->decision.request_sha256,
                                                        w->now, &w->entry, &outcome, w->err);

    if (status != RATLS_OK)
        return status;
    if (outcome != RATLS_STORE_DONE)
        ratls_ca_say(&w->answer, RATLS_CA_UNKNOWN,
                     "there is no such request: 'ratls ca list --waiting' has them all");
    else if (w->entry.state != RATLS_STORE_WAITING)
        say_over(w);
    return RATLS_OK;
}

static enum ratls_status decide(struct work *w)
{
    enum ratls_store_outcome outcome = RATLS_STORE_ANSWERED;
    enum ratls_status status =
        ratls_store_decide(w->ca->store, &w->decision, w->now, &outcome, w->err);

    if (status == RATLS_OK && outcome != RATLS_STORE_DONE)
        say_over(w);
    return status;
}

/* Days may have passed since it came. */
static enum ratls_status make_challenge(struct work *w)
{
    const struct ratls_enroll_question question =
        ratls_ca_question(w->ca, ratls_slice(w->entry.body, w->entry.body_len), w->now);
    const struct ratls_approver approver = ratls_ca_approver(w->ca, w->now);
    struct ratls_enrollee enrollee;
    enum ratls_status status = ratls_enroll_check(&question, &w->answer, &enrollee, w->err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_ca_is_refused(&w->answer))
        status = ratls_approve_standing(&approver, &enrollee, &w->answer, w->err);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = ratls_ca_make_challenge(
            &enrollee, w->now + w->ca->config->challenge_lifetime_files_s, &w->challenge, w->err);
    ratls_enrollee_done(&enrollee);
    return status;
}

static enum ratls_status approve(struct work *w, const char *names)
{
    enum ratls_status status = find_waiting(w);

    if (status != RATLS_OK || ratls_ca_is_refused(&w->answer))
        return status;
    if (names != NULL && strcmp(names, w->entry.names) != 0) {
        ratls_ca_say(&w->answer, RATLS_CA_NAME,
                     "the request is for %s, not for %s: nothing was approved", w->entry.names,
                     names);
        return RATLS_OK;
    }
    status = make_challenge(w);
    w->decision.challenge = w->challenge == NULL ? NULL : &w->challenge->stored;
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = decide(w);
    return status;
}

/* A refusal is recorded; else the words are those of the entry as it is now. */
static enum ratls_status end(struct work *w, enum ratls_status status,
                             struct ratls_ca_answer *ret_answer)
{
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status =
            ratls_ca_find_request(w->ca, w->decision.request_sha256, w->now, &w->answer, w->err);
    else if (status == RATLS_OK)
        status = ratls_ca_record(w->ca, &w->answer, ratls_slice(w->decision.request_sha256, 32),
                                 w->decision.who, w->now, w->err);
    ratls_store_entry_done(&w->entry);
    ratls_ca_challenge_free(w->challenge);
    if (status == RATLS_OK)
        *ret_answer = w->answer;
    else
        ratls_ca_answer_done(&w->answer);
    return status;
}

enum ratls_status ratls_ca_approve(struct ratls_ca *ca, const uint8_t sha256[static 32],
                                   const char *names, const char *who, int64_t now,
                                   struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    struct work w = {.ca = ca, .decision = {.who = who, .reason = ""}, .now = now, .err = err};

    memcpy(w.decision.request_sha256, sha256, sizeof w.decision.request_sha256);
    return end(&w, approve(&w, names), ret_answer);
}

enum ratls_status ratls_ca_refuse(struct ratls_ca *ca, const uint8_t sha256[static 32],
                                  const char *who, const char *reason, int64_t now,
                                  struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    struct work w = {.ca = ca, .decision = {.who = who, .reason = reason}, .now = now, .err = err};
    enum ratls_status status;

    memcpy(w.decision.request_sha256, sha256, sizeof w.decision.request_sha256);
    status = find_waiting(&w);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w.answer))
        status = decide(&w);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w.answer)) {
        ratls_ca_say(&w.answer, RATLS_CA_DONE, "refused; who asks again is told why");
        memcpy(w.answer.request_sha256, sha256, sizeof w.answer.request_sha256);
        ratls_store_entry_done(&w.entry);
        *ret_answer = w.answer;
        return RATLS_OK;
    }
    return end(&w, status, ret_answer);
}
