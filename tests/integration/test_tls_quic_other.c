/*
 * QUIC of another library, which has OpenSSL do the handshake only (SSL_set_quic_tls_cbs(), since
 * 3.5). It gets the secrets and encrypts by itself: nothing that OpenSSL closes would stop it.
 */
#include "mutual_world.h"
#include "tls_assert.h"

#if OPENSSL_VERSION_PREREQ(3, 5)
#include <openssl/core_dispatch.h>

#define CHUNK_MAX 65536
#define CHUNKS_MAX 64
#define ROUNDS_MAX 20

/* What one side sent and the other has not taken yet, as it was sent: one level has one secret. */
struct side {
    SSL *ssl;
    struct side *peer;
    struct {
        uint8_t bytes[CHUNK_MAX];
        size_t len;
    } * chunks;
    size_t first, count;
    size_t taken;      /* of the first */
    unsigned payloads; /* secrets for data that it could send */
    bool done;
    bool failed;
};

static int crypto_send(SSL *ssl, const unsigned char *in, size_t len, size_t *ret_consumed,
                       void *arg)
{
    struct side *side = arg;

    (void)ssl;
    cr_assert(len <= CHUNK_MAX && side->count < CHUNKS_MAX);
    memcpy(side->chunks[side->count].bytes, in, len);
    side->chunks[side->count++].len = len;
    *ret_consumed = len;
    return 1;
}

static int crypto_receive(SSL *ssl, const unsigned char **ret_bytes, size_t *ret_len, void *arg)
{
    struct side *from = ((struct side *)arg)->peer;

    (void)ssl;
    *ret_len = 0;
    if (from->first == from->count)
        return 1;
    *ret_bytes = from->chunks[from->first].bytes + from->taken;
    *ret_len = from->chunks[from->first].len - from->taken;
    return 1;
}

static int crypto_release(SSL *ssl, size_t len, void *arg)
{
    struct side *from = ((struct side *)arg)->peer;

    (void)ssl;
    from->taken += len;
    if (from->taken == from->chunks[from->first].len) {
        from->first++;
        from->taken = 0;
    }
    return 1;
}

static int yield_secret(SSL *ssl, uint32_t level, int direction, const unsigned char *secret,
                        size_t len, void *arg)
{
    struct side *side = arg;

    (void)ssl, (void)secret, (void)len;
    if (level == OSSL_RECORD_PROTECTION_LEVEL_APPLICATION && direction == 1)
        side->payloads++;
    return 1;
}

static int got_parameters(SSL *ssl, const unsigned char *bytes, size_t len, void *arg)
{
    (void)ssl, (void)bytes, (void)len, (void)arg;
    return 1;
}

static int see_alert(SSL *ssl, unsigned char code, void *arg)
{
    (void)ssl, (void)code, (void)arg;
    return 1;
}

static const OSSL_DISPATCH callbacks[] = {
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND, (void (*)(void))crypto_send},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD, (void (*)(void))crypto_receive},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD, (void (*)(void))crypto_release},
    {OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET, (void (*)(void))yield_secret},
    {OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS, (void (*)(void))got_parameters},
    {OSSL_FUNC_SSL_QUIC_TLS_ALERT, (void (*)(void))see_alert},
    {0, NULL}};

static void open_side(struct side *side, SSL_CTX *ctx, bool serves)
{
    static const unsigned char parameters[] = {0x01, 0x02, 0x40, 0x64}; /* max_idle_timeout */

    memset(side, 0, sizeof *side);
    side->chunks = calloc(CHUNKS_MAX, sizeof *side->chunks);
    side->ssl = SSL_new(ctx);
    cr_assert(side->chunks != NULL && side->ssl != NULL);
    if (serves)
        SSL_set_accept_state(side->ssl);
    else
        SSL_set_connect_state(side->ssl);
    cr_assert(SSL_set_quic_tls_cbs(side->ssl, callbacks, side));
    cr_assert(SSL_set_quic_tls_transport_params(side->ssl, parameters, sizeof parameters));
    if (!serves)
        cr_assert(SSL_set1_host(side->ssl, TLS_NAME) &&
                  SSL_set_tlsext_host_name(side->ssl, TLS_NAME));
}

static void move(struct side *side)
{
    int result;

    if (side->done || side->failed)
        return;
    result = SSL_do_handshake(side->ssl);
    side->done = result == 1;
    side->failed = result != 1 && SSL_get_error(side->ssl, result) == SSL_ERROR_SSL;
    ERR_clear_error();
}

static void close_side(struct side *side)
{
    SSL_free(side->ssl);
    free(side->chunks);
}

static void handshake(struct side *client, struct side *server, SSL_CTX *of_client,
                      SSL_CTX *of_server)
{
    open_side(client, of_client, false);
    open_side(server, of_server, true);
    client->peer = server;
    server->peer = client;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        move(client);
        move(server);
    }
}

/* The harness itself. */
Test(tls_quic_other, works_without_us)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *of_client = tls_plain_client(world->base);
    SSL_CTX *of_server = tls_plain_server(world->base);
    struct side client, server;

    handshake(&client, &server, of_client, of_server);
    cr_assert(client.done && server.done);
    cr_assert(client.payloads == 1 && server.payloads == 1);
    close_side(&client);
    close_side(&server);
    SSL_CTX_free(of_client);
    SSL_CTX_free(of_server);
    mutual_world_free(world);
}

Test(tls_quic_other, client_is_refused)
{
    struct mutual_world *world = mutual_world_new();
    struct side client, server;
    const struct ratls_error *seen;

    handshake(&client, &server, world->base->client, world->base->server);
    cr_assert(client.failed);
    seen = ratls_tls_error(client.ssl);
    cr_assert_not_null(seen);
    cr_assert_str_eq(seen->text, "attestation needs TLS 1.3; the program uses QUIC");
    cr_assert_eq(client.count, 0, "something left the client");
    cr_assert_eq(client.payloads, 0);
    close_side(&client);
    close_side(&server);
    mutual_world_free(world);
}

/* Before it could send, at 0.5-RTT, what no client has shown evidence for. */
Test(tls_quic_other, server_that_demands_does_not_serve)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *of_client = mutual_plain_client(world);
    struct side client, server;
    const struct ratls_error *seen;

    SSL_CTX_free(of_client);
    of_client = tls_plain_client(world->base);
    handshake(&client, &server, of_client, world->server);
    cr_assert(server.failed);
    seen = ratls_tls_error(server.ssl);
    cr_assert_not_null(seen);
    cr_assert_str_eq(seen->text, "attestation needs TLS 1.3; the program uses QUIC");
    cr_assert_eq(server.payloads, 0);
    cr_assert_not(client.done);
    close_side(&client);
    close_side(&server);
    SSL_CTX_free(of_client);
    mutual_world_free(world);
}
#else
Test(tls_quic_other, is_not_there)
{
    cr_skip_test("this OpenSSL has no SSL_set_quic_tls_cbs()");
}
#endif
