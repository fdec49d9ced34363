/* OpenSSL's own QUIC (since 3.2): not attested, and refused at once where that is required. */
#include "mutual_world.h"
#include "tls_assert.h"

#if OPENSSL_VERSION_PREREQ(3, 2)
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/quic.h>

static SSL *new_quic_client(SSL_CTX *ctx)
{
    static const unsigned char protocols[] = {4, 't', 'e', 's', 't'};
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    BIO_ADDR *peer = BIO_ADDR_new();
    BIO *wire, *other;
    SSL *ssl = SSL_new(ctx);

    cr_assert(ssl != NULL && BIO_new_bio_dgram_pair(&wire, 0, &other, 0) == 1);
    SSL_set_bio(ssl, wire, wire);
    SSL_set_app_data(ssl, other);
    cr_assert(BIO_ADDR_rawmake(peer, AF_INET, &loopback, sizeof loopback, htons(443)));
    cr_assert(SSL_set1_initial_peer_addr(ssl, peer) && SSL_set_blocking_mode(ssl, 0));
    cr_assert_eq(SSL_set_alpn_protos(ssl, protocols, sizeof protocols), 0);
    cr_assert(SSL_set1_host(ssl, TLS_NAME) && SSL_set_tlsext_host_name(ssl, TLS_NAME));
    BIO_ADDR_free(peer);
    return ssl;
}

Test(tls_quic, client_is_refused, .timeout = 60)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *ctx = SSL_CTX_new(OSSL_QUIC_client_method());
    struct ratls_error error = {0};
    const struct ratls_error *seen;
    SSL *ssl;

    cr_assert_eq(ratls_tls_verify(ctx, world->policy, &error), RATLS_OK, "%s", error.text);
    ssl = new_quic_client(ctx);
    cr_assert_leq(SSL_connect(ssl), 0);
    seen = ratls_tls_error(ssl);
    cr_assert_not_null(seen);
    cr_assert_str_eq(seen->text, "attestation needs TLS 1.3; the program uses QUIC");
    cr_assert_leq(SSL_write(ssl, TLS_SECRET, strlen(TLS_SECRET)), 0);
    ERR_clear_error();
    BIO_free(SSL_get_app_data(ssl));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tls_world_free(world);
}

#if OPENSSL_VERSION_PREREQ(3, 5)
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 10
#define ROUNDS_MAX 1000
#define PSK_LEN 32

static SSL_SESSION *make_psk(void)
{
    static const unsigned char key[PSK_LEN] = {1, 2, 3};
    static const unsigned char suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ctx);
    SSL_SESSION *session = SSL_SESSION_new();

    cr_assert(SSL_SESSION_set1_master_key(session, key, sizeof key) &&
              SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, suite)) &&
              SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return session;
}

static int use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *ret_len,
                   SSL_SESSION **ret_session)
{
    (void)ssl, (void)md;
    *id = (const unsigned char *)"psk";
    *ret_len = 3;
    *ret_session = make_psk();
    return 1;
}

static int find_psk(SSL *ssl, const unsigned char *id, size_t len, SSL_SESSION **ret_session)
{
    (void)ssl, (void)id, (void)len;
    *ret_session = make_psk();
    return 1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *ret_len,
                           const unsigned char *in, unsigned len, void *arg)
{
    (void)ssl, (void)len, (void)arg;
    *out = in + 1;
    *ret_len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static int open_socket(struct sockaddr_in *ret_address)
{
    socklen_t len = sizeof *ret_address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *ret_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)ret_address, len) == 0 &&
              getsockname(fd, (struct sockaddr *)ret_address, &len) == 0);
    return fd;
}

struct quic_world {
    struct mutual_world *mutual;
    SSL_CTX *of_client, *of_server;
    SSL *client, *listener, *server;
    int client_fd, server_fd;
};

/* Both have the same PSK. */
static void open_world(struct quic_world *world)
{
    static const unsigned char protocols[] = {4, 't', 'e', 's', 't'};
    struct sockaddr_in own, address;
    BIO_ADDR *peer = BIO_ADDR_new();

    world->mutual = mutual_world_new();
    world->server = NULL;
    world->of_client = SSL_CTX_new(OSSL_QUIC_client_method());
    world->of_server = SSL_CTX_new(OSSL_QUIC_server_method());
    cr_assert(SSL_CTX_set_ciphersuites(world->of_client, "TLS_AES_128_GCM_SHA256"));
    SSL_CTX_set_psk_use_session_callback(world->of_client, use_psk);
    SSL_CTX_set_psk_find_session_callback(world->of_server, find_psk);
    SSL_CTX_set_alpn_select_cb(world->of_server, choose_protocol, NULL);
    world->server_fd = open_socket(&address);
    world->client_fd = open_socket(&own);
    cr_assert(BIO_ADDR_rawmake(peer, AF_INET, &address.sin_addr, sizeof address.sin_addr,
                               address.sin_port));
    world->client = SSL_new(world->of_client);
    cr_assert(SSL_set_fd(world->client, world->client_fd) &&
              SSL_set_blocking_mode(world->client, 0) &&
              SSL_set1_initial_peer_addr(world->client, peer));
    cr_assert_eq(SSL_set_alpn_protos(world->client, protocols, sizeof protocols), 0);
    BIO_ADDR_free(peer);
}

static void close_world(struct quic_world *world)
{
    ERR_clear_error();
    SSL_free(world->client);
    SSL_free(world->server);
    SSL_free(world->listener);
    SSL_CTX_free(world->of_client);
    SSL_CTX_free(world->of_server);
    close(world->client_fd);
    close(world->server_fd);
    mutual_world_free(world->mutual);
}

/* The handshake succeeds for the client (true), or one of the two ends it. */
static bool connect_quic(struct quic_world *world)
{
    struct pollfd polled[] = {{world->client_fd, POLLIN, 0}, {world->server_fd, POLLIN, 0}};
    SSL_CONN_CLOSE_INFO info;

    world->listener = SSL_new_listener(world->of_server, 0);
    cr_assert(world->listener != NULL && SSL_set_fd(world->listener, world->server_fd) &&
              SSL_set_blocking_mode(world->listener, 0) && SSL_listen(world->listener));
    for (int i = 0; i < ROUNDS_MAX; i++) {
        int result = SSL_connect(world->client);

        if (result == 1 || SSL_get_error(world->client, result) == SSL_ERROR_SSL)
            return result == 1;
        SSL_handle_events(world->listener);
        if (world->server == NULL)
            world->server = SSL_accept_connection(world->listener, SSL_ACCEPT_CONNECTION_NO_BLOCK);
        ERR_clear_error();
        if (world->server != NULL && SSL_get_conn_close_info(world->server, &info, sizeof info))
            return false;
        poll(polled, 2, WAIT_MS);
    }
    cr_expect_fail("the handshake does not end");
    return false;
}

/* The harness itself: a PSK, and no certificate. */
Test(tls_quic, server_works_without_us, .timeout = 60)
{
    struct quic_world world;

    open_world(&world);
    cr_assert(connect_quic(&world), "%s", ERR_reason_error_string(ERR_peek_error()));
    close_world(&world);
}

/* OpenSSL says nothing if the whole ClientHello came in one datagram; this one is longer. */
static bool is_client_told(struct quic_world *world)
{
    SSL_CONN_CLOSE_INFO info;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        SSL_handle_events(world->server);
        SSL_handle_events(world->client);
        ERR_clear_error();
        if (SSL_get_conn_close_info(world->client, &info, sizeof info))
            return true;
        poll(NULL, 0, WAIT_MS);
    }
    return false;
}

Test(tls_quic, server_that_demands_does_not_serve, .timeout = 60)
{
    struct ratls_error error = {0};
    const struct ratls_error *seen;
    struct quic_world world;

    open_world(&world);
    cr_assert_eq(ratls_tls_verify_clients(world.of_server, world.mutual->policy, &error), RATLS_OK,
                 "%s", error.text);
    cr_assert_not(connect_quic(&world));
    cr_assert_not_null(world.server);
    seen = ratls_tls_error(world.server);
    cr_assert_not_null(seen);
    cr_assert_str_eq(seen->text, "attestation needs TLS 1.3; the program uses QUIC");
    cr_assert_leq(SSL_write(world.server, TLS_SECRET, strlen(TLS_SECRET)), 0);
    cr_assert(is_client_told(&world));
    close_world(&world);
}
#endif
#else
Test(tls_quic, client_is_refused)
{
    cr_skip_test("this OpenSSL has no QUIC");
}
#endif
