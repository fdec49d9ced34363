/*
 * How long a verdict on evidence of an epoch holds: it counts from the time stamp, whoever holds
 * the rest of the handshake back.
 */
#include <time.h>

#include "connection_assert.h"
#include "fake_tsa.h"
#include "tls_session.h"

#define MAX_AGE_S 60
#define WITHIN_S 30
#define STAMP_AGE_S 5
#define MS 1000

static struct tls_world *world;
static struct fake_tsa *tsa;
static int64_t stall_ms; /* between the verdict and the end of the handshake */

/* The server is judged with its Certificate message; the last one behind it comes late. */
static void hold_back(int is_written, int version, int type, const void *bytes, size_t len,
                      SSL *ssl, void *arg)
{
    (void)version, (void)ssl, (void)arg;
    if (is_written || type != SSL3_RT_HANDSHAKE || len == 0 ||
        *(const uint8_t *)bytes != SSL3_MT_FINISHED)
        return;
    clock_move(stall_ms);
    stall_ms = 0;
}

static void set_up(void)
{
    world = world_with(MAX_AGE_S, 0);
    tsa = fake_tsa_new(NULL);
    world->tpm->tsa = tsa;
    world->tpm->stamp.time = time(NULL) - STAMP_AGE_S;
    fake_policy_epoch(world->policy, tsa->certificate, WITHIN_S);
    /* With a certificate of its own the client wants the evidence in the handshake: mode 2. */
    cr_assert(SSL_CTX_use_certificate(world->client, world->certificate));
    cr_assert(SSL_CTX_use_PrivateKey(world->client, world->key));
    SSL_CTX_set_msg_callback(world->client, hold_back);
}

static void tear_down(void)
{
    tls_world_free(world);
    fake_tsa_free(tsa);
}

TestSuite(connection_epoch, .init = set_up, .fini = tear_down, .timeout = 60);

Test(connection_epoch, lease_counts_from_the_time_stamp)
{
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

    assert_open(pair);
    cr_assert_leq(ratls_connection_lease_ms(pair->client.connection),
                  (MAX_AGE_S - STAMP_AGE_S) * MS);
    cr_assert_gt(ratls_connection_lease_ms(pair->client.connection),
                 (MAX_AGE_S - 2 * STAMP_AGE_S) * MS);
    pair_free(pair);
}

Test(connection_epoch, lease_of_a_handshake_that_is_held_back)
{
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

    stall_ms = 40 * MS;
    assert_open(pair);
    cr_assert_eq(stall_ms, 0);
    cr_assert_leq(ratls_connection_lease_ms(pair->client.connection),
                  (MAX_AGE_S - STAMP_AGE_S - 40) * MS);
    pair_free(pair);
}

Test(connection_epoch, session_of_a_handshake_that_is_held_back)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);

    assert_resumed(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
    stall_ms = MAX_AGE_S * MS;
    session = first_session(world->client, world->server);
    cr_assert_eq(stall_ms, 0);
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    assert_accepted(pair);
    cr_assert_not(SSL_session_reused(pair->client.ssl), "a verdict older than max-age");
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}
