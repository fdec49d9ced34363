/* What TLS in OpenSSL 3.2 to 3.5 has that it had not in 3.0, with attestation. */
#include "tls_assert.h"

#if OPENSSL_VERSION_PREREQ(3, 5)
static void open_groups(struct tls_pair *pair, const char *of_client, const char *of_server)
{
    cr_assert(SSL_set1_groups_list(pair->client.ssl, of_client), "%s", of_client);
    cr_assert(SSL_set1_groups_list(pair->server.ssl, of_server), "%s", of_server);
}

static void count_hellos(int is_written, int version, int type, const void *message, size_t len,
                         SSL *ssl, void *arg)
{
    const uint8_t *bytes = message;
    unsigned *count = arg;

    (void)version, (void)ssl;
    if (is_written && type == SSL3_RT_HANDSHAKE && len > 0 && bytes[0] == SSL3_MT_CLIENT_HELLO)
        (*count)++;
}

/* ML-KEM: with the request a ClientHello is longer than a packet. */
Test(tls_newer, hybrid_key_shares)
{
    static const char *const groups[] = {"X25519MLKEM768", "SecP256r1MLKEM768",
                                         "SecP384r1MLKEM1024", "MLKEM768"};

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct tls_world *world = tls_world_new();
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        open_groups(pair, groups[i], groups[i]);
        assert_accepted(pair);
        cr_assert_str_eq(SSL_get0_group_name(pair->client.ssl), groups[i]);
        cr_assert_eq(world->attested, 1);
        tls_pair_free(pair);
        tls_world_free(world);
    }
}

Test(tls_newer, hello_retry_request_for_a_longer_key_share)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    unsigned hellos = 0;

    open_groups(pair, "X25519:SecP384r1MLKEM1024", "SecP384r1MLKEM1024");
    SSL_set_msg_callback(pair->client.ssl, count_hellos);
    SSL_set_msg_callback_arg(pair->client.ssl, &hellos);
    assert_accepted(pair);
    cr_assert_eq(hellos, 2);
    cr_assert_eq(world->attested, 1);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* RFC 8879: a server's Certificate message is compressed before anybody asks for evidence. */
Test(tls_newer, certificate_compressed_in_advance)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    if (SSL_CTX_compress_certs(world->server, 0) == 0)
        cr_skip_test("this OpenSSL compresses nothing");
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    assert_accepted(pair);
    cr_assert_eq(world->attested, 1);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* RFC 7250: there is no certificate that the evidence could come with. */
Test(tls_newer, raw_public_key)
{
    static unsigned char types[] = {TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};
    struct tls_world *world = tls_world_new();
    SSL_CTX *plain = tls_plain_client(world);
    SSL_CTX *clients[] = {plain, world->client};

    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        struct tls_pair *pair = tls_pair_new(clients[i], world->server, TLS_NAME);

        cr_assert(SSL_set1_server_cert_type(pair->client.ssl, types, sizeof types) &&
                  SSL_set1_server_cert_type(pair->server.ssl, types, sizeof types));
        cr_assert(SSL_CTX_dane_enable(clients[i]) &&
                  SSL_dane_enable(pair->client.ssl, TLS_NAME) > 0 &&
                  SSL_add_expected_rpk(pair->client.ssl, world->key));
        if (clients[i] == plain) { /* the harness itself */
            cr_assert(tls_pair_handshake(pair), "%s", pair->client.reason_text);
            cr_assert_null(SSL_get0_peer_certificate(pair->client.ssl));
        } else {
            cr_assert_not(tls_pair_handshake(pair));
            cr_assert_eq(pair->client.done, -1);
            cr_assert_str_eq(pair->client.library, "ratls", "%s", pair->client.reason_text);
            assert_nothing_leaves(pair);
        }
        tls_pair_free(pair);
    }
    SSL_CTX_free(plain);
    tls_world_free(world);
}
#else
Test(tls_newer, is_not_there)
{
    cr_skip_test("this OpenSSL is older");
}
#endif
