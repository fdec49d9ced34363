/* What a client asks a server for in its ClientHello. */
#include "crypto.h"
#include "request_rules.h"
#include "tls_internal.h"

enum ratls_status ratls_client_fill_request(const SSL *ssl, const struct ratls_tls *tls,
                                            struct ratls_channel *channel)
{
    enum ratls_status status = RATLS_OK;

    if (channel->asked)
        return RATLS_OK; /* the second ClientHello repeats the first */
    if (tls->collects) {
        channel->request.selection = tls->collected;
        channel->request.logs = tls->collected_logs;
        channel->request.offers = RATLS_OFFER_TLS_KEY; /* for a policy that is tried on it */
    } else {
        status = ratls_channel_ask(channel, channel->rules, channel->server_name, tls->begins_anew,
                                   &channel->request);
        channel->request.offers |= ratls_client_offers(ssl, channel);
    }
    return status == RATLS_OK ? ratls_random(channel->request.nonce, sizeof channel->request.nonce,
                                             &channel->error)
                              : status;
}
