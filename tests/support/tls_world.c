/* The set-up of tls_pair.h: keys, certificates, contexts, and peers that say what a test wants. */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "must.h"
#include "pki.h"
#include "tls_pair.h"

/* Called by the attester for each quote, one at a time. */
static void count_and_tamper(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct tls_world *world = arg;

    if (stage == FAKE_STATEMENT) {
        world->attested++;
        world->asked = *draft->request;
    }
    if (world->tamper != NULL)
        world->tamper(stage, draft, world->tamper_arg);
}

SSL_CTX *tls_plain_server(const struct tls_world *world)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    must(ctx != NULL && SSL_CTX_use_certificate(ctx, world->certificate) == 1 &&
         SSL_CTX_use_PrivateKey(ctx, world->key) == 1);
    return ctx;
}

SSL_CTX *tls_plain_client(const struct tls_world *world)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    must(ctx != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), world->ca) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

SSL_CTX *tls_client(struct tls_world *world)
{
    SSL_CTX *ctx = tls_plain_client(world);
    struct ratls_error error = {0};

    must(ratls_tls_verify(ctx, world->policy, &error) == RATLS_OK);
    return ctx;
}

SSL_CTX *tls_server(struct tls_world *world)
{
    SSL_CTX *ctx = tls_plain_server(world);
    struct ratls_error error = {0};

    must(ratls_tls_attest(ctx, world->attester, &error) == RATLS_OK);
    return ctx;
}

SSL_CTX *tls_certified_server(struct tls_world *world, EVP_PKEY *about)
{
    struct ratls_expectation expectation = {
        .mode = RATLS_MODE_CERTIFICATE, .role = RATLS_ROLE_SERVER, .now = time(NULL)};
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *draft = pki_ca("only for its key", about == NULL ? key : about, NULL, NULL);
    struct ratls_attest_request request;
    struct fake_draft *attested;
    X509_EXTENSION *extension = NULL;
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    X509 *certificate;

    must(ratls_spki_sha256(draft, expectation.spki_sha256, NULL) == RATLS_OK);
    fake_request(&expectation, &fake_policy_rules(world->policy)->selection, &request);
    attested = fake_tpm_attest(world->tpm, &request, NULL, NULL);
    must(ratls_evidence_extension(ratls_slice(attested->wire, attested->wire_len), &extension,
                                  NULL) == RATLS_OK);
    certificate = pki_certificate(&(struct pki_spec){.subject = "server",
                                                     .key = key,
                                                     .issuer = world->ca,
                                                     .issuer_key = world->ca_key,
                                                     .names = "DNS:" TLS_NAME,
                                                     .extensions = {extension}});
    must(SSL_CTX_use_certificate(server, certificate) && SSL_CTX_use_PrivateKey(server, key));
    X509_free(certificate);
    X509_EXTENSION_free(extension);
    free(attested);
    X509_free(draft);
    EVP_PKEY_free(key);
    return server;
}

struct tls_world *tls_world_new(void)
{
    struct tls_world *world = calloc(1, sizeof *world);

    must(world != NULL);
    world->ca_key = pki_key(PKI_P256);
    world->ca = pki_ca("Test CA", world->ca_key, NULL, NULL);
    world->key = pki_key(PKI_P256);
    world->certificate = pki_server_certificate(world->key, "DNS:" TLS_NAME ",IP:192.0.2.1",
                                                world->ca, world->ca_key);
    world->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    world->attester = fake_attester_new(world->tpm, count_and_tamper, world);
    world->policy = fake_policy_new(world->tpm);
    fake_policy_pin(world->policy, world->tpm, NULL);
    world->client = tls_client(world);
    world->server = tls_server(world);
    return world;
}

void tls_world_free(struct tls_world *world)
{
    SSL_CTX_free(world->client);
    SSL_CTX_free(world->server);
    ratls_policy_free(world->policy);
    world->attester->free(world->attester);
    fake_tpm_free(world->tpm);
    X509_free(world->certificate);
    EVP_PKEY_free(world->key);
    X509_free(world->ca);
    EVP_PKEY_free(world->ca_key);
    free(world);
}

static int add_raw(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                   size_t *ret_len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct tls_raw *raw = arg;

    (void)type, (void)certificate, (void)alert;
    if (SSL_is_server(ssl) ? (context & raw->context) == 0 : context != SSL_EXT_CLIENT_HELLO)
        return 0;
    if (context & SSL_EXT_TLS1_3_CERTIFICATE && raw->chain_index != SIZE_MAX &&
        chain_index != raw->chain_index)
        return 0;
    *out = raw->p;
    *ret_len = raw->len;
    return 1;
}

static int keep_raw(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t len,
                    X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct tls_raw *raw = arg;

    (void)ssl, (void)type, (void)context, (void)certificate, (void)chain_index, (void)alert;
    raw->request_len = len < sizeof raw->request ? len : sizeof raw->request;
    if (len != 0)
        memcpy(raw->request, in, raw->request_len);
    return 1;
}

static void add_custom(SSL_CTX *ctx, struct tls_raw *raw)
{
    must(SSL_CTX_add_custom_ext(ctx, raw->type == 0 ? TLS_EXTENSION : raw->type,
                                SSL_EXT_CLIENT_HELLO | raw->context, add_raw, NULL, raw, keep_raw,
                                raw) == 1);
}

void tls_raw_add(SSL_CTX *server, struct tls_raw *raw)
{
    add_custom(server, raw);
}

void tls_raw_ask(SSL_CTX *client, struct tls_raw *raw)
{
    raw->context |= SSL_EXT_TLS1_3_CERTIFICATE;
    add_custom(client, raw);
}

void tls_raw_record(struct tls_world *world, struct tls_raw *ret_raw)
{
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair;

    tls_raw_add(server, ret_raw);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    tls_pair_handshake(pair);
    must(ret_raw->request_len > 0);
    tls_pair_free(pair);
    SSL_CTX_free(server);
}
