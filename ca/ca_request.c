/* What a CA says to a request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_state.h"
#include "crypto.h"
#include "fail.h"

/*
 * What did not end in a certificate stays for a day, so that who asked can see why; a request that
 * nobody has decided about, for a month. Both together bound how much a crowd of requests can fill.
 */
#define SWEEP_EVERY_S 3600
#define KEPT_S 86400
#define KEPT_WAITING_S (30 * 86400)

#define DESCRIBED_MAX (RATLS_CA_NAMES_TEXT_MAX + 2 * (32 + RATLS_TPM_NAME_MAX) + 32)

enum ratls_status ratls_ca_sweep(struct ratls_ca *ca, int64_t now, struct ratls_error *err)
{
    enum ratls_status status;

    if (now >= ca->swept && now - ca->swept < SWEEP_EVERY_S)
        return RATLS_OK;
    status = ratls_store_sweep(ca->store, now - KEPT_S, now - KEPT_WAITING_S, now, err);
    if (status == RATLS_OK)
        ca->swept = now;
    return status;
}

static enum ratls_status copy_body(struct ratls_ca_answer *answer, struct ratls_slice body,
                                   struct ratls_error *err)
{
    answer->body = malloc(body.len);
    if (answer->body == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(answer->body, body.p, body.len);
    answer->len = body.len;
    return RATLS_OK;
}

static void say_waiting(struct ratls_ca_answer *answer, const uint8_t sha256[static 32])
{
    char hex[65];

    ratls_hex(ratls_slice(sha256, 32), hex, sizeof hex);
    ratls_ca_say(answer, RATLS_CA_WAITING,
                 "it waits for approval: 'ratls ca show %s', then 'ratls ca approve %s'", hex, hex);
}

enum ratls_status ratls_ca_say_entry(struct ratls_ca *ca, const struct ratls_store_entry *entry,
                                     enum ratls_ca_outcome challenged,
                                     struct ratls_ca_answer *answer, struct ratls_error *err)
{
    memcpy(answer->request_sha256, entry->request_sha256, sizeof answer->request_sha256);
    memcpy(answer->id, entry->id, sizeof answer->id);
    switch (entry->state) {
    case RATLS_STORE_WAITING:
        say_waiting(answer, entry->request_sha256);
        return RATLS_OK;
    case RATLS_STORE_CHALLENGED:
        ratls_ca_say(answer, challenged, "a challenge for %s", entry->names);
        return copy_body(answer, ratls_slice(entry->challenge, entry->challenge_len), err);
    case RATLS_STORE_ISSUED:
        return ratls_ca_say_result(ca, entry->id, answer, err);
    case RATLS_STORE_FAILED:
        ratls_ca_say(answer, RATLS_CA_BY_HAND, "the request was refused: %s; make a new one",
                     entry->reason);
        return RATLS_OK;
    case RATLS_STORE_EXPIRED:
        break;
    }
    ratls_ca_say(answer, RATLS_CA_LATE,
                 "the challenge was not answered in time: make a new request");
    return RATLS_OK;
}

/* One request that was not there yet. */
struct work {
    struct ratls_ca *ca;
    struct ratls_slice body;
    int64_t now, expires;
    struct ratls_enrollee e;
    struct ratls_approval approval;
    struct ratls_ca_answer answer;
    struct ratls_error *err;
};

/* Names and keys of who asks, for the audit log. */
static void describe(const struct ratls_enrollee *e, char *out, size_t cap)
{
    char names[RATLS_CA_NAMES_TEXT_MAX], ek[65], ak[2 * RATLS_TPM_NAME_MAX + 1];

    out[0] = '\0';
    if (e->ek.ek.key == NULL)
        return;
    ratls_ca_names_text(&e->request, names);
    ratls_hex(ratls_slice(e->ek.ek.sha256, 32), ek, sizeof ek);
    ratls_hex(ratls_slice(e->ak_name, e->ak_name_len), ak, sizeof ak);
    (void)snprintf(out, cap, "%s; ek %s%s%s", names, ek, e->ak_name_len == 0 ? "" : "; ak ", ak);
}

static enum ratls_status put(struct work *w, const struct ratls_ca_challenge *challenge)
{
    const struct ratls_enroll_request *request = &w->e.request;
    struct ratls_store_request stored = {
        .body = w->body,
        .ak_name = ratls_slice(w->e.ak_name, w->e.ak_name_len),
        .names = {.p = request->names, .count = request->name_count},
        .token_id = request->token_id,
        .challenge = challenge == NULL ? NULL : &challenge->stored,
        .decided_by = w->approval.decided_by,
        .waiting_max = w->ca->config->limits.waiting,
        .waiting_per_ek_max = RATLS_CA_WAITING_PER_EK,
        .undone_max = w->ca->config->limits.challenged,
        .undone_per_ek_max = RATLS_CA_UNDONE_PER_EK,
    };
    struct ratls_store_entry entry = {.body = NULL};
    enum ratls_store_outcome outcome = RATLS_STORE_FULL;
    enum ratls_status status;

    memcpy(stored.sha256, w->e.sha256, sizeof stored.sha256);
    memcpy(stored.ek_sha256, w->e.ek.ek.sha256, sizeof stored.ek_sha256);
    status = ratls_store_put_request(w->ca->store, &stored, w->now, &entry, &outcome, w->err);
    if (status != RATLS_OK)
        return status;
    if (outcome == RATLS_STORE_FULL && challenge != NULL)
        ratls_ca_say(&w->answer, RATLS_CA_FULL,
                     "%u challenges are open, and none is old enough to make room: try again in a "
                     "minute",
                     w->ca->config->limits.challenged);
    else if (outcome == RATLS_STORE_FULL)
        ratls_ca_say(&w->answer, RATLS_CA_FULL,
                     "too many requests wait for approval (%u in all, or %d of this TPM): ask an "
                     "administrator to decide about them ('ratls ca list --waiting')",
                     w->ca->config->limits.waiting, RATLS_CA_WAITING_PER_EK);
    else
        status = ratls_ca_say_entry(w->ca, &entry, RATLS_CA_CHALLENGED, &w->answer, w->err);
    ratls_store_entry_done(&entry);
    return status;
}

/* A CA that could not certify the key then does not begin. */
static enum ratls_status accept_request(struct work *w)
{
    struct ratls_ca_challenge *challenge = NULL;
    enum ratls_status status = ratls_issuers_may_issue(w->ca->issuers, w->now, w->err);

    if (status == RATLS_OK && w->approval.is_given)
        status = ratls_ca_make_challenge(&w->e, w->expires, &challenge, w->err);
    if (status == RATLS_OK)
        status = put(w, challenge);
    ratls_ca_challenge_free(challenge);
    return status;
}

static enum ratls_status decide(struct work *w)
{
    const struct ratls_enroll_question question = ratls_ca_question(w->ca, w->body, w->now);
    const struct ratls_approver approver = ratls_ca_approver(w->ca, w->now);
    char who[DESCRIBED_MAX];
    enum ratls_status status = ratls_enroll_check(&question, &w->answer, &w->e, w->err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_ca_is_refused(&w->answer))
        status = ratls_approve(&approver, w->body, &w->e, &w->answer, &w->approval, w->err);
    if (status == RATLS_OK && !ratls_ca_is_refused(&w->answer))
        status = accept_request(w);
    describe(&w->e, who, sizeof who);
    if (status == RATLS_OK)
        status = ratls_ca_record(w->ca, &w->answer, ratls_slice(w->e.sha256, sizeof w->e.sha256),
                                 who, w->now, w->err);
    ratls_enrollee_done(&w->e);
    return status;
}

/* False: it is not in the store. */
static enum ratls_status find(struct ratls_ca *ca, const uint8_t sha256[static 32], int64_t now,
                              enum ratls_ca_outcome challenged, struct ratls_ca_answer *answer,
                              bool *ret_found, struct ratls_error *err)
{
    struct ratls_store_entry entry = {.body = NULL};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status =
        ratls_store_find_request(ca->store, sha256, now, &entry, &outcome, err);

    if (status != RATLS_OK)
        return status;
    *ret_found = outcome == RATLS_STORE_DONE;
    if (*ret_found)
        status = ratls_ca_say_entry(ca, &entry, challenged, answer, err);
    ratls_store_entry_done(&entry);
    return status;
}

static enum ratls_status take(struct work *w)
{
    uint8_t sha256[32];
    bool is_known = false;
    enum ratls_status status = ratls_sha256(w->body, sha256, w->err);

    if (status == RATLS_OK)
        status = ratls_ca_sweep(w->ca, w->now, w->err);
    if (status == RATLS_OK && w->body.len <= RATLS_ENROLL_REQUEST_MAX)
        status = find(w->ca, sha256, w->now, RATLS_CA_CHALLENGED, &w->answer, &is_known, w->err);
    return status == RATLS_OK && !is_known ? decide(w) : status;
}

enum ratls_status ratls_ca_take_request(struct ratls_ca *ca, struct ratls_slice body,
                                        enum ratls_ca_way way, int64_t now,
                                        struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    const unsigned lifetime = way == RATLS_CA_FILES ? ca->config->challenge_lifetime_files_s
                                                    : ca->config->challenge_lifetime_s;
    /* Nobody is asked to prove anything who could get no certificate for it. */
    enum ratls_status status = ratls_issuers_may_issue(ca->issuers, now, err);
    struct work *w = status == RATLS_OK ? calloc(1, sizeof *w) : NULL;

    if (status != RATLS_OK)
        return status;
    if (w == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *w = (struct work){.ca = ca, .body = body, .now = now, .expires = now + lifetime, .err = err};
    status = take(w);
    if (status == RATLS_OK)
        *ret_answer = w->answer;
    else
        ratls_ca_answer_done(&w->answer);
    free(w);
    return status;
}

enum ratls_status ratls_ca_find_request(struct ratls_ca *ca, const uint8_t sha256[static 32],
                                        int64_t now, struct ratls_ca_answer *ret_answer,
                                        struct ratls_error *err)
{
    struct ratls_ca_answer answer = {.http_status = 0};
    bool is_known = false;
    enum ratls_status status = find(ca, sha256, now, RATLS_CA_FOUND, &answer, &is_known, err);

    if (status == RATLS_OK && !is_known) {
        ratls_ca_say(&answer, RATLS_CA_UNKNOWN, "there is no such request, or it is long over");
        status = ratls_ca_record(ca, &answer, ratls_slice(sha256, 32), "", now, err);
    }
    if (status == RATLS_OK)
        *ret_answer = answer;
    else
        ratls_ca_answer_done(&answer);
    return status;
}
