/* The side that asks: challenges, and verdicts on what comes back. */
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "exchange.h"
#include "fail.h"
#include "tls_peer.h"

_Static_assert(RATLS_EXCHANGE_CHALLENGE_MAX == RATLS_CHALLENGE_MAX, "as exchange.h says");
_Static_assert(RATLS_EXCHANGE_ANSWER_MAX >=
                   RATLS_ANSWER_MAX + RATLS_ANSWER_PIECES_MAX * RATLS_PIECE_HEAD_MAX,
               "as exchange.h says");

enum ratls_status ratls_exchange_new(SSL *ssl, struct ratls_policy *policy, const char *peer_name,
                                     enum ratls_role attester, struct ratls_exchange **ret_exchange,
                                     struct ratls_error *ret_error)
{
    const enum ratls_role peer = SSL_is_server(ssl) ? RATLS_ROLE_CLIENT : RATLS_ROLE_SERVER;
    struct ratls_exchange *x;
    struct ratls_rules *rules;

    if (attester != peer)
        return ratls_fail(ret_error, RATLS_USAGE, "the peer of this session is not the %s",
                          peer == RATLS_ROLE_SERVER ? "client" : "server");
    if (peer_name != NULL && strlen(peer_name) >= sizeof x->peer_name)
        return ratls_fail(ret_error, RATLS_LIMIT, "the peer's name is too long");
    rules = attester == RATLS_ROLE_CLIENT ? ratls_policy_client_rules(policy, peer_name)
                                          : ratls_policy_rules(policy, peer_name);
    if (rules == NULL)
        return ratls_policy_fail_unlisted(policy, attester, peer_name, ret_error);
    x = calloc(1, sizeof *x);
    if (x == NULL)
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    x->ssl = ssl;
    x->policy = ratls_policy_up_ref(policy);
    x->rules = rules;
    x->attester = attester;
    if (peer_name != NULL)
        memcpy(x->peer_name, peer_name, strlen(peer_name) + 1);
    *ret_exchange = x;
    return RATLS_OK;
}

void ratls_exchange_free(struct ratls_exchange *exchange)
{
    if (exchange == NULL)
        return;
    ratls_answer_reader_end(&exchange->answer);
    ratls_policy_free(exchange->policy);
    free(exchange);
}

/* From here on nothing but an answer to this challenge counts. */
static void open_challenge(struct ratls_exchange *x, int64_t asked_ms)
{
    const struct ratls_turn turn = {.counter = x->next_counter++};

    ratls_answer_reader_begin(&x->answer, &turn, x->request.logs.ima_bank != 0);
    x->asked_ms = asked_ms;
    x->is_open = true;
    x->is_streaming = false;
}

static enum ratls_status write_challenge(const struct ratls_challenge *challenge,
                                         uint8_t **ret_challenge, size_t *ret_len,
                                         struct ratls_error *err)
{
    uint8_t *out = malloc(RATLS_CHALLENGE_MAX);
    struct ratls_writer w = ratls_writer(out, RATLS_CHALLENGE_MAX);

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ratls_challenge_write(challenge, &w);
    if (w.failed) {
        free(out);
        return ratls_fail(err, RATLS_USAGE, "a challenge that cannot be written: period too long?");
    }
    *ret_challenge = out;
    *ret_len = w.len;
    return RATLS_OK;
}

/* Whether the session is one whose exporter can be had: nobody is asked in vain. */
static enum ratls_status check_session(struct ratls_exchange *x, struct ratls_error *err)
{
    const struct ratls_turn turn = {.counter = x->next_counter};
    const uint8_t nonce[RATLS_NONCE_LEN] = {0};
    struct ratls_expectation unused;

    return ratls_exchange_expect(x->ssl, x->attester, NULL, nonce, &turn, &unused, err);
}

enum ratls_status ratls_exchange_ask(struct ratls_exchange *x, uint64_t period_ms,
                                     uint8_t **ret_challenge, size_t *ret_len,
                                     struct ratls_error *err)
{
    struct ratls_challenge challenge = {.counter = x->next_counter, .period_ms = period_ms};
    struct ratls_known known = {0};
    enum ratls_status status = x->is_checked ? RATLS_OK : check_session(x, err);

    x->is_checked = status == RATLS_OK;
    if (status == RATLS_OK)
        status =
            ratls_request_by_rules(x->rules, x->peer_name, false, &challenge.request, &known, err);
    if (status == RATLS_OK)
        status = ratls_random(challenge.request.nonce, sizeof challenge.request.nonce, err);
    if (status == RATLS_OK)
        status = write_challenge(&challenge, ret_challenge, ret_len, err);
    if (status != RATLS_OK)
        return status;
    x->request = challenge.request;
    x->known = known;
    open_challenge(x, ratls_peer_now_ms());
    return RATLS_OK;
}

enum ratls_status ratls_exchange_adopt(struct ratls_exchange *x,
                                       const struct ratls_request *request,
                                       const struct ratls_ledger_row *known, int64_t asked_ms,
                                       struct ratls_error *err)
{
    if (x->next_counter != 0)
        return ratls_fail(err, RATLS_USAGE, "there was a challenge on this session already");
    x->request = *request;
    x->known = (struct ratls_known){.is_known = known != NULL};
    if (known != NULL)
        x->known.row = *known;
    open_challenge(x, asked_ms);
    return RATLS_OK;
}

/* Of an answer that was awaited until the last challenge went out. */
static bool is_crossing(const struct ratls_exchange *x, struct ratls_slice piece)
{
    struct ratls_piece read;

    return x->is_open && ratls_piece_read(piece, &read) &&
           read.turn.counter < x->answer.turn.counter;
}

enum ratls_status ratls_exchange_take(struct ratls_exchange *x, struct ratls_slice piece,
                                      bool *ret_complete, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (!x->is_open && !x->is_streaming)
        return ratls_fail(err, RATLS_USAGE, "no answer is awaited");
    if (!is_crossing(x, piece))
        status = ratls_answer_reader_add(&x->answer, piece, err);
    if (status == RATLS_OK)
        *ret_complete = x->answer.is_complete;
    return status;
}

static enum ratls_status appraise(struct ratls_exchange *x, struct ratls_report *report,
                                  struct ratls_error *err)
{
    struct ratls_expectation e;
    struct ratls_submission submission = {.expectation = &e,
                                          .tls_version = (uint16_t)SSL_version(x->ssl),
                                          .resumed = SSL_session_reused(x->ssl),
                                          .logs = &x->request.logs,
                                          .key_ids = x->request.key_ids,
                                          .key_id_count = x->request.key_id_count,
                                          .known = x->known.is_known ? &x->known.row : NULL};
    enum ratls_status status = ratls_exchange_expect(x->ssl, x->attester, NULL, x->request.nonce,
                                                     &x->answer.turn, &e, err);

    if (status != RATLS_OK)
        return status;
    e.server_name = x->peer_name[0] == '\0' ? NULL : x->peer_name;
    e.before = x->accepted;
    if (e.sequence != 0)
        e.elapsed_ms = (uint64_t)(ratls_peer_now_ms() - x->anchored_ms);
    ratls_answer_submit(&x->answer, &submission);
    return ratls_appraise_submission(x->rules, &submission, report, err);
}

/* What comes unasked has no nonce of its own: the clock goes on from the last answer to one. */
static void go_on(struct ratls_exchange *x, const struct ratls_accepted *accepted)
{
    const struct ratls_turn next = {.counter = x->answer.turn.counter,
                                    .sequence = x->answer.turn.sequence + 1};

    if (x->answer.turn.sequence == 0) {
        x->accepted = *accepted;
        x->anchored_ms = x->asked_ms;
    }
    x->is_streaming = next.sequence != 0;
    ratls_answer_reader_begin(&x->answer, &next, x->request.logs.ima_bank != 0);
}

enum ratls_status ratls_exchange_judge(struct ratls_exchange *x, struct ratls_report **ret_report,
                                       struct ratls_error *err)
{
    struct ratls_report *report = NULL;
    enum ratls_status status;

    if (!x->answer.is_complete || (!x->is_open && !x->is_streaming))
        return ratls_fail(err, RATLS_USAGE, "no answer is complete");
    x->is_open = x->is_streaming = false;
    report = ratls_report_new();
    if (report == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    report->is_brief = x->is_brief;
    status = appraise(x, report, err);
    if (status == RATLS_OK)
        go_on(x, &report->accepted);
    else
        ratls_answer_reader_end(&x->answer);
    if (status == RATLS_OK || status == RATLS_REJECTED)
        *ret_report = report;
    else
        ratls_report_free(report);
    return status;
}

enum ratls_status ratls_exchange_challenge(struct ratls_exchange *exchange, uint8_t **ret_challenge,
                                           size_t *ret_len, struct ratls_error *ret_error)
{
    return ratls_exchange_ask(exchange, 0, ret_challenge, ret_len, ret_error);
}

enum ratls_status ratls_exchange_check(struct ratls_exchange *exchange, const uint8_t *answer,
                                       size_t answer_len, struct ratls_report **ret_report,
                                       struct ratls_error *ret_error)
{
    enum ratls_status status;

    if (!exchange->is_open)
        return ratls_fail(ret_error, RATLS_USAGE, "no challenge is open: make one first");
    status = ratls_answer_reader_all(&exchange->answer, ratls_slice(answer, answer_len), ret_error);
    if (status == RATLS_OK)
        status = ratls_exchange_judge(exchange, ret_report, ret_error);
    else
        exchange->is_open = false;
    return status;
}
