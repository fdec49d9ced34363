/* What the two sides of a connection agree on in the handshake: frames, and evidence behind it. */
#include <stdlib.h>

#include "acknowledgement.h"
#include "fail.h"
#include "tls_internal.h"

/*
 * Evidence behind the handshake binds to all of it, but comes after the client's certificate has
 * left (RFC 8446, 2): a client that has one would show it to a server that nobody has appraised.
 */
static bool shows_certificate(const SSL *ssl)
{
    return SSL_get_certificate(ssl) != NULL ||
           SSL_CTX_get_client_cert_cb(SSL_get_SSL_CTX(ssl)) != NULL;
}

unsigned ratls_client_offers(const SSL *ssl, const struct ratls_channel *channel)
{
    unsigned offers = channel->speaks & RATLS_OFFERS_ACKNOWLEDGED;

    if (shows_certificate(ssl) && !channel->rules->needs_exporter)
        offers &= ~(unsigned)RATLS_OFFER_EXPORTER;
    return offers;
}

int ratls_client_parse_acknowledgement(const SSL *ssl, struct ratls_slice in, int *alert)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (channel == NULL || !channel->asked)
        return 1;
    if (channel->agreed == 0 &&
        ratls_acknowledgement_read(in, channel->request.offers, &channel->agreed))
        return 1;
    ratls_fail(&channel->error, RATLS_MALFORMED,
               "the server acknowledged what this side did not offer, or no server may say");
    ratls_raise_error(&channel->error);
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return 0;
}

int ratls_server_add_acknowledgement(const SSL *ssl, const struct ratls_tls *tls,
                                     const unsigned char **out, size_t *ret_len, int *alert)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);
    struct ratls_writer w;
    uint8_t *buffer;

    if (channel == NULL || !channel->asked || tls->attester == NULL)
        return 0;
    channel->agreed = channel->request.offers & channel->speaks & RATLS_OFFERS_ACKNOWLEDGED;
    if (channel->agreed == 0)
        return 0;
    buffer = malloc(RATLS_ACKNOWLEDGEMENT_MAX);
    if (buffer == NULL) {
        ratls_fail(&channel->error, RATLS_MEMORY, "out of memory");
        ratls_raise_error(&channel->error);
        *alert = SSL_AD_INTERNAL_ERROR;
        return -1;
    }
    w = ratls_writer(buffer, RATLS_ACKNOWLEDGEMENT_MAX);
    ratls_acknowledgement_write(channel->agreed, &w);
    *out = buffer;
    *ret_len = w.len;
    return 1;
}
