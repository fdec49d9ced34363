#include <ratls/connection.h>

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "acknowledgement.h"
#include "connection_state.h"
#include "fail.h"
#include "tls_internal.h"

const char *ratls_outcome_name(enum ratls_outcome outcome)
{
    static const char *const names[] = {
        [RATLS_DONE] = "done",
        [RATLS_WANT_READ] = "want read",
        [RATLS_WANT_WRITE] = "want write",
        [RATLS_WANT_ATTESTER] = "want attester",
        [RATLS_CLOSED] = "closed",
        [RATLS_REFUSED] = "refused",
        [RATLS_LAPSED] = "lapsed",
        [RATLS_FAILED] = "failed",
    };

    return outcome < sizeof names / sizeof names[0] ? names[outcome] : "unknown";
}

/* What the SSL can do on this connection, for its handshake: tls_offers.c. */
static enum ratls_status prepare(struct ratls_connection *c, struct ratls_error *err)
{
    const struct ratls_tls *tls = ratls_tls_of(c->ssl);
    struct ratls_channel *channel;

    if (tls == NULL ||
        (SSL_is_server(c->ssl) ? tls->attester == NULL && !tls->demands : !tls->verifies))
        return ratls_fail(err, RATLS_USAGE,
                          "the SSL_CTX neither attests (ratls_tls_attest) nor verifies "
                          "(ratls_tls_verify, ratls_tls_verify_clients) in this role");
    channel = ratls_channel_make(c->ssl);
    if (channel == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    channel->speaks = RATLS_OFFERS_ACKNOWLEDGED;
    if (tls->attester != NULL)
        c->answering.attester = tls->attester->up_ref(tls->attester);
    SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return RATLS_OK;
}

/*
 * The SSL may go on without the connection. A request that still offered evidence behind the
 * handshake would find nobody there to appraise it.
 */
static void abandon(SSL *ssl)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (channel != NULL)
        channel->speaks = 0;
}

enum ratls_status ratls_connection_new(SSL *ssl, const struct ratls_connection_options *options,
                                       struct ratls_connection **ret_connection,
                                       struct ratls_error *ret_error)
{
    struct ratls_connection *c;
    enum ratls_status status;

    if (!SSL_in_before(ssl) || SSL_get_rbio(ssl) == NULL || SSL_get_wbio(ssl) == NULL)
        return ratls_fail(ret_error, RATLS_USAGE,
                          "a connection needs an SSL with a BIO and without a handshake");
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    if (options != NULL)
        c->options = *options;
    c->ssl = c->stream.ssl = ssl;
    c->lease.until_ms = c->lease.renew_ms = RATLS_NEVER;
    c->answering.bell.fd = -1;
    status = prepare(c, ret_error);
    if (status == RATLS_OK)
        status = ratls_wait_begin(&c->wait, ssl, ret_error);
    if (status == RATLS_OK && !ratls_gate_install(&c->gate, ssl)) {
        ratls_wait_end(&c->wait);
        status = ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    }
    if (status == RATLS_OK) {
        *ret_connection = c;
        return RATLS_OK;
    }
    abandon(ssl);
    ratls_answering_free(&c->answering);
    free(c);
    return status;
}

void ratls_connection_free(struct ratls_connection *c)
{
    if (c == NULL)
        return;
    ratls_wait_end(&c->wait);
    ratls_lease_free(&c->lease);
    ratls_answering_free(&c->answering);
    ratls_stream_free(&c->stream);
    ratls_gate_free(&c->gate);
    abandon(c->ssl);
    SSL_free(c->ssl);
    free(c);
}

void ratls_connection_tell(struct ratls_connection *c, enum ratls_connection_event event)
{
    if (c->options.on_event != NULL)
        c->options.on_event(c->options.arg, c, event);
}

/* As far as the transport takes it at once: nobody waits for who is not accepted. */
static void say_why(struct ratls_connection *c, unsigned end)
{
    const uint8_t why = (uint8_t)end;
    struct ratls_error none = {0};

    if (!SSL_is_init_finished(c->ssl) || c->is_shut || c->stream.is_mid_record ||
        c->gate.has_stopped)
        return;
    ratls_stream_drop(&c->stream);
    c->gate.is_ending = true;
    if (end == 0 || !c->stream.is_framed ||
        (ratls_stream_queue(&c->stream, RATLS_FRAME_END, ratls_slice(&why, 1), &none) == RATLS_OK &&
         ratls_stream_flush(&c->stream, &none) == RATLS_DONE)) {
        ERR_set_mark();
        SSL_shutdown(c->ssl);
        ERR_pop_to_mark();
    }
}

enum ratls_outcome ratls_connection_end(struct ratls_connection *c, enum ratls_outcome outcome,
                                        unsigned end)
{
    if (c->phase == RATLS_PHASE_ENDED)
        return c->ended_as;
    c->phase = RATLS_PHASE_ENDED;
    c->ended_as = outcome;
    say_why(c, end);
    ratls_stream_drop(&c->stream);
    c->gate.is_closed = true;
    c->lease.until_ms = c->lease.renew_ms = RATLS_NEVER;
    ratls_answering_free(&c->answering);
    ratls_connection_tell(c, RATLS_EVENT_ENDED);
    return outcome;
}

enum ratls_outcome ratls_connection_fail(struct ratls_connection *c, enum ratls_status status)
{
    ratls_fail(&c->error, status, "%s", ratls_status_name(status));
    return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
}

const SSL *ratls_connection_ssl(const struct ratls_connection *c)
{
    return c->ssl;
}

const struct ratls_report *ratls_connection_report(const struct ratls_connection *c)
{
    return c->lease.report != NULL ? c->lease.report : ratls_tls_report(c->ssl);
}

const struct ratls_error *ratls_connection_error(const struct ratls_connection *c)
{
    return c->error.text[0] == '\0' ? NULL : &c->error;
}

int64_t ratls_connection_lease_ms(const struct ratls_connection *c)
{
    int64_t left_ms = c->lease.until_ms - ratls_clock_ms();

    if (c->phase != RATLS_PHASE_OPEN)
        return 0;
    if (c->lease.until_ms == RATLS_NEVER)
        return -1;
    return left_ms < 0 ? 0 : left_ms;
}

uint64_t ratls_connection_verdicts(const struct ratls_connection *c)
{
    return c->lease.verdicts;
}

int ratls_connection_timeout_ms(const struct ratls_connection *c)
{
    int64_t due_ms = ratls_lease_due_ms(&c->lease);
    int64_t other_ms = ratls_answering_due_ms(&c->answering);
    int64_t left_ms;

    if (c->phase == RATLS_PHASE_ENDED)
        return -1;
    if (c->has_more)
        return 0;
    due_ms = due_ms < other_ms ? due_ms : other_ms;
    if (due_ms == RATLS_NEVER)
        return -1;
    left_ms = due_ms - ratls_clock_ms();
    if (left_ms < 0)
        return 0;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
