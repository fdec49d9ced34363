/* Attested handshakes that succeed, in every way that a program may ask for one. */
#include <criterion/criterion.h>
#include <string.h>

#include "pki.h"
#include "request.h"
#include "tls_internal.h"
#include "tls_assert.h"

static void connect_and_accept(struct tls_world *world)
{
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

    assert_accepted(pair);
    tls_pair_free(pair);
}

Test(tls, suites)
{
    static const struct {
        const char *name;
        uint16_t id;
    } rows[] = {{"TLS_AES_128_GCM_SHA256", 0x1301},
                {"TLS_AES_256_GCM_SHA384", 0x1302},
                {"TLS_CHACHA20_POLY1305_SHA256", 0x1303}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_world *world = tls_world_new();

        cr_assert(SSL_CTX_set_ciphersuites(world->client, rows[i].name));
        connect_and_accept(world);
        cr_assert_eq(world->asked.cipher_suite, rows[i].id, "%s", rows[i].name);
        cr_assert_eq(world->asked.tls_version, TLS1_3_VERSION);
        cr_assert_eq(world->attested, 1);
        tls_world_free(world);
    }
}

Test(tls, groups)
{
    static const struct {
        const char *name;
        int nid;
    } rows[] = {{"X25519", NID_X25519}, {"P-256", NID_X9_62_prime256v1}, {"P-384", NID_secp384r1}};
    struct tls_world *world = tls_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        cr_assert(SSL_set1_groups_list(pair->client.ssl, rows[i].name));
        assert_accepted(pair);
        cr_assert_eq(SSL_get_negotiated_group(pair->client.ssl), rows[i].nid, "%s", rows[i].name);
        tls_pair_free(pair);
    }
    tls_world_free(world);
}

Test(tls, server_keys)
{
    static const enum pki_algorithm rows[] = {PKI_P256, PKI_P384, PKI_RSA2048, PKI_RSA3072};
    struct tls_world *world = tls_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EVP_PKEY *key = pki_key(rows[i]);
        X509 *certificate = pki_server_certificate(key, "DNS:" TLS_NAME, world->ca, world->ca_key);
        SSL_CTX *server = SSL_CTX_new(TLS_server_method());
        struct ratls_error error = {0};
        struct tls_pair *pair;

        cr_assert(SSL_CTX_use_certificate(server, certificate) &&
                  SSL_CTX_use_PrivateKey(server, key));
        cr_assert_eq(ratls_tls_attest(server, world->attester, &error), RATLS_OK);
        pair = tls_pair_new(world->client, server, TLS_NAME);
        assert_accepted(pair);
        cr_assert_eq(X509_cmp(SSL_get0_peer_certificate(pair->client.ssl), certificate), 0);
        tls_pair_free(pair);
        SSL_CTX_free(server);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    tls_world_free(world);
}

/* Both key types in one context: the evidence must be over the one that the client negotiates. */
Test(tls, server_with_two_keys)
{
    struct tls_world *world = tls_world_new();
    EVP_PKEY *key = pki_key(PKI_RSA2048);
    X509 *certificate = pki_server_certificate(key, "DNS:" TLS_NAME, world->ca, world->ca_key);
    static const char *const rows[] = {"rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"};

    cr_assert(SSL_CTX_use_certificate(world->server, certificate) &&
              SSL_CTX_use_PrivateKey(world->server, key));
    for (size_t i = 0; i < 2; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        cr_assert(SSL_set1_sigalgs_list(pair->client.ssl, rows[i]));
        assert_accepted(pair);
        tls_pair_free(pair);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    tls_world_free(world);
}

struct hellos {
    size_t count;
    struct ratls_request requests[2];
};

static void see_hello(int write, int version, int type, const void *p, size_t len, SSL *ssl,
                      void *arg)
{
    struct hellos *hellos = arg;

    (void)version, (void)ssl;
    if (!write || type != SSL3_RT_HANDSHAKE || *(const uint8_t *)p != SSL3_MT_CLIENT_HELLO)
        return;
    cr_assert_lt(hellos->count, 2);
    cr_assert_eq(ratls_request_read(tls_hello_extension(ratls_slice(p, len), TLS_EXTENSION),
                                    &hellos->requests[hellos->count++]),
                 RATLS_REQUEST_OK);
}

Test(tls, hello_retry_request)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct hellos hellos = {0};

    cr_assert(SSL_set1_groups_list(pair->client.ssl, "X25519:P-384"));
    cr_assert(SSL_set1_groups_list(pair->server.ssl, "P-384"));
    SSL_set_msg_callback(pair->client.ssl, see_hello);
    SSL_set_msg_callback_arg(pair->client.ssl, &hellos);
    assert_accepted(pair);
    cr_assert_eq(hellos.count, 2);
    cr_assert_arr_eq(hellos.requests[0].nonce, hellos.requests[1].nonce, RATLS_NONCE_LEN);
    cr_assert_arr_eq(world->asked.nonce, hellos.requests[0].nonce, RATLS_NONCE_LEN);
    cr_assert_eq(world->attested, 1);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* Tickets are sent and offered, but every connection is a full handshake with evidence of its own.
 */
Test(tls, no_resumption_with_tickets)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *first = tls_pair_new(world->client, world->server, TLS_NAME);
    struct tls_pair *second;
    uint8_t nonce[RATLS_NONCE_LEN];
    SSL_SESSION *session;

    assert_accepted(first);
    memcpy(nonce, world->asked.nonce, sizeof nonce);
    session = SSL_get1_session(first->client.ssl);
    cr_assert(SSL_SESSION_is_resumable(session), "no ticket came: this tests nothing");
    second = tls_pair_new(world->client, world->server, TLS_NAME);
    cr_assert(SSL_set_session(second->client.ssl, session));
    assert_accepted(second);
    cr_assert_eq(SSL_session_reused(second->client.ssl), 0);
    cr_assert_eq(world->attested, 2);
    cr_assert_neq(memcmp(nonce, world->asked.nonce, sizeof nonce), 0);
    SSL_SESSION_free(session);
    tls_pair_free(first);
    tls_pair_free(second);
    tls_world_free(world);
}

Test(tls, interleaved)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pairs[8];
    bool moved = true;

    for (size_t i = 0; i < 8; i++) {
        pairs[i] = tls_pair_new(world->client, world->server, TLS_NAME);
        if (i % 2 != 0)
            SSL_set1_groups_list(pairs[i]->server.ssl, "P-384"); /* a round trip more */
    }
    while (moved) {
        moved = false;
        for (size_t i = 0; i < 8; i++)
            moved |= tls_pair_step(pairs[i]);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_accepted(pairs[i]);
        tls_pair_free(pairs[i]);
    }
    cr_assert_eq(world->attested, 8);
    tls_world_free(world);
}

static unsigned keylog_lines;
static unsigned keylog_secrets;

static void count_lines(const SSL *ssl, const char *line)
{
    (void)ssl;
    keylog_lines++;
    keylog_secrets += strncmp(line, "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32) == 0;
}

/* TLS 1.3 has five lines: four traffic secrets and the exporter's. */
static void assert_lines(struct tls_world *world, unsigned sides)
{
    keylog_lines = keylog_secrets = 0;
    connect_and_accept(world);
    cr_assert_eq(keylog_lines, 5 * sides, "%u lines", keylog_lines);
    cr_assert_eq(keylog_secrets, sides);
}

Test(tls, keylog_of_the_program)
{
    struct tls_world *world = tls_world_new();
    struct ratls_error error = {0};

    SSL_CTX_set_keylog_callback(world->client, count_lines); /* after ratls_tls_verify() */
    SSL_CTX_set_keylog_callback(world->server, count_lines);
    assert_lines(world, 2);
    assert_lines(world, 2);
    SSL_CTX_set_keylog_callback(world->server, NULL);
    assert_lines(world, 1);
    SSL_CTX_free(world->client);
    world->client = tls_plain_client(world);
    SSL_CTX_set_keylog_callback(world->client, count_lines); /* before it */
    cr_assert_eq(ratls_tls_verify(world->client, world->policy, &error), RATLS_OK);
    assert_lines(world, 1);
    tls_world_free(world);
}

Test(tls, clear_and_connect_again)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    uint8_t nonce[RATLS_NONCE_LEN];

    assert_accepted(pair);
    memcpy(nonce, world->asked.nonce, sizeof nonce);
    cr_assert(SSL_clear(pair->client.ssl) && SSL_clear(pair->server.ssl));
    tls_pair_connect(pair);
    assert_accepted(pair);
    cr_assert_eq(world->attested, 2);
    cr_assert_neq(memcmp(nonce, world->asked.nonce, sizeof nonce), 0);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* Before a first handshake and between two: the copy has nothing of the original's attestation. */
Test(tls, dup)
{
    struct tls_world *world = tls_world_new();

    for (int used = 0; used < 2; used++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
        SSL *original = pair->client.ssl;

        if (used) {
            assert_accepted(pair);
            cr_assert(SSL_clear(original) && SSL_clear(pair->server.ssl));
        }
        SSL_set_bio(original, NULL, NULL);
        pair->client.ssl = SSL_dup(original);
        cr_assert(pair->client.ssl != NULL && pair->client.ssl != original);
        cr_assert_null(ratls_tls_report(pair->client.ssl));
        tls_pair_connect(pair);
        assert_accepted(pair);
        cr_assert_neq(ratls_tls_report(pair->client.ssl), ratls_tls_report(original));
        SSL_free(original);
        tls_pair_free(pair);
    }
    tls_world_free(world);
}

/*
 * A context that connects and serves, as of a proxy, and asks for certificates of clients: evidence
 * is asked of servers only, although the callback that verifies them is now the same.
 */
Test(tls, both_roles)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    X509 *certificate = pki_certificate(&(struct pki_spec){.subject = "proxy",
                                                           .key = world->key,
                                                           .issuer = world->ca,
                                                           .issuer_key = world->ca_key,
                                                           .names = "DNS:" TLS_NAME,
                                                           .eku = "serverAuth,clientAuth"});
    struct ratls_error error = {0};
    struct tls_pair *pair;

    cr_assert(SSL_CTX_use_certificate(ctx, certificate) &&
              SSL_CTX_use_PrivateKey(ctx, world->key) &&
              X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), world->ca));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    cr_assert_eq(ratls_tls_attest(ctx, world->attester, &error), RATLS_OK);
    cr_assert_eq(ratls_tls_verify(ctx, world->policy, &error), RATLS_OK);
    cr_assert_eq(ratls_tls_verify(ctx, world->policy, &error), RATLS_USAGE, "twice");
    pair = tls_pair_new(ctx, ctx, TLS_NAME);
    assert_accepted(pair);
    cr_assert_null(ratls_tls_report(pair->server.ssl));
    cr_assert_not_null(SSL_get0_peer_certificate(pair->server.ssl));
    tls_pair_free(pair);
    X509_free(certificate);
    SSL_CTX_free(ctx);
    tls_world_free(world);
}

static unsigned verify_calls;
static int verify_ok;

static int see_verification(int ok, X509_STORE_CTX *store)
{
    (void)store;
    verify_calls++;
    verify_ok = ok;
    return ok;
}

Test(tls, verify_callback_of_the_program)
{
    struct tls_world *world = tls_world_new();

    SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, see_verification);
    connect_and_accept(world);
    cr_assert_geq(verify_calls, 2); /* CA and server */
    cr_assert_eq(verify_ok, 1);
    tls_world_free(world);
}

/* As `curl -k`: the PKI is not asked for, the attestation is; and the program sees what it set. */
Test(tls, verify_none)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *client;
    struct tls_pair *pair;
    X509_STORE *empty = X509_STORE_new();

    client = tls_client(world);
    SSL_CTX_set_cert_store(client, empty);
    SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
    pair = tls_pair_new(client, world->server, TLS_NAME);
    assert_accepted(pair);
    cr_assert_eq(SSL_get_verify_result(pair->client.ssl),
                 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    cr_assert_eq(SSL_get_verify_mode(pair->client.ssl), SSL_VERIFY_NONE);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    tls_world_free(world);
}

Test(tls, names)
{
    static const struct {
        const char *host, *sni, *meant;
    } rows[] = {
        {TLS_NAME, TLS_NAME, TLS_NAME},
        {"Server.Example", "server.example", "Server.Example"}, /* RFC 4343: any case */
        {TLS_NAME, NULL, TLS_NAME},
        {NULL, TLS_NAME, TLS_NAME},
        {"192.0.2.1", NULL, "192.0.2.1"},
    };
    struct tls_world *world = tls_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, NULL);

        if (rows[i].host != NULL)
            cr_assert(SSL_set1_host(pair->client.ssl, rows[i].host));
        if (rows[i].sni != NULL)
            cr_assert(SSL_set_tlsext_host_name(pair->client.ssl, rows[i].sni));
        assert_accepted(pair);
        cr_assert_str_eq(ratls_tls_expectation(pair->client.ssl)->server_name, rows[i].meant);
        tls_pair_free(pair);
    }
    tls_world_free(world);
}

static unsigned handshakes_done;

static void count_handshakes(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)result;
    handshakes_done += (where & SSL_CB_HANDSHAKE_DONE) != 0;
}

/* On the context; that of the SSL is in every test here: it sees the alerts. */
Test(tls, info_callback_of_the_program)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    SSL_CTX_set_info_callback(world->client, count_handshakes);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    SSL_set_info_callback(pair->client.ssl, NULL);
    assert_accepted(pair);
    cr_assert_eq(handshakes_done, 1);
    tls_pair_free(pair);
    tls_world_free(world);
}
