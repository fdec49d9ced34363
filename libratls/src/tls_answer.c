/*
 * A client's evidence: asked for in the CertificateRequest message, sent in its own Certificate
 * message, in the handshake or behind it (RFC 8446, 4.6.2).
 */
#include "fail.h"
#include "tls_internal.h"
#include "tls_pause.h"
#include "tls_peer.h"

/* Kept until the certificate is sent: who has none sends no evidence either. */
int ratls_client_parse_demand(SSL *ssl, const struct ratls_tls *tls, struct ratls_slice in,
                              int *alert)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);
    struct ratls_request request;

    if (channel == NULL || (tls->attester == NULL && tls->attester_failure.status == RATLS_OK))
        return 1;
    channel->demanded = false;
    switch (ratls_request_read(in, &request)) {
    case RATLS_REQUEST_OTHER_VERSION:
        return 1;
    case RATLS_REQUEST_MALFORMED:
        *alert = SSL_AD_DECODE_ERROR;
        return 0;
    case RATLS_REQUEST_OK:
        break;
    }
    channel->demand = request;
    channel->demanded = true;
    return 1;
}

/* Behind the handshake a server may ask as often as it likes. */
static enum ratls_status attest(SSL *ssl, struct ratls_tls *tls, struct ratls_channel *channel,
                                X509 *certificate, uint8_t **ret_evidence, size_t *ret_len)
{
    if (!ratls_quota_take(&channel->demands, ratls_peer_now_ms()))
        return ratls_fail(&channel->error, RATLS_LIMIT, "the server asks for evidence too often");
    return ratls_channel_attest(ssl, tls, channel, RATLS_ROLE_CLIENT, certificate, ret_evidence,
                                ret_len);
}

/*
 * What a machine runs is nobody's business but that of a server that the policy has accepted. Who
 * is not asked for evidence itself (a name that is let alone, a session without a verdict yet) is
 * shown none.
 */
int ratls_client_add_evidence(SSL *ssl, struct ratls_tls *tls, X509 *certificate,
                              const unsigned char **out, size_t *ret_len, int *alert)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);
    uint8_t *evidence = NULL;
    bool is_due;

    if (channel == NULL)
        return 0;
    is_due = channel->demanded && channel->asked && channel->accepted;
    channel->demanded = false; /* each request is answered once */
    if (!is_due)
        return 0;
    if (attest(ssl, tls, channel, certificate, &evidence, ret_len) != RATLS_OK) {
        ratls_raise_error(&channel->error);
        if (tls->log != NULL && !ratls_pause_is_ending(channel))
            tls->log(ssl, channel);
        *alert = SSL_AD_INTERNAL_ERROR;
        return -1;
    }
    *out = evidence; /* until OpenSSL has built the message */
    return 1;
}
