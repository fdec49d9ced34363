/* What "accepted" and "refused" mean where a server appraises its client. */
#ifndef RATLS_TEST_MUTUAL_ASSERT_H
#define RATLS_TEST_MUTUAL_ASSERT_H

#include "mutual_world.h"
#include "tls_assert.h"

/* Both sides appraised the other. */
static inline void assert_mutual(struct tls_pair *pair)
{
    assert_accepted(pair);
    cr_assert(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
}

static inline const char *client_failure(const struct tls_pair *pair)
{
    struct ratls_finding finding = {.check = ""};

    ratls_report_first_failure(ratls_tls_report(pair->server.ssl), &finding);
    return finding.check;
}

/*
 * A client is done with its Finished, before the server has judged it (RFC 8446, 4.4.4): what it
 * wrote meanwhile is never delivered. Nothing of the server's program reaches it.
 */
static inline void assert_server_closed(struct tls_pair *pair)
{
    ERR_clear_error();
    cr_assert_leq(SSL_write(pair->server.ssl, TLS_SECRET, (int)strlen(TLS_SECRET)), 0);
    ERR_clear_error();
    tls_pair_write(pair, TLS_SECRET);
    cr_assert_eq(pair->server.received.len, 0);
    cr_assert_eq(pair->client.received.len, 0);
}

/* Refused by exactly this check; the client learns nothing but that. */
static inline void assert_client_refused(struct tls_pair *pair, const char *check)
{
    char reason[100];

    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->server.done, -1, "the server is %d", pair->server.done);
    cr_assert_str_eq(client_failure(pair), check, "%s: %s", pair->server.reason_text,
                     pair->server.data);
    cr_assert_not(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
    snprintf(reason, sizeof reason, "attestation refused: %s (", check);
    cr_assert_eq(strncmp(pair->server.reason_text, reason, strlen(reason)), 0, "%s",
                 pair->server.reason_text);
    cr_assert_eq(pair->server.alert_sent, SSL_AD_HANDSHAKE_FAILURE, "alert %d",
                 pair->server.alert_sent);
    assert_server_closed(pair);
}

/* The server could not judge the client; these words say why. */
static inline void assert_client_not_judged(struct tls_pair *pair, const char *words)
{
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->server.done, -1);
    cr_assert_not_null(ratls_tls_error(pair->server.ssl), "%s", client_failure(pair));
    cr_assert_not_null(strstr(ratls_tls_error(pair->server.ssl)->text, words), "%s",
                       ratls_tls_error(pair->server.ssl)->text);
    assert_server_closed(pair);
}

#endif
