#include "server_world.h"

#include <ratls/ratls.h>

#include "command.h"
#include "fake_policy.h"
#include "null_tpm.h"
#include "pki.h"
#include "tls_internal.h"

static SSL_CTX *make_server(EVP_PKEY *key, X509 *leaf, X509 *intermediate)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    bench_must(ctx != NULL && SSL_CTX_use_certificate(ctx, leaf) == 1 &&
                   SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
                   SSL_CTX_add1_chain_cert(ctx, intermediate) == 1,
               "cannot make a server");
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static SSL_CTX *make_client(X509 *root)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    bench_must(ctx != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root) == 1,
               "cannot make a client");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

static void make_contexts(struct server_world *world)
{
    EVP_PKEY *keys[3] = {pki_key(PKI_P256), pki_key(PKI_P256), pki_key(PKI_P256)};
    X509 *root = pki_ca("root", keys[0], NULL, NULL);
    X509 *intermediate = pki_ca("intermediate", keys[1], root, keys[0]);
    X509 *leaf = pki_server_certificate(keys[2], "DNS:" WORLD_NAME, intermediate, keys[1]);

    world->plain_server = make_server(keys[2], leaf, intermediate);
    world->attested_server = make_server(keys[2], leaf, intermediate);
    world->plain_client = make_client(root);
    world->attested_client = make_client(root);
    world->shared_server = make_server(keys[2], leaf, intermediate);
    SSL_CTX_set_mode(world->attested_server, SSL_MODE_ASYNC);
    X509_free(root);
    X509_free(intermediate);
    X509_free(leaf);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

void server_world_make(struct server_world *world)
{
    struct ratls_policy *policy;
    struct ratls_error error = {0};
    struct ratls_tls *tls = NULL;

    make_contexts(world);
    world->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    world->attester = null_tpm_attester(world->tpm);
    world->signer = fake_attester_new(world->tpm, NULL, NULL);
    policy = fake_policy_new(world->tpm);
    fake_policy_pin(policy, world->tpm, WORLD_NAME);
    if (ratls_tls_attest(world->attested_server, world->attester, &error) != RATLS_OK ||
        ratls_tls_attest(world->shared_server, world->signer, &error) != RATLS_OK ||
        ratls_tls_verify(world->attested_client, policy, &error) != RATLS_OK ||
        ratls_tls_hook(world->attested_client, RATLS_TLS_EXTENSION_DEFAULT, &tls, &error) !=
            RATLS_OK)
        bench_must(0, error.text);
    tls->brief = true; /* as a drop-in */
    ratls_policy_free(policy);
}

void server_world_free(struct server_world *world)
{
    SSL_CTX_free(world->plain_client);
    SSL_CTX_free(world->attested_client);
    SSL_CTX_free(world->plain_server);
    SSL_CTX_free(world->attested_server);
    SSL_CTX_free(world->shared_server);
    world->attester->free(world->attester);
    world->signer->free(world->signer);
    fake_tpm_free(world->tpm);
}
