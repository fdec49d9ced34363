/* The server's half: the request in the ClientHello, the evidence in the Certificate message. */
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "fail.h"
#include "tls_internal.h"
#include "tls_pause.h"

/*
 * RFC 8879, since OpenSSL 3.2: a server's Certificate message is compressed before anybody asks for
 * evidence, and has none. The bit means nothing to older ones.
 */
#ifndef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
#define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION ((uint64_t)1 << 32)
#endif

/* An encoding has one form for each value: equal bytes are equal requests, to the last field. */
static bool is_same_request(const struct ratls_request *a, const struct ratls_request *b)
{
    uint8_t of_a[RATLS_REQUEST_MAX];
    uint8_t of_b[RATLS_REQUEST_MAX];
    struct ratls_writer a_writer = ratls_writer(of_a, sizeof of_a);
    struct ratls_writer b_writer = ratls_writer(of_b, sizeof of_b);

    ratls_request_write(a, &a_writer);
    ratls_request_write(b, &b_writer);
    return !a_writer.failed && !b_writer.failed &&
           ratls_slice_equal(ratls_writer_slice(&a_writer), ratls_writer_slice(&b_writer));
}

int ratls_server_parse_request(SSL *ssl, struct ratls_tls *tls, struct ratls_slice in, int *alert)
{
    struct ratls_channel *channel;
    struct ratls_request request;

    if (tls->attester == NULL && tls->attester_failure.status == RATLS_OK)
        return 1;
    if (ratls_is_quic_of_openssl(ssl)) /* no client can accept it */
        return 1;
    channel = ratls_channel_begin(ssl);
    if (channel == NULL) {
        ratls_raise_error(&(struct ratls_error){RATLS_MEMORY, "out of memory"});
        *alert = SSL_AD_INTERNAL_ERROR;
        return 0;
    }
    switch (ratls_request_read(in, &request)) {
    case RATLS_REQUEST_OTHER_VERSION:
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return !channel->asked; /* the first ClientHello was of ours: see below */
    case RATLS_REQUEST_MALFORMED:
        *alert = SSL_AD_DECODE_ERROR;
        return 0;
    case RATLS_REQUEST_OK:
        break;
    }
    /* RFC 8446, 4.1.2: after HelloRetryRequest nothing of it may have changed. */
    if (channel->asked && !is_same_request(&channel->request, &request)) {
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return 0;
    }
    channel->request = request;
    channel->asked = true;
    SSL_set_options(ssl, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION);
    ratls_server_watch_sessions(ssl, tls);
    ratls_pause_expect(channel);
    return 1;
}

/* Of the context that the SSL has now: the server may have chosen another by the client's name. */
void ratls_server_await_binder(const SSL *ssl, struct ratls_tls *tls)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (channel != NULL && channel->asked && ratls_keylog_begin(ssl, tls, channel))
        ratls_keylog_install(ssl, tls);
}

enum ratls_status ratls_channel_attest(SSL *ssl, struct ratls_tls *tls,
                                       struct ratls_channel *channel, enum ratls_role role,
                                       X509 *certificate, uint8_t **ret_evidence, size_t *ret_len)
{
    struct ratls_attest_request request;
    struct ratls_expectation session;
    enum ratls_status status;
    uint8_t *evidence = NULL;
    size_t len = 0;

    if (tls->attester == NULL)
        return ratls_fail(&channel->error, tls->attester_failure.status, "%s",
                          tls->attester_failure.text);
    if (certificate == NULL)
        return ratls_fail(&channel->error, RATLS_USAGE, "the handshake has no X.509 certificate");
    status = ratls_channel_session(ssl, channel, role, &session, &channel->error);
    if (status == RATLS_OK)
        status =
            ratls_spki_memory_find(&tls->shown, certificate, session.spki_sha256, &channel->error);
    if (status != RATLS_OK)
        return status;
    ratls_attest_request_fill(
        &session, role == RATLS_ROLE_SERVER ? &channel->request : &channel->demand, &request);
    status =
        ratls_pause_attest(ssl, channel, tls->attester, &request, &evidence, &len, &channel->error);
    if (status != RATLS_OK)
        return ratls_fail(&channel->error, status, "the attester gave no reason");
    if (evidence == NULL || len == 0 || len > RATLS_EVIDENCE_MAX) {
        free(evidence);
        return ratls_fail(&channel->error, RATLS_USAGE, "the attester returned %zu bytes", len);
    }
    *ret_evidence = evidence;
    *ret_len = len;
    return RATLS_OK;
}

int ratls_server_add_evidence(SSL *ssl, struct ratls_tls *tls, X509 *certificate,
                              const unsigned char **out, size_t *ret_len, int *alert)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);
    uint8_t *evidence = NULL;

    if (channel == NULL || !channel->asked)
        return 0;
    if (tls->attester == NULL && tls->attester_failure.status == RATLS_OK)
        return 0; /* the program went on with an SSL_CTX that does not attest */
    if (channel->agreed & RATLS_OFFER_EXPORTER)
        return 0; /* it comes behind the handshake */
    if (ratls_channel_attest(ssl, tls, channel, RATLS_ROLE_SERVER, certificate, &evidence,
                             ret_len) != RATLS_OK) {
        ratls_raise_error(&channel->error);
        /* Programs that show no error stack, such as HAProxy, would say nothing. */
        if (tls->log != NULL && !ratls_pause_is_ending(channel))
            tls->log(ssl, channel);
        *alert = SSL_AD_INTERNAL_ERROR;
        return -1;
    }
    ratls_server_keep_state(channel, ratls_slice(evidence, *ret_len));
    *out = evidence; /* until OpenSSL has built the message: free_extension() */
    return 1;
}
