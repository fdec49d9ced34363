/* What "accepted" and "refused" mean for a pair of tls_pair.h, as a whole. */
#ifndef RATLS_TEST_TLS_ASSERT_H
#define RATLS_TEST_TLS_ASSERT_H

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "tls_pair.h"

#define TLS_SECRET "user=alice&password=swordfish"

static inline void assert_connected(struct tls_pair *pair)
{
    cr_assert(tls_pair_handshake(pair), "client %d (%s %s %s), server %d (%s %s)",
              pair->client.done, pair->client.library, pair->client.reason_text, pair->client.data,
              pair->server.done, pair->server.reason_text, pair->server.data);
}

/* Evidence was appraised, data goes through, and no call left anything on the error stack. */
static inline void assert_accepted(struct tls_pair *pair)
{
    struct tls_side *client = &pair->client;

    assert_connected(pair);
    cr_assert(ratls_report_accepted(ratls_tls_report(client->ssl)));
    cr_assert_null(ratls_tls_error(client->ssl));
    cr_assert_null(ratls_tls_error(pair->server.ssl));
    cr_assert_not(SSL_session_reused(client->ssl));
    cr_assert_eq(tls_pair_write(pair, TLS_SECRET), strlen(TLS_SECRET));
    cr_assert_eq(pair->server.received.len, strlen(TLS_SECRET));
    cr_assert_arr_eq(pair->server.received.p, TLS_SECRET, strlen(TLS_SECRET));
    cr_assert_eq(client->stray_errors, 0, "the client's error stack is not empty");
    cr_assert_eq(pair->server.stray_errors, 0, "the server's error stack is not empty");
}

/* Whatever the program tries now, nothing of it reaches the server, nor the wire in clear. */
static inline void assert_nothing_leaves(struct tls_pair *pair)
{
    cr_assert_leq(tls_pair_write(pair, TLS_SECRET), 0);
    cr_assert_leq(tls_pair_write(pair, TLS_SECRET), 0, "the second time");
    cr_assert_eq(pair->server.received.len, 0, "%zu bytes reached the server",
                 pair->server.received.len);
    cr_assert_not(tls_bytes_contain(&pair->client.sent, TLS_SECRET));
}

/* Refused by exactly this check; the peer learns nothing but that. */
static inline void assert_refused(struct tls_pair *pair, const char *check)
{
    struct tls_side *client = &pair->client;
    char reason[100];

    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(client->done, -1);
    cr_assert_str_eq(tls_failure(pair).check, check, "%s: %s", client->reason_text, client->data);
    cr_assert_not(ratls_report_accepted(ratls_tls_report(client->ssl)));
    cr_assert_eq(SSL_get_verify_result(client->ssl), X509_V_ERR_APPLICATION_VERIFICATION);
    cr_assert_str_eq(client->library, "ratls");
    snprintf(reason, sizeof reason, "attestation refused: %s (", check);
    cr_assert_eq(strncmp(client->reason_text, reason, strlen(reason)), 0, "%s",
                 client->reason_text);
    cr_assert_eq(client->alert_sent, SSL_AD_HANDSHAKE_FAILURE, "alert %d", client->alert_sent);
    assert_nothing_leaves(pair);
}

/* The client sends not even a ClientHello, and says why. */
static inline void assert_not_begun(struct tls_pair *pair, enum ratls_status status,
                                    const char *words)
{
    const struct ratls_error *error;

    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->client.done, -1);
    error = ratls_tls_error(pair->client.ssl);
    cr_assert_not_null(error);
    cr_assert_eq(error->status, status, "%s", error->text);
    cr_assert_not_null(strstr(error->text, words), "%s", error->text);
    cr_assert_str_eq(pair->client.library, "ratls");
    cr_assert_str_eq(pair->client.data, error->text);
    cr_assert_null(ratls_tls_report(pair->client.ssl));
    assert_nothing_leaves(pair);
    cr_assert_lt(pair->client.sent.len, 8, "%zu bytes left the client", pair->client.sent.len);
}

/* Stopped by OpenSSL or by the peer, before or without an appraisal. */
static inline void assert_stopped(struct tls_pair *pair, int client_alert, int server_alert)
{
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->client.done, -1);
    cr_assert_eq(pair->client.alert_sent, client_alert, "client's alert %d",
                 pair->client.alert_sent);
    cr_assert_eq(pair->server.alert_sent, server_alert, "server's alert %d",
                 pair->server.alert_sent);
    cr_assert_not(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    assert_nothing_leaves(pair);
}

/* A server that sends what raw says, and the client of this world. */
static inline struct tls_pair *pair_with_raw(struct tls_world *world, SSL_CTX **ret_server,
                                             struct tls_raw *raw)
{
    *ret_server = tls_plain_server(world);
    tls_raw_add(*ret_server, raw);
    return tls_pair_new(world->client, *ret_server, TLS_NAME);
}

/* What the server of this world sends in a handshake with its client. Freed by the caller. */
static inline struct tls_bytes record_evidence(struct tls_world *world)
{
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct tls_bytes evidence = {0};
    const uint8_t *p;
    size_t len;

    assert_accepted(pair);
    p = ratls_tls_evidence(pair->client.ssl, &len);
    cr_assert_not_null(p);
    tls_bytes_add(&evidence, p, len);
    tls_pair_free(pair);
    return evidence;
}

#endif
