/*
 * What a client knows of the server behind a TLS session that may be resumed: the verdict of the
 * handshake with evidence that the session began in, and under which rules it was given. It hangs
 * on the SSL_SESSION, in this process only: one that was written to a file has none.
 */
#ifndef RATLS_SESSION_RECORD_H
#define RATLS_SESSION_RECORD_H

#include <openssl/ssl.h>

#include "channel.h"

/* Immutable but for its references; shared by the sessions that come of one handshake. */
struct ratls_session_record;

/* Of a session, or NULL if it has none; borrowed from it. */
struct ratls_session_record *ratls_session_record_of(const SSL_SESSION *session);
struct ratls_session_record *ratls_session_record_up_ref(struct ratls_session_record *record);
void ratls_session_record_free(struct ratls_session_record *record); /* accepts NULL */

/*
 * Behind a full handshake that was accepted, before the server's tickets are read: OpenSSL copies
 * the session for each, with the record. Nothing is kept if the policy has no max-age, or if memory
 * is short: then the session is not resumed; nor behind a handshake that resumed one, which has its
 * record already. report: the verdict; it is copied.
 */
void ratls_session_record_keep(const SSL *ssl, const struct ratls_channel *channel,
                               const struct ratls_report *report);

/* When the ClientHello was made that the evidence answers; never later, however often resumed. */
struct ratls_moment ratls_session_record_asked(const struct ratls_session_record *record);

/* Whether a session with this record may be offered, or used, for what the channel wants now. */
bool ratls_session_record_holds(const struct ratls_session_record *record,
                                const struct ratls_channel *channel);

/*
 * The verdict on a handshake that resumed a session: that of the record, if it still holds and the
 * session is the one that was offered. A failure is no word on the server.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_session_record_report(const struct ratls_session_record *record, const SSL *ssl,
                            const struct ratls_channel *channel, struct ratls_report **ret_report,
                            struct ratls_error *err);

#endif
