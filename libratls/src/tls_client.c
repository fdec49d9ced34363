/* The client's half: the request in the ClientHello, and what watches over the handshake. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "session_record.h"
#include "tls_internal.h"
#include "tls_pause.h"

static enum ratls_status require_tls13(SSL *ssl, struct ratls_error *err)
{
    long max_version;

    if (ratls_is_quic(ssl)) /* before all else: of its lock */
        return ratls_fail(err, RATLS_USAGE, "attestation needs TLS 1.3; the program uses QUIC");
    max_version = SSL_get_max_proto_version(ssl);
    if (SSL_is_dtls(ssl))
        return ratls_fail(err, RATLS_USAGE, "attestation needs TLS 1.3; the program uses DTLS");
    if ((max_version != 0 && max_version < TLS1_3_VERSION) ||
        SSL_get_options(ssl) & SSL_OP_NO_TLSv1_3 || !SSL_set_min_proto_version(ssl, TLS1_3_VERSION))
        return ratls_fail(err, RATLS_USAGE,
                          "attestation needs TLS 1.3; the program allows only older versions");
    return RATLS_OK;
}

/*
 * The handshake is complete although no verdict accepted the server: something (a PSK, a verify
 * callback that the program changed meanwhile) went past the verification.
 */
static void close_unattested(const SSL *ssl, struct ratls_channel *channel)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);

    ratls_channel_close(ratls_mutable(ssl));
    if (channel->report == NULL || channel->offered == NULL)
        ratls_fail(&channel->error, RATLS_USAGE,
                   "the handshake went past the appraisal: the channel is closed");
    if (channel->error.text[0] != '\0')
        ratls_raise_error(&channel->error);
    else
        ratls_raise_refusal(channel->report);
    if (tls != NULL && tls->log != NULL)
        tls->log(ssl, channel);
}

/* A record that a program's callback leaves in the SSL now would go out behind the verdict. */
static void call_closed(const SSL *ssl, void (*callback)(const SSL *, int, int), int where,
                        int result)
{
    SSL *open = ratls_mutable(ssl);
    int before = SSL_get_shutdown(ssl);

    SSL_set_shutdown(open, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    callback(ssl, where, result);
    SSL_set_shutdown(open, before);
}

static void see_progress(const SSL *ssl, int where, int result);

/*
 * The info callback of the program: the SSL's, else the context's. A handshake has thirty steps,
 * each of which asks.
 */
static void (*find_chained(const SSL *ssl, const struct ratls_channel *channel))(const SSL *, int,
                                                                                 int)
{
    void (*of_context)(const SSL *, int, int) = NULL;
    const struct ratls_tls *tls;

    if (channel != NULL && channel->chained_info != NULL)
        return channel->chained_info;
    of_context = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
    if (of_context != see_progress)
        return of_context;
    tls = ratls_tls_of(ssl);
    return tls != NULL ? tls->chained_info : of_context;
}

/*
 * The program knows nothing of us: nobody will ask for the report, nor for what it is about, of a
 * connection that may live for days. One of our own (connection.h) has a lease by it.
 */
static void forget_accepted(const SSL *ssl, struct ratls_channel *channel)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);

    if (tls == NULL || !tls->brief || !channel->accepted || channel->speaks != 0)
        return;
    free(channel->evidence);
    channel->evidence = NULL;
    channel->evidence_len = 0;
    ratls_report_free(channel->report);
    channel->report = NULL;
}

static void end_handshake(const SSL *ssl, struct ratls_channel *channel)
{
    ratls_keylog_end(channel);
    if (!channel->asked || ratls_verdict_is_deferred(ssl, channel))
        return;
    if (channel->accepted)
        ratls_session_record_keep(ssl, channel, channel->report);
    else
        ratls_client_judge_resumption(ssl, channel);
    if (!channel->accepted)
        close_unattested(ssl, channel);
    forget_accepted(ssl, channel);
}

/* A handshake that may pause is watched to its end, whatever SSL_CTX it gets meanwhile. */
static void begin_handshake(SSL *ssl)
{
    struct ratls_channel *channel;

    if (ratls_is_quic_of_openssl(ssl) || (SSL_get_mode(ssl) & SSL_MODE_ASYNC) == 0)
        return;
    channel = ratls_channel_make(ssl);
    if (channel == NULL)
        return;
    ratls_progress_watch(ssl, channel);
    channel->is_watched = true;
}

static void see_progress(const SSL *ssl, int where, int result)
{
    static _Thread_local const SSL *passing_on; /* the program's callback may call this one */
    struct ratls_channel *channel = ratls_channel_of(ssl);
    void (*chained)(const SSL *, int, int) = find_chained(ssl, channel);

    if (channel != NULL && ratls_pause_is_ending(channel))
        return;
    if (where & SSL_CB_HANDSHAKE_START)
        begin_handshake(ratls_mutable(ssl));
    if (SSL_is_server(ssl))
        ratls_demand_progress(ratls_mutable(ssl), where);
    else if (channel != NULL && where & SSL_CB_HANDSHAKE_DONE)
        end_handshake(ssl, channel);
    if (chained == NULL || passing_on == ssl)
        return;
    passing_on = ssl;
    if (channel != NULL && ratls_verdict_is_deferred(ssl, channel) && !channel->accepted)
        call_closed(ssl, chained, where, result);
    else
        chained(ssl, where, result);
    passing_on = NULL;
}

void ratls_progress_watch_context(SSL_CTX *ctx, struct ratls_tls *tls)
{
    void (*current)(const SSL *, int, int) = SSL_CTX_get_info_callback(ctx);

    if (current == see_progress)
        return;
    tls->chained_info = current;
    SSL_CTX_set_info_callback(ctx, see_progress);
}

bool ratls_progress_is_watched(const SSL *ssl, const struct ratls_channel *channel)
{
    return channel != NULL && channel->is_watched && SSL_get_info_callback(ssl) == see_progress;
}

void ratls_progress_watch(SSL *ssl, struct ratls_channel *channel)
{
    void (*current)(const SSL *, int, int) = SSL_get_info_callback(ssl);

    if (current == see_progress)
        return;
    channel->chained_info = current;
    SSL_set_info_callback(ssl, see_progress);
}

static enum ratls_status make_request(SSL *ssl, struct ratls_tls *tls,
                                      struct ratls_channel *channel, struct ratls_writer *w)
{
    bool plain;
    enum ratls_status status = ratls_client_choose_rules(ssl, tls, channel, &plain);

    if (status != RATLS_OK || plain)
        return status;
    status = require_tls13(ssl, &channel->error);
    if (status == RATLS_OK)
        status = ratls_client_fill_request(ssl, tls, channel);
    if (status != RATLS_OK)
        return status;
    if (!channel->asked) {
        channel->read_before = BIO_number_read(SSL_get_rbio(ssl));
        channel->asked_at = ratls_moment_now();
    }
    channel->asked = true;
    ratls_verdict_force(ssl, channel, SSL_VERIFY_PEER, 0);
    ratls_keylog_install(ssl, tls);
    ratls_client_choose_session(ssl, channel);
    ratls_request_write(&channel->request, w);
    return w->failed ? ratls_fail(&channel->error, RATLS_LIMIT, "the request is too long")
                     : RATLS_OK;
}

static int refuse_to_begin(SSL *ssl, struct ratls_tls *tls, struct ratls_channel *channel,
                           int *alert)
{
    ratls_raise_error(&channel->error);
    if (tls->log != NULL)
        tls->log(ssl, channel);
    *alert = SSL_AD_INTERNAL_ERROR;
    return -1;
}

int ratls_client_add_request(SSL *ssl, struct ratls_tls *tls, const unsigned char **out,
                             size_t *ret_len, int *alert)
{
    struct ratls_channel *channel;
    struct ratls_writer w;
    uint8_t *buffer;

    if (!tls->verifies)
        return 0;
    channel = ratls_channel_begin(ssl);
    buffer = malloc(RATLS_REQUEST_MAX);
    if (channel == NULL || buffer == NULL || !ratls_keylog_begin(ssl, tls, channel)) {
        free(buffer);
        ratls_raise_error(&(struct ratls_error){RATLS_MEMORY, "out of memory"});
        *alert = SSL_AD_INTERNAL_ERROR;
        return -1;
    }
    ratls_progress_watch(ssl, channel);
    w = ratls_writer(buffer, RATLS_REQUEST_MAX);
    if (make_request(ssl, tls, channel, &w) != RATLS_OK) {
        free(buffer);
        return refuse_to_begin(ssl, tls, channel, alert);
    }
    if (w.len == 0) { /* a name that is let alone */
        free(buffer);
        return 0;
    }
    *out = buffer;
    *ret_len = w.len;
    return 1;
}

/* Only keeps it: the verdict falls when the certificate is verified, as it also is without. */
int ratls_peer_parse_evidence(SSL *ssl, struct ratls_slice in, bool in_place)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (channel == NULL || !(SSL_is_server(ssl) ? channel->demanded : channel->asked))
        return 1;
    if (!in_place || channel->present) {
        channel->misplaced = true;
        return 1;
    }
    channel->present = true;
    channel->evidence = malloc(in.len == 0 ? 1 : in.len);
    if (channel->evidence == NULL) {
        ratls_fail(&channel->error, RATLS_MEMORY, "out of memory");
        ratls_raise_error(&channel->error);
        return 0;
    }
    if (in.len != 0)
        memcpy(channel->evidence, in.p, in.len);
    channel->evidence_len = in.len;
    return 1;
}
