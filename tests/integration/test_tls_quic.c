/* OpenSSL's own QUIC (since 3.2): not attested, and refused at once where that is required. */
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
#else
Test(tls_quic, client_is_refused)
{
    cr_skip_test("this OpenSSL has no QUIC");
}
#endif
