/* What "open", "refused" and so on mean for a pair of connection_pair.h, as a whole. */
#ifndef RATLS_TEST_CONNECTION_ASSERT_H
#define RATLS_TEST_CONNECTION_ASSERT_H

#include "channel.h"
#include "connection_pair.h"
#include "tls_assert.h"

/* With rules that renew; freed with tls_world_free(). */
static inline struct tls_world *world_with(uint64_t max_age_s, uint64_t renew_s)
{
    struct tls_world *world = tls_world_new();
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    rules->max_age_s = max_age_s;
    rules->renew_s = renew_s;
    return world;
}

/* Why it ended: its error, or the first check that failed. */
static inline const char *connection_words(const struct ratls_connection *connection)
{
    const struct ratls_error *error = ratls_connection_error(connection);
    const struct ratls_report *report = ratls_connection_report(connection);
    struct ratls_finding finding = {.check = ""};

    if (error != NULL)
        return error->text;
    if (report != NULL)
        (void)!ratls_report_first_failure(report, &finding);
    return finding.check;
}

static inline void assert_open(struct connection_pair *pair)
{
    cr_assert(pair_open(pair), "client %s (%s), server %s (%s)",
              ratls_outcome_name(pair->client.last), connection_words(pair->client.connection),
              ratls_outcome_name(pair->server.last), connection_words(pair->server.connection));
    cr_assert(ratls_report_accepted(ratls_connection_report(pair->client.connection)));
    cr_assert_eq(pair->client.accepted, 1);
    cr_assert_eq(pair->client.ended, 0);
    cr_assert_eq(ratls_connection_verdicts(pair->client.connection), 1);
}

static inline void assert_data_goes(struct connection_pair *pair)
{
    pair->client.received.len = pair->server.received.len = 0;
    cr_assert_eq(pair_send(pair, &pair->client, TLS_SECRET), RATLS_DONE);
    cr_assert_eq(pair->server.received.len, strlen(TLS_SECRET));
    cr_assert_arr_eq(pair->server.received.p, TLS_SECRET, strlen(TLS_SECRET));
    cr_assert_eq(pair_send(pair, &pair->server, "welcome"), RATLS_DONE);
    cr_assert_eq(pair->client.received.len, strlen("welcome"));
    cr_assert_arr_eq(pair->client.received.p, "welcome", strlen("welcome"));
}

/*
 * It ended so, for this reason (a check, or words of its error), told the program once, and from
 * now on nothing goes: not by its own calls, not by OpenSSL's.
 */
static inline void assert_ended(struct connection_pair *pair, struct pair_side *side,
                                enum ratls_outcome outcome, const char *why)
{
    const char *actual = connection_words(side->connection);
    uint8_t bytes[64];
    size_t len = 99, sent;

    cr_assert_eq(side->last, outcome, "%s: %s", ratls_outcome_name(side->last), actual);
    cr_assert_not_null(strstr(actual, why), "%s", actual);
    cr_assert_eq(side->ended, 1);
    cr_assert_eq(ratls_connection_lease_ms(side->connection), 0);
    pair_carry(pair);
    sent = side->sent.len;
    cr_assert_eq(ratls_connection_write(side->connection, "x", 1, &len), outcome);
    cr_assert_eq(ratls_connection_read(side->connection, bytes, sizeof bytes, &len), outcome);
    cr_assert_eq(ratls_connection_tick(side->connection), outcome);
    cr_assert_eq(ratls_connection_shutdown(side->connection), outcome);
    cr_assert_eq(len, 99, "written on failure");
    cr_assert_leq(SSL_write(side->ssl, "x", 1), 0);
    cr_assert_leq(SSL_read(side->ssl, bytes, sizeof bytes), 0);
    ERR_clear_error();
    pair_carry(pair);
    cr_assert_eq(side->sent.len, sent, "%zu bytes left", side->sent.len - sent);
    cr_assert_eq(side->ended, 1, "told twice");
}

#endif
