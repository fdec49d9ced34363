/*
 * A client's sessions: which of them it may offer, and what a handshake that resumed one is worth
 * (WIRE.md, 5.2).
 */
#include "fail.h"
#include "session_record.h"
#include "tls_internal.h"

/* Who watches beside the program ties what comes later to the evidence of the handshake. */
static bool is_watched(const SSL *ssl)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);

    return tls != NULL && tls->watch != NULL;
}

/*
 * An external PSK or early data would pass by the evidence, and so would a session that nobody
 * attested. A session that is made stale is not offered; OpenSSL does a full handshake.
 */
void ratls_client_choose_session(SSL *ssl, struct ratls_channel *channel)
{
    SSL_SESSION *session = SSL_get_session(ssl);
    struct ratls_session_record *record = ratls_session_record_of(session);

    SSL_set_psk_client_callback(ssl, NULL);
    SSL_set_psk_use_session_callback(ssl, NULL);
    ratls_session_record_free(channel->offered);
    channel->offered = NULL;
    if (session == NULL || !SSL_SESSION_is_resumable(session))
        return;
    if (SSL_SESSION_get_max_early_data(session) != 0)
        SSL_SESSION_set_max_early_data(session, 0);
    if (record != NULL && !is_watched(ssl) && ratls_session_record_holds(record, channel))
        channel->offered = ratls_session_record_up_ref(record);
    else
        ratls_session_set_time(session, 1);
}

/*
 * The verify callback does not run where a session is resumed: the verdict falls here, before
 * OpenSSL lets the program write. Without a session that was offered there is none.
 */
void ratls_client_judge_resumption(const SSL *ssl, struct ratls_channel *channel)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);

    if (tls == NULL || channel->offered == NULL || !SSL_session_reused(ssl))
        return;
    ratls_report_free(channel->report);
    channel->report = NULL;
    if (ratls_session_record_report(channel->offered, ssl, channel, &channel->report,
                                    &channel->error) != RATLS_OK)
        return;
    channel->accepted = ratls_report_accepted(channel->report);
    if (!channel->accepted)
        return;
    channel->asked_at = ratls_session_record_asked(channel->offered);
    ratls_verdict_release(ratls_mutable(ssl), channel);
    if (tls->log != NULL)
        tls->log(ssl, channel);
}
