/* Handshakes that a verifying client refuses, or does not begin. */
#include <criterion/criterion.h>
#include <string.h>

#include "pki.h"
#include "tls_assert.h"
#include "tls_internal.h"

#define RELAY_EVIDENCE_MAX 65531

Test(tls_refused, no_evidence)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);

    assert_refused(pair, "evidence.present");
    cr_assert_eq(tls_verdict(pair, "tls.version"), RATLS_PASS);
    cr_assert_eq(tls_verdict(pair, "quote.signature"), RATLS_NOT_RUN);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* The same server and key, an hour ago or a moment ago: all is genuine but the session. */
Test(tls_refused, replayed_evidence)
{
    struct tls_world *world = tls_world_new();
    struct tls_bytes evidence = record_evidence(world);
    struct tls_raw raw = {
        .context = SSL_EXT_TLS1_3_CERTIFICATE, .p = evidence.p, .len = evidence.len};
    SSL_CTX *server;
    struct tls_pair *pair = pair_with_raw(world, &server, &raw);

    assert_refused(pair, "statement.nonce");
    cr_assert_eq(tls_verdict(pair, "statement.binder"), RATLS_FAIL);
    cr_assert_eq(tls_verdict(pair, "statement.spki"), RATLS_PASS);
    cr_assert_eq(tls_verdict(pair, "quote.signature"), RATLS_PASS);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    free(evidence.p);
    tls_world_free(world);
}

/*
 * A relay: whoever has stolen the TLS key asks the genuine server with the nonce of the client, in
 * a session of its own, and hands on what it gets.
 */
struct relay {
    struct tls_world *world;
    SSL_CTX *asking;
    struct tls_raw question; /* of its own session */
    struct tls_raw answer;   /* in the client's session */
    uint8_t evidence[RELAY_EVIDENCE_MAX];
};

static int keep_answer(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                       size_t len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct relay *relay = arg;

    (void)ssl, (void)type, (void)context, (void)certificate, (void)chain_index, (void)alert;
    memcpy(relay->evidence, in, len);
    relay->answer.len = len;
    return 1;
}

static int ask_with_nonce(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                          size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                          void *arg)
{
    struct relay *relay = arg;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    if (context != SSL_EXT_CLIENT_HELLO)
        return 0;
    *out = relay->answer.request;
    *ret_len = relay->answer.request_len;
    return 1;
}

static int ask_genuine_server(SSL *ssl, void *arg)
{
    struct relay *relay = arg;
    struct tls_pair *pair;

    (void)ssl;
    pair = tls_pair_new(relay->asking, relay->world->server, TLS_NAME);
    assert_connected(pair);
    tls_pair_free(pair);
    return 1;
}

Test(tls_refused, relayed_evidence)
{
    struct tls_world *world = tls_world_new();
    struct relay *relay = calloc(1, sizeof *relay);
    SSL_CTX *server;
    struct tls_pair *pair;

    relay->world = world;
    relay->asking = tls_plain_client(world);
    relay->answer.context = SSL_EXT_TLS1_3_CERTIFICATE;
    relay->answer.p = relay->evidence;
    cr_assert(SSL_CTX_add_custom_ext(relay->asking, TLS_EXTENSION,
                                     SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
                                     ask_with_nonce, NULL, relay, keep_answer, relay));
    pair = pair_with_raw(world, &server, &relay->answer);
    SSL_CTX_set_cert_cb(server, NULL, NULL);
    SSL_set_cert_cb(pair->server.ssl, ask_genuine_server, relay);
    assert_refused(pair, "statement.binder");
    cr_assert_eq(world->attested, 1, "the genuine server was asked");
    cr_assert_eq(tls_verdict(pair, "statement.nonce"), RATLS_PASS);
    cr_assert_eq(tls_verdict(pair, "statement.spki"), RATLS_PASS);
    cr_assert_eq(tls_verdict(pair, "quote.extraData"), RATLS_PASS);
    cr_assert_eq(tls_failure(pair).failures, 1);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    SSL_CTX_free(relay->asking);
    free(relay);
    tls_world_free(world);
}

static void claim_other_key(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.spki_sha256 = ratls_slice(arg, RATLS_SPKI_HASH_LEN);
}

Test(tls_refused, evidence_for_another_key)
{
    struct tls_world *world = tls_world_new();
    uint8_t other[RATLS_SPKI_HASH_LEN] = {0x42};
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

    world->tamper = claim_other_key;
    world->tamper_arg = other;
    assert_refused(pair, "statement.spki");
    cr_assert_not_null(strstr(tls_failure(pair).actual, "42000000"), "%s",
                       tls_failure(pair).actual);
    cr_assert_eq(tls_verdict(pair, "statement.binder"), RATLS_PASS);
    tls_pair_free(pair);
    tls_world_free(world);
}

Test(tls_refused, server_speaks_tls12_only)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

    cr_assert(SSL_set_max_proto_version(pair->server.ssl, TLS1_2_VERSION));
    assert_stopped(pair, -1, SSL_AD_PROTOCOL_VERSION);
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* In each of the ways in which a program says so. */
Test(tls_refused, client_allows_tls12_only)
{
    struct tls_world *world = tls_world_new();

    for (int way = 0; way < 2; way++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        if (way == 0)
            cr_assert(SSL_set_max_proto_version(pair->client.ssl, TLS1_2_VERSION));
        else
            SSL_set_options(pair->client.ssl, SSL_OP_NO_TLSv1_3);
        cr_assert_not(tls_pair_handshake(pair));
        cr_assert_eq(pair->client.done, -1);
        assert_nothing_leaves(pair);
        cr_assert_not_null(ratls_tls_error(pair->client.ssl));
        cr_assert_str_eq(ratls_tls_error(pair->client.ssl)->text,
                         "attestation needs TLS 1.3; the program allows only older versions");
        tls_pair_free(pair);
    }
    tls_world_free(world);
}

Test(tls_refused, names)
{
    static const struct {
        const char *host, *other_host, *sni;
        const char *words;
    } rows[] = {
        {NULL, NULL, NULL, "no policy speaks for every name: 1 file speaks for " TLS_NAME},
        {"a.example", NULL, "b.example", "verifies a.example but asks for b.example (SNI)"},
        {"192.0.2.1", NULL, "b.example", "verifies 192.0.2.1 but asks for b.example (SNI)"},
        {"a.example", "b.example", NULL, "verifies a.example but asks for b.example"},
        {"unknown.example", NULL, "unknown.example",
         "no policy speaks for unknown.example: 1 file speaks for " TLS_NAME},
        {NULL, NULL, "unknown.example",
         "no policy speaks for unknown.example: 1 file speaks for " TLS_NAME},
    };
    struct tls_world *world = tls_world_new();
    static char *names[] = {NULL};

    names[0] = strdup(TLS_NAME);
    fake_policy_rules(world->policy)->servers.names = malloc(sizeof names);
    memcpy(fake_policy_rules(world->policy)->servers.names, names, sizeof names);
    fake_policy_rules(world->policy)->servers.count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, NULL);

        if (rows[i].host != NULL)
            cr_assert(SSL_set1_host(pair->client.ssl, rows[i].host));
        if (rows[i].other_host != NULL)
            cr_assert(SSL_add1_host(pair->client.ssl, rows[i].other_host));
        if (rows[i].sni != NULL)
            cr_assert(SSL_set_tlsext_host_name(pair->client.ssl, rows[i].sni));
        assert_not_begun(pair, RATLS_USAGE, rows[i].words);
        tls_pair_free(pair);
    }
    cr_assert_eq(world->attested, 0);
    tls_world_free(world);
}

/* unlisted = plain: such a name is let alone, a listed one is not. */
Test(tls_refused, unlisted_plain)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct ratls_rules *rules = fake_policy_rules(world->policy);
    struct ratls_error error = {0};
    struct ratls_tls *tls;
    struct tls_pair *pair;

    rules->servers.names = malloc(sizeof *rules->servers.names);
    rules->servers.names[0] = strdup(TLS_NAME);
    rules->servers.count = 1;
    cr_assert_eq(ratls_tls_hook(world->client, TLS_EXTENSION, &tls, &error), RATLS_OK);
    tls->unlisted_plain = true;
    pair = tls_pair_new(world->client, server, NULL);
    cr_assert(SSL_set_tlsext_host_name(pair->client.ssl, "unlisted.example"));
    assert_connected(pair);
    cr_assert_null(ratls_tls_report(pair->client.ssl));
    tls_pair_free(pair);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    assert_refused(pair, "evidence.present");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

Test(tls_refused, policy_could_not_be_loaded)
{
    static const struct ratls_error rows[] = {
        {RATLS_USAGE, "/etc/ratls/policy.yaml:3:1: unknown key"},
        {RATLS_IO, "/etc/ratls/policy.yaml: Permission denied"},
        {RATLS_OK, ""}, /* nobody said why */
    };
    struct tls_world *world = tls_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SSL_CTX *client = tls_plain_client(world);
        struct ratls_error error = {0};
        struct ratls_tls *tls;
        struct tls_pair *pair;

        cr_assert_eq(ratls_tls_hook(client, TLS_EXTENSION, &tls, &error), RATLS_OK);
        tls->verifies = true;
        tls->unlisted_plain = true;
        tls->policy_failure = rows[i];
        pair = tls_pair_new(client, world->server, TLS_NAME);
        assert_not_begun(pair, i == 2 ? RATLS_USAGE : rows[i].status,
                         i == 2 ? "no policy was loaded" : rows[i].text);
        tls_pair_free(pair);
        SSL_CTX_free(client);
    }
    tls_world_free(world);
}

/* Attested, but the program asked for a PKI that does not know this server. */
Test(tls_refused, pki)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    SSL_CTX_set_cert_store(world->client, X509_STORE_new());
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    assert_stopped(pair, SSL_AD_UNKNOWN_CA, -1);
    cr_assert_eq(world->attested, 1);
    cr_assert_eq(SSL_get_verify_result(pair->client.ssl),
                 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* NONE the first time, PEER the second: what the program asks for counts each time anew. */
Test(tls_refused, pki_after_clear)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    SSL_CTX_set_cert_store(world->client, X509_STORE_new());
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    SSL_set_verify(pair->client.ssl, SSL_VERIFY_NONE, NULL);
    assert_accepted(pair);
    SSL_clear(pair->client.ssl);
    SSL_clear(pair->server.ssl);
    SSL_set_verify(pair->client.ssl, SSL_VERIFY_PEER, NULL);
    tls_pair_connect(pair);
    assert_stopped(pair, SSL_AD_UNKNOWN_CA, -1);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* OpenSSL lets in no extension that the client did not send. */
Test(tls_refused, other_extension_number)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct ratls_error error = {0};
    struct ratls_tls *tls;
    struct tls_pair *pair;

    cr_assert_eq(ratls_tls_hook(server, TLS_EXTENSION + 1, &tls, &error), RATLS_OK);
    tls->attester = world->attester->up_ref(world->attester);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    assert_refused(pair, "evidence.present");
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

static unsigned logged;
static struct ratls_error logged_error;

static void count_log(const SSL *ssl, const struct ratls_channel *channel)
{
    cr_assert_eq(ratls_channel_of(ssl), channel);
    logged++;
    logged_error = channel->error;
}

/* What the provider writes to its log: every verdict, and whatever keeps a client from one. */
Test(tls_refused, log)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *plain = tls_plain_server(world);
    const struct {
        SSL_CTX *server;
        const char *sni;
        bool accepted;
        const char *error;
    } rows[] = {
        {world->server, TLS_NAME, true, ""},
        {plain, TLS_NAME, false, ""},
        {world->server, "other.example", false, "the program verifies"},
    };
    struct ratls_error error = {0};
    struct ratls_tls *tls;

    cr_assert_eq(ratls_tls_hook(world->client, TLS_EXTENSION, &tls, &error), RATLS_OK);
    tls->log = count_log;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, rows[i].server, TLS_NAME);

        logged = 0;
        cr_assert(SSL_set_tlsext_host_name(pair->client.ssl, rows[i].sni));
        cr_assert_eq(tls_pair_handshake(pair), rows[i].accepted, "row %zu", i);
        cr_assert_eq(logged, 1, "row %zu: %u", i, logged);
        cr_assert_eq(strncmp(logged_error.text, rows[i].error, strlen(rows[i].error)), 0);
        cr_assert_eq(logged_error.text[0] == '\0', rows[i].error[0] == '\0', "row %zu", i);
        tls_pair_free(pair);
    }
    SSL_CTX_free(plain);
    tls_world_free(world);
}
