/* Nothing of the program leaves, and nothing is delivered to it, before the verdict. */
#include <pthread.h>
#include <string.h>

#include "connection_assert.h"

enum manner { LOOKS, WRITES_AT_ONCE, WRITES_BY_OPENSSL, MANNERS };

/* A program that looks at no result. */
static void misuse(struct pair_side *side, enum manner manner)
{
    char bytes[64];
    size_t len;

    if (manner == WRITES_AT_ONCE) {
        (void)!ratls_connection_write(side->connection, TLS_SECRET, strlen(TLS_SECRET), &len);
        (void)!ratls_connection_read(side->connection, bytes, sizeof bytes, &len);
    } else {
        (void)!ratls_connection_handshake(side->connection);
    }
    if (manner == WRITES_BY_OPENSSL) {
        (void)!SSL_write(side->ssl, TLS_SECRET, (int)strlen(TLS_SECRET));
        (void)!SSL_read(side->ssl, bytes, sizeof bytes);
        ERR_clear_error();
    }
}

struct client_thread {
    struct pair_side *side;
    enum manner manner;
    atomic_bool is_done;
};

static void *run_client(void *arg)
{
    struct client_thread *client = arg;

    for (unsigned i = 0; i < 5; i++)
        misuse(client->side, client->manner);
    atomic_store(&client->is_done, true);
    return NULL;
}

static void run_pair(struct connection_pair *pair, enum manner manner)
{
    struct client_thread client = {.side = &pair->client, .manner = manner};
    pthread_t thread;
    size_t len;

    if (pair->transport == PAIR_BLOCKING)
        cr_assert_eq(pthread_create(&thread, NULL, run_client, &client), 0);
    for (bool moves = true; moves;) {
        if (pair->transport != PAIR_BLOCKING)
            misuse(&pair->client, manner);
        if (ratls_connection_handshake(pair->server.connection) == RATLS_DONE)
            (void)!ratls_connection_write(pair->server.connection, "welcome", 7, &len);
        moves = pair_carry(pair) || ratls_connection_attester_fd(pair->server.connection) >= 0;
        if (pair->transport == PAIR_BLOCKING)
            moves = moves || !atomic_load(&client.is_done);
    }
    if (pair->transport == PAIR_BLOCKING)
        cr_assert_eq(pthread_join(thread, NULL), 0);
    pair_carry(pair);
    (void)!ratls_connection_handshake(pair->server.connection); /* what came last */
}

/*
 * The lengths of records are seen on the wire: whoever writes before the verdict sends exactly the
 * bytes of who does not.
 */
static size_t refused_length(struct tls_world *world, enum pair_transport transport,
                             enum manner manner)
{
    struct connection_pair *pair = pair_new(world->client, world->server, transport, NULL, NULL);
    char bytes[64];
    size_t len = 0, sent;

    run_pair(pair, manner);
    cr_assert_eq(ratls_connection_handshake(pair->client.connection), RATLS_REFUSED, "%s",
                 connection_words(pair->client.connection));
    cr_assert_str_eq(connection_words(pair->client.connection), "pcr.value");
    cr_assert_eq(pair->client.ended, 1);
    cr_assert_eq(pair->client.accepted, 0);
    cr_assert_eq(ratls_connection_read(pair->server.connection, bytes, sizeof bytes, &len),
                 RATLS_FAILED);
    cr_assert_eq(len, 0);
    cr_assert_not_null(strstr(connection_words(pair->server.connection), "refused"), "%u %u %s",
                       transport, manner, connection_words(pair->server.connection));
    sent = pair->client.sent.len;
    pair_free(pair);
    return sent;
}

Test(connection_gate, program_that_looks_at_nothing_sends_nothing)
{
    struct tls_world *world = world_with(60, 10);

    fake_tpm_pcr(world->tpm, 0x000b, 3)[0] ^= 1;
    for (enum pair_transport t = 0; t < PAIR_TRANSPORTS; t++) {
        size_t silent = refused_length(world, t, LOOKS);

        for (enum manner manner = WRITES_AT_ONCE; manner < MANNERS; manner++)
            cr_assert_eq(refused_length(world, t, manner), silent, "transport %u, manner %u", t,
                         manner);
    }
    tls_world_free(world);
}

/* The same in mode 2, where the handshake itself fails. */
Test(connection_gate, nothing_leaves_before_a_verdict_in_the_handshake)
{
    struct tls_world *world = world_with(60, 10);

    cr_assert(SSL_CTX_use_certificate(world->client, world->certificate));
    cr_assert(SSL_CTX_use_PrivateKey(world->client, world->key));
    fake_tpm_pcr(world->tpm, 0x000b, 3)[0] ^= 1;
    for (enum pair_transport t = 0; t < PAIR_TRANSPORTS; t++) {
        for (enum manner manner = LOOKS; manner < MANNERS; manner++) {
            struct connection_pair *pair = pair_new(world->client, world->server, t, NULL, NULL);

            run_pair(pair, manner);
            cr_assert_eq(ratls_connection_handshake(pair->client.connection), RATLS_REFUSED);
            cr_assert_str_eq(connection_words(pair->client.connection), "pcr.value");
            cr_assert_eq(pair->server.received.len, 0);
            cr_assert_not_null(ratls_connection_error(pair->server.connection));
            pair_free(pair);
        }
    }
    tls_world_free(world);
}

/* A program's own callback, in the middle of a call of the connection. */
static void write_when_done(const SSL *ssl, int where, int result)
{
    union {
        const SSL *in;
        SSL *out;
    } same = {.in = ssl};

    (void)result;
    if (where & SSL_CB_HANDSHAKE_DONE) {
        (void)!SSL_write(same.out, TLS_SECRET, (int)strlen(TLS_SECRET));
        ERR_clear_error();
    }
}

Test(connection_gate, callback_of_the_program_sends_nothing)
{
    struct tls_world *world = world_with(60, 10);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    char bytes[64];
    size_t len;

    SSL_set_info_callback(pair->client.ssl, write_when_done);
    pair->server.is_cut = true; /* up to where the verdict is missing */
    (void)!ratls_connection_handshake(pair->client.connection);
    pair_carry(pair);
    (void)!ratls_connection_handshake(pair->server.connection);
    pair->server.is_cut = false;
    pair_settle(pair);
    cr_assert_eq(ratls_connection_read(pair->server.connection, bytes, sizeof bytes, &len) ==
                     RATLS_DONE,
                 false, "%.*s", (int)len, bytes);
    pair_free(pair);
    tls_world_free(world);
}

/* Short: OpenSSL would send it with the next record that is as long. */
static void write_at_each_record(int is_write, int version, int type, const void *bytes, size_t len,
                                 SSL *ssl, void *arg)
{
    unsigned *written = arg;

    (void)version, (void)type, (void)bytes, (void)len;
    if (!is_write && SSL_is_init_finished(ssl) && (*written)++ == 0) {
        (void)!SSL_write(ssl, "abc", 3);
        ERR_clear_error();
    }
}

/* Of a refused server, called in the middle of the read that brings its evidence. */
Test(connection_gate, callback_of_each_record_sends_nothing)
{
    struct tls_world *world = world_with(60, 10);
    unsigned written = 0;
    size_t silent;
    struct connection_pair *pair;

    fake_tpm_pcr(world->tpm, 0x000b, 3)[0] ^= 1;
    silent = refused_length(world, PAIR_MEMORY, LOOKS);
    pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    SSL_set_msg_callback(pair->client.ssl, write_at_each_record);
    SSL_set_msg_callback_arg(pair->client.ssl, &written);
    do {
        (void)!ratls_connection_handshake(pair->client.connection);
        (void)!ratls_connection_handshake(pair->server.connection);
    } while (pair_carry(pair) || ratls_connection_attester_fd(pair->server.connection) >= 0);
    cr_assert_geq(written, 1);
    cr_assert_eq(ratls_connection_handshake(pair->client.connection), RATLS_REFUSED, "%s",
                 connection_words(pair->client.connection));
    cr_assert_lt(pair->client.sent.len, silent, "its last frame does not leave either");
    cr_assert_eq(pair->server.received.len, 0);
    pair_free(pair);
    tls_world_free(world);
}

/* OpenSSL's calls move nothing on an open connection either. */
Test(connection_gate, openssl_itself_moves_nothing)
{
    struct tls_world *world = world_with(60, 10);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    size_t sent;

    cr_assert_leq(SSL_connect(pair->client.ssl), 0);
    ERR_clear_error();
    pair_carry(pair);
    cr_assert_eq(pair->client.sent.len, 0);
    SSL_free(SSL_new(world->client));
    pair_free(pair);

    pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    assert_open(pair);
    sent = pair->client.sent.len;
    cr_assert_leq(SSL_write(pair->client.ssl, "x", 1), 0);
    ERR_clear_error();
    pair_carry(pair);
    cr_assert_eq(pair->client.sent.len, sent);
    pair_free(pair);
    tls_world_free(world);
}

/* A program that has kept a reference to the SSL has nothing of the connection with it. */
Test(connection_gate, stays_shut_behind_the_connection)
{
    struct tls_world *world = world_with(60, 10);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    SSL *kept = pair->client.ssl;
    char bytes[64];
    BIO *out;

    assert_open(pair);
    out = pair->client.out;
    cr_assert(SSL_up_ref(kept));
    cr_assert(BIO_up_ref(out));
    pair_free(pair);
    SSL_set_shutdown(kept, 0);
    cr_assert_leq(SSL_write(kept, TLS_SECRET, (int)strlen(TLS_SECRET)), 0);
    cr_assert_leq(SSL_read(kept, bytes, sizeof bytes), 0);
    cr_assert_leq(SSL_shutdown(kept), 0);
    cr_assert_eq(BIO_pending(out), 0);
    cr_assert_eq(ratls_channel_of(kept)->speaks, 0, "nobody takes evidence behind a handshake");
    ERR_clear_error();
    SSL_free(kept);
    BIO_free(out);
    tls_world_free(world);
}
