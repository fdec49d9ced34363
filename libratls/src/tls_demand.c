/*
 * A server that demands evidence of its clients: the request in the CertificateRequest message, and
 * that no handshake ends, and nothing is written, without a verdict.
 *
 * OpenSSL asks for a certificate if the program wants one. That it also does where the program does
 * not, is seen to at two places, for a program may take one of them from us: the info callback,
 * which comes before every message, and the keylog callback, which comes between ServerHello and
 * CertificateRequest. Each puts the other back. A program that sets both has mostly done so when
 * its first SSL is made: there the keylog callback becomes ours again, and passes on to its own.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "crypto.h"
#include "fail.h"
#include "tls_contexts.h"
#include "tls_index.h"
#include "tls_internal.h"

#define CONTEXT_LEN 32 /* SSL_MAX_SID_CTX_LENGTH */

/*
 * What there is to say goes on the error stack, and into the log. OpenSSL's own QUIC takes what is
 * there for an error of its own, and ends before its client hears of it.
 */
static void tell(const SSL *ssl, const struct ratls_channel *channel)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);

    if (!ratls_is_quic_of_openssl(ssl))
        ratls_raise_error(&channel->error);
    if (tls != NULL && tls->log != NULL)
        tls->log(ssl, channel);
}

static void refuse_to_serve(SSL *ssl, struct ratls_channel *channel, const struct ratls_error *err)
{
    ratls_channel_close(ssl);
    channel->error = *err;
    tell(ssl, channel);
}

/* The demand is that of the last context that has one: to change to another does not end it. */
static struct ratls_channel *find_demanding(SSL *ssl)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    const struct ratls_tls *tls = ratls_tls_of_context(ctx);
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (tls == NULL || !tls->demands)
        return channel == NULL || channel->demander == NULL ? NULL : channel;
    if (channel == NULL)
        channel = ratls_channel_begin(ssl);
    if (channel != NULL && channel->demander != ctx && SSL_CTX_up_ref(ctx)) {
        SSL_CTX_free(channel->demander);
        channel->demander = ctx;
    }
    if (channel == NULL || channel->demander == NULL) {
        ratls_channel_close(ssl);
        ratls_raise_error(&(struct ratls_error){RATLS_MEMORY, "out of memory"});
        return NULL;
    }
    return channel;
}

void ratls_demand_guard(SSL *ssl)
{
    struct ratls_channel *channel = SSL_is_server(ssl) ? find_demanding(ssl) : NULL;
    struct ratls_tls *tls = channel == NULL ? NULL : ratls_tls_of(ssl);

    if (channel == NULL)
        return;
    ratls_verdict_force(ssl, channel, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                        SSL_VERIFY_POST_HANDSHAKE | SSL_VERIFY_CLIENT_ONCE);
    ratls_progress_watch(ssl, channel);
    if (tls != NULL)
        ratls_keylog_keep(SSL_get_SSL_CTX(ssl), tls);
}

/*
 * OpenSSL calls this within SSL_new(), for every SSL of the process, since 3.2 before there is more
 * of it than its address. It may get another SSL_CTX by the client's name: so all of them.
 */
static void see_new(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    (void)parent, (void)ptr, (void)ad, (void)index, (void)argl, (void)argp;
    ratls_tls_contexts_guard();
}

static struct ratls_tls_index new_index = RATLS_TLS_INDEX(CRYPTO_EX_INDEX_SSL, see_new, NULL, NULL);

bool ratls_demand_install(SSL_CTX *ctx, struct ratls_tls *tls)
{
    if (tls->client_only)
        return true;
    if (ratls_tls_index(&new_index) < 0)
        return false;
    tls->demands = true;
    ratls_progress_watch_context(ctx, tls);
    ratls_keylog_keep(ctx, tls);
    return true;
}

/*
 * Where a session is resumed, or a PSK is used, there is no CertificateRequest. A session of
 * another context than the one that the server is in is as none (SSL_CTX_set_session_id_context()),
 * and so OpenSSL does a full handshake; a context that nobody else has makes all of them such.
 */
static enum ratls_status forbid_resumption(SSL *ssl, struct ratls_error *err)
{
    uint8_t context[CONTEXT_LEN];
    enum ratls_status status = ratls_random(context, sizeof context, err);

    if (status != RATLS_OK)
        return status;
    SSL_set_psk_server_callback(ssl, NULL);
    SSL_set_psk_find_session_callback(ssl, NULL);
    if (!SSL_set_num_tickets(ssl, 0) || !SSL_set_session_id_context(ssl, context, sizeof context))
        return ratls_fail_openssl(err, "sessions cannot be kept from being resumed");
    return RATLS_OK;
}

/*
 * To close the channel stops no QUIC; without a cipher suite there is no handshake. OpenSSL's own
 * loses them when the ClientHello comes: before that it would end without a word to the client.
 */
static void refuse_quic(SSL *ssl, struct ratls_channel *channel)
{
    static const struct ratls_error err = {RATLS_USAGE,
                                           "attestation needs TLS 1.3; the program uses QUIC"};

    const bool is_told = channel->error.text[0] != '\0';

    (void)SSL_set_ciphersuites(ssl, "");
    if (is_told)
        return;
    channel->error = err;
    tell(ssl, channel);
}

static void begin(SSL *ssl)
{
    struct ratls_channel *channel = find_demanding(ssl);
    struct ratls_error err = {0};

    if (channel == NULL)
        return;
    channel->accepted = false;
    if (ratls_is_quic_of_openssl(ssl))
        return;
    if (ratls_is_quic(ssl))
        refuse_quic(ssl, channel);
    else if (forbid_resumption(ssl, &err) != RATLS_OK)
        refuse_to_serve(ssl, channel, &err);
    else if (!SSL_set_min_proto_version(ssl, TLS1_3_VERSION))
        refuse_to_serve(ssl, channel,
                        &(struct ratls_error){RATLS_USAGE, "attestation needs TLS 1.3"});
}

/*
 * A server may write before the client has answered, as 0.5-RTT data (RFC 8446, 4.6.1), and OpenSSL
 * lets it. It does not as long as the channel seems to be shut down; nor does it send alerts then,
 * so this holds only while OpenSSL is not at work: from the end of a call to the next message. A
 * connection (connection.h) keeps the program's data back by itself, and sends evidence so.
 */
static void hold(SSL *ssl, struct ratls_channel *channel)
{
    if (channel->holds || channel->accepted || !channel->demanded || channel->speaks != 0 ||
        SSL_get_state(ssl) == TLS_ST_OK)
        return;
    channel->holds = true;
    SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_SENT_SHUTDOWN);
}

static void release(SSL *ssl, struct ratls_channel *channel)
{
    if (channel->holds)
        SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) & ~SSL_SENT_SHUTDOWN);
    channel->holds = false;
}

static void end(SSL *ssl, struct ratls_channel *channel)
{
    static const struct ratls_error passed_by = {
        RATLS_USAGE, "the handshake went past the appraisal of the client: the channel is closed"};

    /* OpenSSL also says so where a server may send 0.5-RTT data: a connection only sends evidence.
     */
    if (channel->speaks != 0 && SSL_get_state(ssl) == TLS_ST_EARLY_DATA)
        return;
    if (!channel->accepted || SSL_session_reused(ssl))
        refuse_to_serve(ssl, channel, &passed_by);
    else if (channel->verify_mode >= 0) /* the program has its own again */
        ratls_verdict_release(ssl, channel);
}

/* OpenSSL calls it done, too, where a server may send 0.5-RTT data: the client is to come yet. */
static bool is_early(const SSL *ssl, int where)
{
    return where & SSL_CB_HANDSHAKE_DONE && SSL_get_state(ssl) == TLS_ST_EARLY_DATA;
}

void ratls_demand_progress(SSL *ssl, int where)
{
    struct ratls_channel *channel;

    if (where & SSL_CB_HANDSHAKE_START)
        begin(ssl);
    if (where & (SSL_CB_HANDSHAKE_START | SSL_CB_LOOP))
        ratls_demand_guard(ssl);
    channel = ratls_channel_of(ssl);
    if (channel == NULL || channel->demander == NULL)
        return;
    if (where & SSL_CB_LOOP && ratls_is_quic_of_openssl(ssl))
        refuse_quic(ssl, channel);
    if (where & SSL_CB_EXIT || is_early(ssl, where)) {
        hold(ssl, channel);
        return;
    }
    if (where & (SSL_CB_LOOP | SSL_CB_HANDSHAKE_DONE))
        release(ssl, channel);
    if (where & SSL_CB_HANDSHAKE_DONE)
        end(ssl, channel);
}

/* Of a handshake, or of a request behind it: what an earlier one brought counts no more. */
static void forget_answer(struct ratls_channel *channel)
{
    free(channel->evidence);
    channel->evidence = NULL;
    channel->evidence_len = 0;
    channel->present = channel->misplaced = false;
    ratls_report_free(channel->report);
    channel->report = NULL;
    channel->error = (struct ratls_error){0};
}

static enum ratls_status make_demand(SSL *ssl, struct ratls_channel *channel,
                                     struct ratls_writer *w)
{
    const struct ratls_tls *tls = ratls_tls_of_context(channel->demander);
    enum ratls_status status;

    if (SSL_version(ssl) != TLS1_3_VERSION)
        return ratls_fail(&channel->error, RATLS_USAGE,
                          "attestation needs TLS 1.3; the connection is %s", SSL_get_version(ssl));
    status = ratls_demand_fill_request(tls, channel);
    if (status != RATLS_OK)
        return status;
    ratls_request_write(&channel->demand, w);
    return w->failed ? ratls_fail(&channel->error, RATLS_LIMIT, "the request is too long")
                     : RATLS_OK;
}

int ratls_demand_add_request(SSL *ssl, const unsigned char **out, size_t *ret_len, int *alert)
{
    struct ratls_channel *channel = find_demanding(ssl);
    uint8_t *buffer;
    struct ratls_writer w;

    if (channel == NULL)
        return 0;
    ratls_demand_guard(ssl);
    channel = ratls_channel_begin(ssl);
    buffer = malloc(RATLS_REQUEST_MAX);
    *alert = SSL_AD_INTERNAL_ERROR;
    if (channel == NULL || buffer == NULL) {
        free(buffer);
        ratls_raise_error(&(struct ratls_error){RATLS_MEMORY, "out of memory"});
        return -1;
    }
    forget_answer(channel);
    w = ratls_writer(buffer, RATLS_REQUEST_MAX);
    if (make_demand(ssl, channel, &w) != RATLS_OK) {
        free(buffer);
        tell(ssl, channel);
        return -1;
    }
    channel->demanded = true;
    *out = buffer;
    *ret_len = w.len;
    return 1;
}
