/* Every split of the byte stream: where records and frames begin is nobody's business. */
#include <string.h>

#include "connection_assert.h"

#define RENEW_S 10
#define MS 1000

/* Of the server's bytes that wait, so many are carried, and later the others. */
static void carry_split(struct connection_pair *pair, size_t len)
{
    pair_settle(pair);
    if (pair->server.held.len != 0 && len != 0) {
        size_t first = len < pair->server.held.len ? len : pair->server.held.len;

        cr_assert_eq(BIO_write(pair->client.in, pair->server.held.p, (int)first), (int)first);
        memmove(pair->server.held.p, pair->server.held.p + first, pair->server.held.len - first);
        pair->server.held.len -= first;
    }
    pair_settle(pair);
    pair->server.is_cut = false;
    pair_settle(pair);
}

/* The server's flight, with the first evidence in it. */
Test(connection_split, of_the_first_flight)
{
    struct tls_world *world = world_with(60, RENEW_S);

    for (size_t len = 1; len < 2600; len += 13) {
        struct connection_pair *pair =
            pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

        pair->server.is_cut = true;
        carry_split(pair, len);
        cr_assert_eq(pair->client.last, RATLS_DONE, "at %zu: %s", len,
                     connection_words(pair->client.connection));
        cr_assert_eq(pair->client.accepted, 1);
        pair_free(pair);
    }
    tls_world_free(world);
}

Test(connection_split, of_a_renewal)
{
    struct tls_world *world = world_with(60, RENEW_S);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    size_t most = 0;

    assert_open(pair);
    for (size_t len = 1; len <= most + 1; len++) {
        size_t before = pair->server.sent.len;

        pair->server.is_cut = true;
        clock_move(RENEW_S * MS);
        carry_split(pair, len);
        cr_assert_eq(pair->client.last, RATLS_DONE, "at %zu: %s", len,
                     connection_words(pair->client.connection));
        cr_assert_eq(pair->client.renewed, len, "at %zu", len);
        most = pair->server.sent.len - before;
    }
    cr_assert_gt(most, 400);
    pair_free(pair);
    tls_world_free(world);
}

/* Byte by byte, both ways, and data in both directions among renewals. */
Test(connection_split, byte_by_byte)
{
    struct tls_world *world = world_with(60, RENEW_S);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

    pair->client.chunk = pair->server.chunk = 1;
    assert_open(pair);
    for (unsigned i = 1; i <= 3; i++) {
        clock_move(RENEW_S * MS);
        assert_data_goes(pair);
        pair_settle(pair);
        cr_assert_eq(pair->client.renewed, i);
    }
    pair_free(pair);
    tls_world_free(world);
}

/* Frames that the sender put into records of any length. */
Test(connection_split, more_data_than_a_frame)
{
    static char many[100000];
    struct tls_world *world = world_with(60, RENEW_S);

    for (enum pair_transport t = PAIR_MEMORY; t <= PAIR_NONBLOCKING; t++) {
        struct connection_pair *pair = pair_new(world->client, world->server, t, NULL, NULL);

        for (size_t i = 0; i < sizeof many - 1; i++)
            many[i] = (char)('a' + i % 23);
        assert_open(pair);
        cr_assert_eq(pair_send(pair, &pair->client, many), RATLS_DONE);
        cr_assert_eq(pair->server.received.len, sizeof many - 1);
        cr_assert_arr_eq(pair->server.received.p, many, sizeof many - 1);
        pair_free(pair);
    }
    tls_world_free(world);
}
