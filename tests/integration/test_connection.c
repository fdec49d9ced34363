/* Connections: what the sides agree on in the handshake, and with whom. */
#include <string.h>

#include "connection_assert.h"
#include "plain_peer.h"
#include "tls_internal.h"

Test(connection, evidence_comes_behind_the_handshake)
{
    struct tls_world *world = world_with(60, 10);

    for (enum pair_transport t = PAIR_MEMORY; t <= PAIR_NONBLOCKING; t++) {
        struct connection_pair *pair = pair_new(world->client, world->server, t, NULL, NULL);

        assert_open(pair);
        cr_assert_eq(ratls_channel_of(pair->client.ssl)->agreed,
                     RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER);
        cr_assert_eq(world->asked.mode, RATLS_MODE_EXPORTER);
        cr_assert_eq(world->attested, t + 1);
        assert_data_goes(pair);
        cr_assert_eq(ratls_connection_ssl(pair->client.connection), pair->client.ssl);
        pair_free(pair);
    }
    tls_world_free(world);
}

/* Its certificate would leave before the verdict: the evidence comes in the handshake. */
Test(connection, client_with_a_certificate_is_not_shown_to_who_has_not_attested)
{
    static const struct {
        bool needs_exporter;
        unsigned agreed;
        enum ratls_mode mode;
    } rows[] = {
        {false, RATLS_OFFER_FRAMES, RATLS_MODE_HANDSHAKE},
        {true, RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER, RATLS_MODE_EXPORTER},
    };
    struct tls_world *world = world_with(60, 10);

    cr_assert(SSL_CTX_use_certificate(world->client, world->certificate));
    cr_assert(SSL_CTX_use_PrivateKey(world->client, world->key));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct connection_pair *pair;

        fake_policy_rules(world->policy)->needs_exporter = rows[i].needs_exporter;
        pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
        assert_open(pair);
        cr_assert_eq(ratls_channel_of(pair->client.ssl)->agreed, rows[i].agreed, "row %zu", i);
        cr_assert_eq(world->asked.mode, rows[i].mode);
        assert_data_goes(pair);
        pair_free(pair);
    }
    tls_world_free(world);
}

Test(connection, server_without_connections_attests_in_the_handshake)
{
    struct tls_world *world = world_with(30, 0);
    struct connection_pair *pair = pair_with_plain(world->client, world->server, true, 0);
    size_t len;

    settle_with_plain(pair);
    cr_assert_eq(pair->client.last, RATLS_DONE, "%s", connection_words(pair->client.connection));
    cr_assert_eq(ratls_channel_of(pair->client.ssl)->agreed, 0);
    cr_assert_eq(world->asked.mode, RATLS_MODE_HANDSHAKE);
    cr_assert_eq(world->asked.offers, RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER);
    cr_assert_eq(ratls_connection_write(pair->client.connection, "plain", 5, &len), RATLS_DONE);
    settle_with_plain(pair);
    cr_assert_eq(pair->server.received.len, 5);
    cr_assert_arr_eq(pair->server.received.p, "plain", 5);

    /* Its lease cannot be renewed: it ends. */
    clock_move(29000);
    cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE);
    cr_assert_leq(ratls_connection_timeout_ms(pair->client.connection), 1000);
    clock_move(1000);
    pair->client.last = ratls_connection_tick(pair->client.connection);
    assert_ended(pair, &pair->client, RATLS_LAPSED, "max-age");
    free_with_plain(pair);
    tls_world_free(world);
}

/* There an SSL forgets what it accepted: but not before its connection, which begins with that. */
Test(connection, of_a_context_of_the_provider)
{
    struct tls_world *world = world_with(30, 0);
    struct connection_pair *pair;

    ratls_tls_of_context(world->client)->brief = true;
    pair = pair_with_plain(world->client, world->server, true, 0);
    settle_with_plain(pair);
    cr_assert_eq(pair->client.last, RATLS_DONE, "%s", connection_words(pair->client.connection));
    cr_assert(ratls_report_accepted(ratls_channel_of(pair->client.ssl)->report));
    free_with_plain(pair);
    tls_world_free(world);
}

Test(connection, policy_that_renews_refuses_a_server_that_cannot)
{
    struct tls_world *world = world_with(30, 10);
    struct connection_pair *pair = pair_with_plain(world->client, world->server, true, 0);

    settle_with_plain(pair);
    assert_ended(pair, &pair->client, RATLS_FAILED, "does not renew");
    cr_assert_eq(pair->client.accepted, 0);
    free_with_plain(pair);
    tls_world_free(world);
}

Test(connection, client_without_connections_is_served_as_ever)
{
    struct tls_world *world = world_with(30, 10);
    struct connection_pair *pair = pair_with_plain(world->client, world->server, false, 0);
    size_t len;

    settle_with_plain(pair);
    cr_assert_eq(pair->server.last, RATLS_DONE, "%s", connection_words(pair->server.connection));
    cr_assert_eq(world->asked.mode, RATLS_MODE_HANDSHAKE);
    cr_assert(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    cr_assert_eq(ratls_connection_write(pair->server.connection, "plain", 5, &len), RATLS_DONE);
    settle_with_plain(pair);
    cr_assert_eq(pair->client.received.len, 5);
    cr_assert_arr_eq(pair->client.received.p, "plain", 5);
    free_with_plain(pair);
    tls_world_free(world);
}

Test(connection, is_made_of_an_ssl_that_is_for_it)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *plain = tls_plain_client(world);
    struct ratls_connection *connection = NULL;
    struct ratls_error error = {0};
    SSL *ssl = SSL_new(world->client);

    cr_assert_eq(ratls_connection_new(ssl, NULL, &connection, &error), RATLS_USAGE, "no BIO");
    SSL_free(ssl);
    ssl = SSL_new(plain);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    error = (struct ratls_error){0};
    cr_assert_eq(ratls_connection_new(ssl, NULL, &connection, &error), RATLS_USAGE);
    cr_assert_not_null(strstr(error.text, "neither attests"), "%s", error.text);
    cr_assert_null(connection);
    ratls_connection_free(NULL);
    SSL_free(ssl);
    SSL_CTX_free(plain);
    tls_world_free(world);
}

Test(connection, ends_in_order)
{
    struct tls_world *world = world_with(60, 10);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    char bytes[8];
    size_t len;

    assert_open(pair);
    cr_assert_eq(ratls_connection_shutdown(pair->server.connection), RATLS_DONE);
    pair_settle(pair);
    cr_assert_eq(ratls_connection_read(pair->client.connection, bytes, sizeof bytes, &len),
                 RATLS_CLOSED);
    cr_assert_eq(ratls_connection_write(pair->client.connection, "bye", 3, &len), RATLS_DONE);
    pair_carry(pair);
    cr_assert_eq(ratls_connection_read(pair->server.connection, bytes, sizeof bytes, &len),
                 RATLS_DONE);
    cr_assert_eq(len, 3);
    cr_assert_eq(ratls_connection_write(pair->server.connection, "no", 2, &len), RATLS_FAILED);
    cr_assert_eq(ratls_connection_shutdown(pair->client.connection), RATLS_DONE);
    cr_assert_eq(pair->client.ended, 0);
    clock_move(30 * 1000); /* nobody can be asked any more: what is due is only the end */
    cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE);
    cr_assert_gt(ratls_connection_timeout_ms(pair->client.connection), 1000);
    pair_free(pair);
    tls_world_free(world);
}
