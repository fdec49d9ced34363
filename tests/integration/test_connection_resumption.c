/* A connection on a session that is resumed: its lease is what is left of the first one's. */
#include "connection_assert.h"
#include "connection_state.h"
#include "plain_peer.h"
#include "session_record.h"
#include "tls_session.h"

/* Opens one that offers the session, NULL: none, and returns what it keeps. */
static struct connection_pair *open_plain(struct tls_world *world, SSL_SESSION *offered)
{
    struct connection_pair *pair = pair_with_plain(world->client, world->server, true, 0);

    cr_assert(offered == NULL || SSL_set_session(pair->client.ssl, offered));
    settle_with_plain(pair);
    cr_assert_eq(pair->client.last, RATLS_DONE, "%s", connection_words(pair->client.connection));
    cr_assert_eq(SSL_session_reused(pair->client.ssl), offered != NULL);
    cr_assert_eq(pair->client.accepted, 1);
    return pair;
}

static SSL_SESSION *take_session(struct connection_pair *pair)
{
    SSL_SESSION *session;
    uint8_t bytes[8];
    size_t len;

    (void)!ratls_connection_read(pair->client.connection, bytes, sizeof bytes, &len);
    session = SSL_get1_session(pair->client.ssl);
    cr_assert(SSL_SESSION_is_resumable(session), "no ticket came: this tests nothing");
    free_with_plain(pair);
    return session;
}

Test(connection_resumption, lease_goes_on)
{
    struct tls_world *world = world_with(30, 0);
    SSL_SESSION *session = take_session(open_plain(world, NULL));
    struct connection_pair *pair;

    clock_move(20000);
    pair = open_plain(world, session);
    cr_assert_eq(world->attested, 1);
    cr_expect_leq(ratls_connection_lease_ms(pair->client.connection), 10000);
    cr_expect_gt(ratls_connection_lease_ms(pair->client.connection), 8000);
    clock_move(10000);
    pair->client.last = ratls_connection_tick(pair->client.connection);
    assert_ended(pair, &pair->client, RATLS_LAPSED, "max-age");
    free_with_plain(pair);
    SSL_SESSION_free(session);
    tls_world_free(world);
}

/* Where both sides are connections evidence comes on the resumed session as on any other. */
Test(connection_resumption, evidence_behind_the_handshake)
{
    struct tls_world *world = world_with(60, 10);
    struct connection_pair *first = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    struct connection_pair *second;
    SSL_SESSION *session;

    assert_open(first);
    assert_data_goes(first);
    session = SSL_get1_session(first->client.ssl);
    cr_assert(SSL_SESSION_is_resumable(session), "no ticket came: this tests nothing");
    second = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    cr_assert(SSL_set_session(second->client.ssl, session));
    assert_open(second);
    cr_assert(SSL_session_reused(second->client.ssl), "not resumed: this tests nothing");
    cr_assert_eq(world->attested, 2);
    assert_data_goes(second);
    SSL_SESSION_free(session);
    pair_free(first);
    pair_free(second);
    tls_world_free(world);
}

/* A server that sends its ticket before its evidence: the session is the program's by then. */
Test(connection_resumption, ticket_before_the_evidence)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    SSL_SESSION *session;

    assert_accepted(pair);
    session = keep_session(pair);
    cr_assert_null(ratls_session_record_of(session));
    fake_policy_rules(world->policy)->max_age_s = 60;
    ratls_session_record_keep(pair->client.ssl, ratls_channel_of(pair->client.ssl),
                              ratls_tls_report(pair->client.ssl));
    cr_assert_null(ratls_session_record_of(session));
    SSL_SESSION_free(session);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* Nobody knows how old the verdict is then: it is as one that is too old. */
Test(connection_resumption, clock_that_went_back)
{
    struct tls_world *world = world_with(30, 0);
    SSL_SESSION *session = take_session(open_plain(world, NULL));
    struct connection_pair *pair = open_plain(world, session);

    cr_assert_gt(ratls_connection_lease_ms(pair->client.connection), 0);
    ratls_channel_of(pair->client.ssl)->asked_at.wall_ms += 3600000;
    cr_assert_eq(ratls_lease_begin(pair->client.connection), RATLS_DONE);
    pair->client.last = ratls_connection_tick(pair->client.connection);
    assert_ended(pair, &pair->client, RATLS_LAPSED, "max-age");
    free_with_plain(pair);
    SSL_SESSION_free(session);
    tls_world_free(world);
}
