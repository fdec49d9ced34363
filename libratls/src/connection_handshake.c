/*
 * The handshake of a connection: TLS, and where both sides agreed on it the evidence behind it. A
 * server sends that as 0.5-RTT data (RFC 8446, 2): behind its own Finished, before the client's.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "connection_state.h"
#include "fail.h"
#include "tls_internal.h"

static bool attests_behind(const struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);

    return SSL_is_server(c->ssl) && channel != NULL &&
           (channel->agreed & RATLS_OFFER_EXPORTER) != 0;
}

/* The reason of a refusal is in the report; of what did not work, in the channel's error. */
static enum ratls_outcome fail_handshake(struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);
    const struct ratls_error *error = ratls_tls_error(c->ssl);
    bool is_refused = channel != NULL && channel->report != NULL && error == NULL &&
                      !ratls_report_accepted(channel->report);

    if (error != NULL)
        c->error = *error;
    if (is_refused)
        c->error = (struct ratls_error){0};
    return ratls_connection_end(c, is_refused ? RATLS_REFUSED : RATLS_FAILED, 0);
}

static enum ratls_outcome judge_call(struct ratls_connection *c, int result)
{
    enum ratls_outcome outcome =
        result == 1 ? RATLS_DONE : ratls_outcome_of(c->ssl, result, &c->error);

    if (outcome == RATLS_CLOSED)
        ratls_fail(&c->error, RATLS_IO, "the other side closed the connection in the handshake");
    return outcome == RATLS_CLOSED || outcome == RATLS_FAILED ? fail_handshake(c) : outcome;
}

/*
 * A server calls OpenSSL as if it waited for early data, of which it takes none: so it gets the
 * word again behind its own Finished.
 */
static enum ratls_outcome accept_tls(struct ratls_connection *c)
{
    uint8_t none;
    size_t len = 0;
    int result = SSL_read_early_data(c->ssl, &none, sizeof none, &len);

    if (result == SSL_READ_EARLY_DATA_FINISH)
        return RATLS_DONE;
    if (result == SSL_READ_EARLY_DATA_SUCCESS) {
        ratls_fail(&c->error, RATLS_USAGE,
                   "the client sent early data (0-RTT): no attested connection takes it");
        return ratls_connection_end(c, RATLS_FAILED, 0);
    }
    return judge_call(c, 0);
}

static enum ratls_outcome finish_tls(struct ratls_connection *c)
{
    ERR_clear_error();
    errno = 0;
    return judge_call(c, SSL_do_handshake(c->ssl));
}

static void agree(struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);

    c->stream.is_framed = channel != NULL && (channel->agreed & RATLS_OFFER_FRAMES) != 0;
}

/* A server may have got another SSL_CTX in the handshake (SNI): that one attests. */
static void choose_attester(struct ratls_connection *c)
{
    const struct ratls_tls *tls = ratls_tls_of(c->ssl);
    struct ratls_attester *attester = tls == NULL ? NULL : tls->attester;

    if (attester == c->answering.attester)
        return;
    if (attester != NULL)
        attester = attester->up_ref(attester);
    ratls_answering_free(&c->answering);
    c->answering.attester = attester;
}

static enum ratls_outcome begin_tls(struct ratls_connection *c)
{
    enum ratls_outcome outcome;

    ERR_clear_error();
    errno = 0;
    if (!SSL_is_server(c->ssl))
        return RATLS_DONE;
    outcome = accept_tls(c);
    if (outcome != RATLS_DONE)
        return outcome;
    choose_attester(c);
    agree(c);
    if (!attests_behind(c))
        return RATLS_DONE;
    c->gate.is_keeping = c->stream.is_early = true;
    c->phase = RATLS_PHASE_EARLY;
    return ratls_answering_begin(c, &ratls_channel_of(c->ssl)->request, 0);
}

/* What the transport did not take goes before more is made. */
static enum ratls_outcome send_kept(struct ratls_connection *c)
{
    errno = 0;
    if (ratls_gate_flush(&c->gate))
        return RATLS_DONE;
    if (BIO_should_retry(c->gate.transport))
        return RATLS_WANT_WRITE;
    ratls_fail(&c->error, RATLS_IO, "the other side is gone: %s", strerror(errno));
    return ratls_connection_end(c, RATLS_FAILED, 0);
}

/* Mode 3: all of the server's evidence, and then the client's Finished. */
static enum ratls_outcome send_evidence(struct ratls_connection *c)
{
    enum ratls_outcome making = RATLS_WANT_WRITE;
    enum ratls_outcome outcome = send_kept(c);

    while (outcome == RATLS_DONE && making != RATLS_DONE) {
        making = ratls_answering_progress(c, ratls_clock_ms());
        if (making == RATLS_WANT_ATTESTER || making >= RATLS_CLOSED)
            return making;
        outcome = ratls_stream_flush(&c->stream, &c->error);
        if (outcome >= RATLS_CLOSED)
            return fail_handshake(c);
        if (outcome == RATLS_DONE)
            outcome = send_kept(c);
    }
    if (outcome != RATLS_DONE)
        return outcome;
    c->gate.is_keeping = c->stream.is_early = false;
    return RATLS_DONE;
}

/* A server may have got another SSL_CTX in the handshake (SNI). */
static bool is_judging(const struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);

    return !SSL_is_server(c->ssl) || (channel != NULL && channel->demander != NULL);
}

/* After the TLS handshake: who verifies has its verdict, or waits for the evidence. */
static enum ratls_outcome begin_lease(struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);
    bool is_deferred =
        !SSL_is_server(c->ssl) && channel != NULL && (channel->agreed & RATLS_OFFER_EXPORTER) != 0;

    agree(c);
    c->lease.is_judging = is_judging(c);
    if (!SSL_is_server(c->ssl) && (channel == NULL || !channel->asked)) {
        /* A context of the provider may let names alone that no policy speaks for. */
        ratls_fail(&c->error, RATLS_USAGE, "no policy speaks for the other side");
        return ratls_connection_end(c, RATLS_FAILED, 0);
    }
    if (is_deferred && (channel->present || channel->misplaced)) {
        ratls_fail(&c->error, RATLS_MALFORMED,
                   "the server sent evidence in the handshake, and said that it comes behind it");
        return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
    }
    if (c->lease.is_judging && !is_deferred && !channel->accepted)
        return fail_handshake(c);
    c->phase = is_deferred ? RATLS_PHASE_EVIDENCE : RATLS_PHASE_OPEN;
    if (!c->lease.is_judging) {
        c->gate.is_accepted = true;
        return RATLS_DONE;
    }
    return ratls_lease_begin(c);
}

static enum ratls_outcome await_evidence(struct ratls_connection *c)
{
    while (c->lease.verdicts == 0) {
        struct ratls_received received;
        enum ratls_outcome outcome = ratls_lease_progress(c, ratls_clock_ms());

        if (outcome == RATLS_DONE)
            outcome = ratls_stream_receive(&c->stream, &received, &c->error);
        if (outcome == RATLS_WANT_READ || outcome == RATLS_WANT_WRITE ||
            c->phase == RATLS_PHASE_ENDED)
            return outcome;
        if (outcome == RATLS_CLOSED)
            ratls_fail(&c->error, RATLS_IO, "the server closed the connection without evidence");
        if (outcome != RATLS_DONE)
            return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
        if (received.type == RATLS_FRAME_DATA) {
            ratls_fail(&c->error, RATLS_MALFORMED, "the server sent data before its evidence");
            return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
        }
        outcome = ratls_connection_see_frame(c, &received);
        if (outcome != RATLS_DONE)
            return outcome;
    }
    c->phase = RATLS_PHASE_OPEN;
    return RATLS_DONE;
}

enum ratls_outcome ratls_connection_open(struct ratls_connection *c)
{
    enum ratls_outcome outcome = RATLS_DONE;

    if (c->lease.asked_ms == 0)
        c->lease.asked_ms = ratls_clock_ms();
    if (c->phase == RATLS_PHASE_TLS) {
        outcome = begin_tls(c);
        if (outcome == RATLS_DONE && c->phase == RATLS_PHASE_TLS)
            c->phase = RATLS_PHASE_FINISH;
    }
    if (outcome == RATLS_DONE && c->phase == RATLS_PHASE_EARLY) {
        outcome = send_evidence(c);
        if (outcome == RATLS_DONE)
            c->phase = RATLS_PHASE_FINISH;
    }
    if (outcome == RATLS_DONE && c->phase == RATLS_PHASE_FINISH) {
        outcome = finish_tls(c);
        if (outcome == RATLS_DONE)
            outcome = begin_lease(c);
    }
    if (outcome == RATLS_DONE && c->phase == RATLS_PHASE_EVIDENCE)
        outcome = await_evidence(c);
    return outcome;
}
