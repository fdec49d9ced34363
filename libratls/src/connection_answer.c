/*
 * What this side owes the other: an answer to each challenge, and, where that was asked for,
 * evidence again when its measured state changes (WIRE.md, 11).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection_state.h"
#include "fail.h"
#include "tls_internal.h"

#define PUSH_MIN_MS 100     /* of what is sent unasked, whatever period was asked for */
#define LOOK_MS 1000        /* a state is at most a second old: attester.h */
#define QUEUE_MAX 65536     /* of pieces that the transport has not taken yet */

static enum ratls_outcome cannot_attest(struct ratls_connection *c, enum ratls_status status)
{
    ratls_fail(&c->error, status, "the attester gave no reason");
    return ratls_connection_end(c, RATLS_FAILED, RATLS_END_CANNOT_ATTEST);
}

static enum ratls_outcome break_protocol(struct ratls_connection *c, const char *what)
{
    ratls_fail(&c->error, RATLS_MALFORMED, "%s", what);
    return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
}

static bool has_state(const struct ratls_answering *a)
{
    return a->attester->begin_state != NULL || a->attester->state != NULL;
}

static enum ratls_status prepare_bell(struct ratls_connection *c)
{
    return ratls_doorbell_prepare(&c->answering.bell)
               ? RATLS_OK
               : ratls_fail(&c->error, RATLS_IO, "no eventfd: %s", strerror(errno));
}

static enum ratls_status begin_job(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;
    enum ratls_status status = prepare_bell(c);

    return status == RATLS_OK ? a->attester->begin(a->attester, &a->asked, ratls_doorbell_ring,
                                                   &a->bell, &a->job, &c->error)
                              : status;
}

/* The evidence is there: its pieces follow. */
static enum ratls_status begin_writing(struct ratls_connection *c, uint8_t *evidence, size_t len)
{
    struct ratls_answering *a = &c->answering;
    enum ratls_status status;

    if (c->phase == RATLS_PHASE_EARLY) /* then come the tickets */
        ratls_server_keep_state(ratls_channel_of(c->ssl), ratls_slice(evidence, len));
    status = ratls_answer_writer_begin(a->attester, &a->turn, &a->asked, evidence, len, &a->writer,
                                       &c->error);
    a->is_writing = status == RATLS_OK;
    return status;
}

static enum ratls_status make_now(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;
    uint8_t *evidence = NULL;
    size_t len = 0;
    enum ratls_status status =
        a->attester->attest(a->attester, &a->asked, &evidence, &len, &c->error);

    return status == RATLS_OK ? begin_writing(c, evidence, len) : status;
}

static enum ratls_outcome make_evidence(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;
    enum ratls_role role = SSL_is_server(c->ssl) ? RATLS_ROLE_SERVER : RATLS_ROLE_CLIENT;
    enum ratls_status status =
        ratls_exchange_request(c->ssl, role, &a->request, &a->turn, &a->asked, &c->error);

    a->is_due = false;
    if (status == RATLS_OK)
        status = a->attester->begin != NULL ? begin_job(c) : make_now(c);
    return status == RATLS_OK ? RATLS_DONE : cannot_attest(c, status);
}

/*
 * The state was read, and is what it is compared with from now on if evidence is made: what changes
 * in between is seen as a change.
 */
static enum ratls_outcome see_state(struct ratls_connection *c, const uint8_t state[32])
{
    struct ratls_answering *a = &c->answering;

    if (!a->is_due) {
        if (!a->is_watched || memcmp(state, a->state, sizeof a->state) == 0)
            return RATLS_DONE;
        a->turn.sequence++;
        if (a->period_ms != 0)
            a->push_ms = ratls_clock_ms() + a->period_ms;
    }
    memcpy(a->state, state, sizeof a->state);
    return make_evidence(c);
}

/* Looks at the state: without waiting, if the attester can. */
static enum ratls_outcome look_at_state(struct ratls_connection *c, int64_t now_ms)
{
    struct ratls_answering *a = &c->answering;
    const struct ratls_pcr_selection *selection = &a->request.selection;
    enum ratls_status status;
    uint8_t state[sizeof a->state];

    a->look_ms = now_ms + LOOK_MS;
    if (a->attester->begin_state != NULL) {
        status = prepare_bell(c);
        if (status == RATLS_OK)
            status = a->attester->begin_state(a->attester, selection, ratls_doorbell_ring, &a->bell,
                                              &a->looking, &c->error);
        return status == RATLS_OK ? RATLS_DONE : cannot_attest(c, status);
    }
    status = a->attester->state(a->attester, selection, state, &c->error);
    return status == RATLS_OK ? see_state(c, state) : cannot_attest(c, status);
}

static enum ratls_outcome take_state(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;
    struct ratls_state_job *looking = a->looking;
    uint8_t state[sizeof a->state];
    enum ratls_status status;

    a->looking = NULL;
    status = a->attester->take_state(a->attester, looking, state, &c->error);
    return status == RATLS_OK ? see_state(c, state) : cannot_attest(c, status);
}

/* The state first, where it is watched; then the evidence. */
static enum ratls_outcome make(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;
    int64_t now_ms = ratls_clock_ms();

    a->look_ms = a->push_ms = RATLS_NEVER;
    if (a->is_watched && a->period_ms != 0)
        a->push_ms = now_ms + a->period_ms;
    a->is_due = true;
    return a->is_watched && has_state(a) ? look_at_state(c, now_ms) : make_evidence(c);
}

enum ratls_outcome ratls_answering_begin(struct ratls_connection *c,
                                         const struct ratls_request *request, uint64_t counter)
{
    struct ratls_answering *a = &c->answering;
    enum ratls_status status = ratls_exchange_count(c->ssl, counter, &c->error);

    if (status == RATLS_USAGE)
        return break_protocol(c, "the other side counts its challenges wrongly");
    if (status != RATLS_OK)
        return ratls_connection_fail(c, status);
    a->request = *request;
    a->turn = (struct ratls_turn){.counter = counter};
    a->is_watched = a->period_ms != 0 || c->options.pushes;
    return make(c);
}

/* What is being sent unasked is void when the other side asks anew: it passes over the rest. */
static void abandon(struct ratls_answering *a)
{
    if (a->job != NULL)
        a->attester->cancel(a->attester, a->job);
    if (a->looking != NULL)
        a->attester->cancel_state(a->attester, a->looking);
    a->job = NULL;
    a->looking = NULL;
    a->is_due = false;
    if (a->is_writing)
        ratls_answer_writer_end(&a->writer);
    a->is_writing = false;
}

enum ratls_outcome ratls_answering_challenge(struct ratls_connection *c, struct ratls_slice bytes)
{
    struct ratls_answering *a = &c->answering;
    struct ratls_challenge challenge;

    if (!ratls_challenge_read(bytes, &challenge) || challenge.counter == 0)
        return break_protocol(c, "the other side sent a challenge that is none");
    if (!ratls_quota_take(&a->challenges, ratls_clock_ms()))
        return break_protocol(c, "the other side asks for evidence too often");
    if (a->attester == NULL) {
        ratls_fail(&c->error, RATLS_USAGE, "the other side asks for evidence; here is no attester");
        return ratls_connection_end(c, RATLS_FAILED, RATLS_END_CANNOT_ATTEST);
    }
    if ((a->job != NULL || a->is_due || a->is_writing) && a->turn.sequence == 0)
        return break_protocol(c, "the other side asks again before it has the answer");
    abandon(a);
    a->period_ms = (int64_t)challenge.period_ms;
    if (a->period_ms != 0 && a->period_ms < PUSH_MIN_MS)
        a->period_ms = PUSH_MIN_MS;
    return ratls_answering_begin(c, &challenge.request, challenge.counter);
}

/* Pieces, as long as the transport takes them: an answer may be longer than a queue should be. */
static enum ratls_outcome write_pieces(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;

    while (a->is_writing && c->stream.frames.len - c->stream.frames.at < QUEUE_MAX) {
        uint8_t *piece = NULL;
        size_t len = 0;
        bool is_last = true;
        enum ratls_status status =
            ratls_answer_writer_next(&a->writer, &piece, &len, &is_last, &c->error);

        if (status != RATLS_OK)
            return cannot_attest(c, status);
        status = ratls_stream_queue(&c->stream, RATLS_FRAME_EVIDENCE, ratls_slice(piece, len),
                                    &c->error);
        free(piece);
        if (status != RATLS_OK)
            return ratls_connection_fail(c, status);
        a->is_writing = !is_last;
        if (is_last)
            ratls_answer_writer_end(&a->writer);
    }
    return a->is_writing ? RATLS_WANT_WRITE : RATLS_DONE;
}

static enum ratls_outcome take(struct ratls_connection *c)
{
    struct ratls_answering *a = &c->answering;
    struct ratls_attest_job *job = a->job;
    uint8_t *evidence = NULL;
    size_t len = 0;
    enum ratls_status status;

    a->job = NULL;
    status = a->attester->take(a->attester, job, &evidence, &len, &c->error);
    if (status == RATLS_OK)
        status = begin_writing(c, evidence, len);
    return status == RATLS_OK ? RATLS_DONE : cannot_attest(c, status);
}

/* Evidence that nobody asked for: when the period is over, or the state is another. */
static enum ratls_outcome push(struct ratls_connection *c, int64_t now_ms)
{
    struct ratls_answering *a = &c->answering;

    if (c->phase != RATLS_PHASE_OPEN || !a->is_watched || c->is_shut)
        return RATLS_DONE;
    if (now_ms >= a->push_ms) {
        a->turn.sequence++;
        return make(c);
    }
    return now_ms >= a->look_ms ? look_at_state(c, now_ms) : RATLS_DONE;
}

bool ratls_answering_awaits(const struct ratls_answering *a)
{
    return a->job != NULL || a->looking != NULL;
}

enum ratls_outcome ratls_answering_progress(struct ratls_connection *c, int64_t now_ms)
{
    struct ratls_answering *a = &c->answering;
    enum ratls_outcome outcome = RATLS_DONE;

    if (!ratls_answering_awaits(a) && !a->is_writing)
        outcome = push(c, now_ms);
    while (outcome == RATLS_DONE && ratls_answering_awaits(a)) {
        if (!ratls_doorbell_has_rung(&a->bell))
            return RATLS_WANT_ATTESTER;
        outcome = a->looking != NULL ? take_state(c) : take(c);
    }
    return outcome == RATLS_DONE ? write_pieces(c) : outcome;
}

int64_t ratls_answering_due_ms(const struct ratls_answering *a)
{
    if (!a->is_watched || ratls_answering_awaits(a) || a->is_writing)
        return RATLS_NEVER;
    return a->look_ms < a->push_ms ? a->look_ms : a->push_ms;
}

void ratls_answering_free(struct ratls_answering *a)
{
    if (a->attester == NULL)
        return;
    abandon(a);
    ratls_doorbell_close(&a->bell);
    a->attester->free(a->attester);
    a->attester = NULL;
}
