/* The calls of a connection that move bytes, and what is done inside of all of them. */
#include <openssl/err.h>
#include <poll.h>
#include <string.h>

#include "connection_state.h"
#include "fail.h"
#include "tls_pause.h"

#define LOOK_MS 50          /* who only writes looks so often for what the other side asks */
#define FRAMES_AT_ONCE 1024 /* no answer has more pieces; then other connections have a turn */

static bool has_ended(enum ratls_outcome outcome)
{
    return outcome >= RATLS_CLOSED;
}

/* What OpenSSL or the transport failed at; frames that are none are the other side's fault. */
static enum ratls_outcome end_failed(struct ratls_connection *c)
{
    return ratls_connection_end(c, RATLS_FAILED,
                                c->error.status == RATLS_MALFORMED ? RATLS_END_PROTOCOL : 0);
}

/*
 * What is due, as far as it needs nobody: ends the lease, asks, answers, writes frames. RATLS_DONE:
 * the connection goes on.
 */
static enum ratls_outcome progress(struct ratls_connection *c)
{
    enum ratls_outcome answering;
    enum ratls_outcome flushed;

    do {
        int64_t now_ms = ratls_clock_ms();
        enum ratls_outcome outcome = ratls_lease_progress(c, now_ms);

        if (outcome != RATLS_DONE)
            return outcome;
        answering = ratls_answering_progress(c, now_ms);
        if (has_ended(answering))
            return answering;
        flushed =
            c->stream.frames.len == 0 ? RATLS_DONE : ratls_stream_flush(&c->stream, &c->error);
        if (has_ended(flushed))
            return end_failed(c);
    } while (answering == RATLS_WANT_WRITE && flushed == RATLS_DONE);
    return RATLS_DONE;
}

/* Reads up to data of the program; RATLS_DONE: it is there. */
static enum ratls_outcome look(struct ratls_connection *c, struct ratls_received *received)
{
    c->has_more = false;
    for (unsigned frames = 0; frames < FRAMES_AT_ONCE; frames++) {
        enum ratls_outcome outcome = c->is_peer_closed
                                         ? RATLS_CLOSED
                                         : ratls_stream_receive(&c->stream, received, &c->error);

        if (outcome == RATLS_CLOSED)
            c->is_peer_closed = true;
        if (outcome == RATLS_FAILED)
            return end_failed(c);
        if (outcome != RATLS_DONE || received->type == RATLS_FRAME_DATA)
            return outcome;
        outcome = ratls_connection_see_frame(c, received);
        if (outcome == RATLS_DONE)
            outcome = progress(c);
        if (outcome != RATLS_DONE)
            return outcome;
    }
    c->has_more = true;
    return RATLS_WANT_READ;
}

/* RATLS_DONE: the connection is open, the lease holds, and nothing more can be done for it now. */
static enum ratls_outcome prepare(struct ratls_connection *c)
{
    enum ratls_outcome outcome;

    if (c->phase == RATLS_PHASE_ENDED)
        return c->ended_as;
    if (c->phase == RATLS_PHASE_OPEN)
        return progress(c);
    outcome = ratls_connection_open(c);
    return outcome == RATLS_DONE ? progress(c) : outcome;
}

struct job {
    uint8_t *out;      /* of a read */
    const uint8_t *in; /* of a write */
    size_t len;
    size_t done;
};

static enum ratls_outcome open_step(struct ratls_connection *c, struct job *job)
{
    (void)job;
    return prepare(c);
}

static enum ratls_outcome read_step(struct ratls_connection *c, struct job *job)
{
    struct ratls_received received;
    enum ratls_outcome outcome = prepare(c);

    if (outcome == RATLS_DONE)
        outcome = look(c, &received);
    if (outcome != RATLS_DONE)
        return outcome;
    job->done = received.bytes.len < job->len ? received.bytes.len : job->len;
    if (job->done != 0)
        memcpy(job->out, received.bytes.p, job->done);
    ratls_stream_consume(&c->stream, job->done);
    return RATLS_DONE;
}

/* For a program that writes and does not read: the other side's challenges must not wait. */
static enum ratls_outcome look_beside(struct ratls_connection *c)
{
    struct ratls_received received;
    enum ratls_outcome outcome;
    int64_t now_ms = ratls_clock_ms();

    if (!c->stream.is_framed || c->is_peer_closed || now_ms - c->looked_ms < LOOK_MS)
        return RATLS_DONE;
    c->looked_ms = now_ms;
    outcome = look(c, &received);
    return c->phase == RATLS_PHASE_ENDED ? outcome : RATLS_DONE;
}

/* One frame of data, or what was not written of the last one. */
static enum ratls_outcome write_frame(struct ratls_connection *c, struct job *job)
{
    enum ratls_outcome outcome;

    if (c->sending == 0) {
        enum ratls_status status = ratls_stream_queue_data(
            &c->stream, ratls_slice(job->in + job->done, job->len - job->done), &c->sending,
            &c->error);

        if (status != RATLS_OK)
            return ratls_connection_fail(c, status);
    }
    if (c->sending > job->len - job->done) {
        ratls_fail(&c->error, RATLS_USAGE, "a write was not repeated with the same bytes");
        return ratls_connection_end(c, RATLS_FAILED, 0);
    }
    outcome = ratls_stream_flush(&c->stream, &c->error);
    if (has_ended(outcome))
        return end_failed(c);
    if (outcome == RATLS_DONE) {
        job->done += c->sending;
        c->sending = 0;
    }
    return outcome;
}

static enum ratls_outcome write_step(struct ratls_connection *c, struct job *job)
{
    enum ratls_outcome outcome = prepare(c);

    if (outcome == RATLS_DONE)
        outcome = look_beside(c);
    if (outcome == RATLS_DONE && c->is_shut) {
        ratls_fail(&c->error, RATLS_USAGE, "a write after ratls_connection_shutdown()");
        return RATLS_FAILED;
    }
    while (outcome == RATLS_DONE && job->done < job->len) {
        outcome = write_frame(c, job);
        if (outcome == RATLS_DONE)
            outcome = progress(c);
    }
    if (has_ended(outcome) || c->wait.blocks || job->done == 0)
        return outcome;
    return RATLS_DONE;
}

static enum ratls_outcome shutdown_step(struct ratls_connection *c, struct job *job)
{
    enum ratls_outcome outcome = prepare(c);
    int result;

    (void)job;
    if (outcome == RATLS_DONE)
        outcome = ratls_stream_flush(&c->stream, &c->error);
    if (outcome == RATLS_FAILED)
        return end_failed(c);
    if (outcome != RATLS_DONE || c->is_shut)
        return outcome;
    ERR_clear_error();
    result = SSL_shutdown(c->ssl);
    outcome = result >= 0 ? RATLS_DONE : ratls_outcome_of(c->ssl, result, &c->error);
    if (outcome == RATLS_FAILED || outcome == RATLS_CLOSED)
        return end_failed(c);
    c->is_shut = outcome == RATLS_DONE;
    if (c->is_shut)
        c->answering.is_watched = false;
    return outcome;
}

static enum ratls_outcome tick_step(struct ratls_connection *c, struct job *job)
{
    struct ratls_received received;
    enum ratls_outcome outcome = prepare(c);

    (void)job;
    if (outcome == RATLS_DONE && c->stream.is_framed)
        outcome = look(c, &received);
    if (c->phase == RATLS_PHASE_ENDED)
        return c->ended_as;
    return RATLS_DONE;
}

/* One step; the gate is open for it. */
static enum ratls_outcome move(struct ratls_connection *c,
                               enum ratls_outcome step(struct ratls_connection *c, struct job *job),
                               struct job *job)
{
    enum ratls_outcome outcome;

    ratls_gate_enter(&c->gate);
    outcome = step(c, job);
    ratls_gate_leave(&c->gate);
    return outcome;
}

/* As long as a blocking socket would wait, by the program's own settings. */
static enum ratls_outcome run(struct ratls_connection *c,
                              enum ratls_outcome step(struct ratls_connection *c, struct job *job),
                              struct job *job)
{
    int64_t deadline_ms = 0;
    size_t done = 0;

    for (bool is_first = true;; is_first = false) {
        enum ratls_outcome outcome = move(c, step, job);

        if (outcome == RATLS_DONE || has_ended(outcome) || !c->wait.blocks)
            return outcome;
        if (is_first || job->done != done)
            deadline_ms = ratls_wait_deadline(&c->wait, outcome);
        done = job->done;
        if (!ratls_wait_for(&c->wait, c, outcome, deadline_ms))
            return done == 0 ? outcome : RATLS_DONE;
        c->looked_ms = 0;
    }
}

enum ratls_outcome ratls_connection_handshake(struct ratls_connection *c)
{
    return run(c, open_step, &(struct job){0});
}

enum ratls_outcome ratls_connection_read(struct ratls_connection *c, void *out, size_t cap,
                                         size_t *ret_len)
{
    struct job job = {.out = out, .len = cap};
    enum ratls_outcome outcome = run(c, read_step, &job);

    if (outcome == RATLS_DONE)
        *ret_len = job.done;
    return outcome;
}

enum ratls_outcome ratls_connection_write(struct ratls_connection *c, const void *in, size_t len,
                                          size_t *ret_len)
{
    struct job job = {.in = in, .len = len};
    enum ratls_outcome outcome = run(c, write_step, &job);

    if (outcome == RATLS_DONE)
        *ret_len = job.done;
    return outcome;
}

enum ratls_outcome ratls_connection_shutdown(struct ratls_connection *c)
{
    return run(c, shutdown_step, &(struct job){0});
}

enum ratls_outcome ratls_connection_tick(struct ratls_connection *c)
{
    return move(c, tick_step, &(struct job){0});
}

short ratls_connection_events(const struct ratls_connection *c)
{
    short events = 0;

    if (c->phase != RATLS_PHASE_OPEN)
        return 0;
    if (c->stream.is_framed && !c->is_peer_closed && c->stream.in_at == c->stream.in_len)
        events |= POLLIN;
    if (!ratls_stream_is_flushed(&c->stream))
        events |= POLLOUT;
    return events;
}

int ratls_connection_attester_fd(const struct ratls_connection *c)
{
    return ratls_answering_awaits(&c->answering) ? c->answering.bell.fd
                                                 : ratls_pause_fd(ratls_channel_of(c->ssl));
}
