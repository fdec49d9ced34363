/* TLS sessions that are kept and offered again, for pairs of tls_pair.h. */
#ifndef RATLS_TEST_TLS_SESSION_H
#define RATLS_TEST_TLS_SESSION_H

#include "tls_assert.h"

/* What the client keeps, with the last ticket. The caller frees it with SSL_SESSION_free(). */
static inline SSL_SESSION *keep_session(struct tls_pair *pair)
{
    SSL_SESSION *session = SSL_get1_session(pair->client.ssl);

    cr_assert_not_null(session);
    cr_assert(SSL_SESSION_is_resumable(session), "no ticket came: this tests nothing");
    /* Else SSL_free() takes the session for a broken one. */
    SSL_set_shutdown(pair->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(pair->server.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    return session;
}

/* A full handshake that is accepted, if the client verifies. */
static inline SSL_SESSION *first_session(SSL_CTX *client, SSL_CTX *server)
{
    struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);
    SSL_SESSION *session;

    assert_connected(pair);
    session = keep_session(pair);
    tls_pair_free(pair);
    return session;
}

static inline struct tls_pair *offer_session(SSL_CTX *client, SSL_CTX *server, const char *name,
                                             SSL_SESSION *session)
{
    struct tls_pair *pair = tls_pair_new(client, server, name);

    cr_assert(SSL_set_session(pair->client.ssl, session));
    return pair;
}

/* The session goes on: the verdict is that of before, and data goes through. */
static inline void assert_resumed(struct tls_pair *pair)
{
    assert_connected(pair);
    cr_assert(SSL_session_reused(pair->client.ssl));
    cr_assert(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    cr_assert_null(ratls_tls_error(pair->client.ssl));
    cr_assert_eq(tls_verdict(pair, "tls.resumption"), RATLS_PASS);
    cr_assert_eq(tls_verdict(pair, "quote.signature"), RATLS_PASS);
    cr_assert_eq(tls_pair_write(pair, TLS_SECRET), strlen(TLS_SECRET));
    cr_assert_eq(pair->server.received.len, strlen(TLS_SECRET));
    cr_assert_eq(pair->client.stray_errors, 0, "the client's error stack is not empty");
    cr_assert_eq(pair->server.stray_errors, 0, "the server's error stack is not empty");
}

#endif
