/* Connections whose server verifies its client too: each side has a lease of its own. */
#include <string.h>

#include "connection_assert.h"
#include "mutual_world.h"
#include "plain_peer.h"

#define MAX_AGE_S 60
#define RENEW_S 10
#define MS 1000

static struct mutual_world *world_that_renews(uint64_t of_server_s, uint64_t of_client_s)
{
    struct mutual_world *world = mutual_world_new();

    fake_policy_rules(world->base->policy)->max_age_s = MAX_AGE_S;
    fake_policy_rules(world->base->policy)->renew_s = of_server_s;
    fake_policy_rules(world->policy)->max_age_s = MAX_AGE_S;
    fake_policy_rules(world->policy)->renew_s = of_client_s;
    return world;
}

static struct connection_pair *open_mutual(struct mutual_world *world)
{
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

    assert_open(pair);
    cr_assert_eq(pair->server.accepted, 1);
    cr_assert(ratls_report_accepted(ratls_connection_report(pair->server.connection)));
    cr_assert_eq(world->asked.mode, RATLS_MODE_HANDSHAKE);
    cr_assert_eq(world->asked.role, RATLS_ROLE_CLIENT);
    return pair;
}

Test(connection_mutual, both_leases_are_renewed)
{
    struct mutual_world *world = world_that_renews(RENEW_S, RENEW_S);
    struct connection_pair *pair = open_mutual(world);

    assert_data_goes(pair);
    for (unsigned i = 1; i <= 8; i++) {
        clock_move(RENEW_S * MS);
        pair_settle(pair);
        cr_assert_eq(pair->client.renewed, i, "%s", connection_words(pair->client.connection));
        cr_assert_eq(pair->server.renewed, i, "%s", connection_words(pair->server.connection));
        cr_assert_eq(world->asked.mode, RATLS_MODE_RENEWAL);
        cr_assert_eq(world->asked.role, RATLS_ROLE_CLIENT);
        cr_assert_eq(world->asked.context[7], i);
        cr_assert_eq(world->base->asked.role, RATLS_ROLE_SERVER);
        assert_data_goes(pair);
    }
    pair_free(pair);
    mutual_world_free(world);
}

Test(connection_mutual, client_that_changes_is_refused)
{
    struct mutual_world *world = world_that_renews(0, RENEW_S);
    struct connection_pair *pair = open_mutual(world);

    fake_tpm_pcr(world->tpm, 0x000b, 4)[0] ^= 1;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->server, RATLS_REFUSED, "pcr.value");
    assert_ended(pair, &pair->client, RATLS_FAILED, "refused");
    pair_free(pair);
    mutual_world_free(world);
}

Test(connection_mutual, server_that_changes_is_refused)
{
    struct mutual_world *world = world_that_renews(RENEW_S, RENEW_S);
    struct connection_pair *pair = open_mutual(world);

    world->base->tpm->reset_count++;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_REFUSED, "quote.boot");
    assert_ended(pair, &pair->server, RATLS_FAILED, "refused");
    pair_free(pair);
    mutual_world_free(world);
}

Test(connection_mutual, client_that_is_silent_lapses)
{
    struct mutual_world *world = world_that_renews(0, RENEW_S);
    struct connection_pair *pair = open_mutual(world);

    pair->client.is_cut = true;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    clock_move(MAX_AGE_S * MS);
    pair->server.last = ratls_connection_tick(pair->server.connection);
    assert_ended(pair, &pair->server, RATLS_LAPSED, "in time");
    pair_free(pair);
    mutual_world_free(world);
}

/* Whatever the program of the server does before its verdict: nothing of it leaves. */
Test(connection_mutual, server_that_refuses_has_sent_nothing)
{
    struct mutual_world *world = world_that_renews(RENEW_S, RENEW_S);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    char bytes[64];
    size_t len;

    fake_tpm_pcr(world->tpm, 0x000b, 4)[0] ^= 1;
    do {
        (void)!ratls_connection_handshake(pair->client.connection);
        (void)!ratls_connection_write(pair->server.connection, TLS_SECRET, strlen(TLS_SECRET),
                                      &len);
        (void)!SSL_write(pair->server.ssl, TLS_SECRET, (int)strlen(TLS_SECRET));
        ERR_clear_error();
    } while (pair_carry(pair));
    pair->server.last = ratls_connection_tick(pair->server.connection);
    assert_ended(pair, &pair->server, RATLS_REFUSED, "pcr.value");
    cr_assert_neq(ratls_connection_read(pair->client.connection, bytes, sizeof bytes, &len),
                  RATLS_DONE);
    pair_free(pair);
    mutual_world_free(world);
}

/* Nor does one that only asks, and attests to nobody: it is not framed. */
Test(connection_mutual, server_that_only_asks)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *ctx = tls_plain_server(world->base), *plain = tls_plain_client(world->base);
    struct connection_pair *pair;
    char bytes[8];
    size_t len;

    cr_assert_eq(ratls_tls_verify_clients(ctx, world->policy, NULL), RATLS_OK);
    pair = pair_with_plain(plain, ctx, false, 0);
    settle_with_plain(pair);
    cr_assert_geq(pair->server.last, RATLS_REFUSED);
    cr_assert_eq(pair->server.accepted, 0);
    cr_assert_eq(ratls_connection_write(pair->server.connection, "x", 1, &len), pair->server.last);
    cr_assert_eq(ratls_connection_read(pair->server.connection, bytes, sizeof bytes, &len),
                 pair->server.last);
    cr_assert_eq(pair->client.received.len, 0);
    free_with_plain(pair);
    SSL_CTX_free(ctx);
    SSL_CTX_free(plain);
    mutual_world_free(world);
}
