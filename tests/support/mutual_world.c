#include "mutual_world.h"

#include <stdlib.h>

#include "must.h"
#include "pki.h"

/* Called by the client's attester for each quote. */
static void count_and_tamper(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct mutual_world *world = arg;

    if (stage == FAKE_STATEMENT) {
        world->attested++;
        world->asked = *draft->request;
    }
    if (world->tamper != NULL)
        world->tamper(stage, draft, world->tamper_arg);
}

X509 *mutual_certificate(const struct mutual_world *world, const char *names)
{
    return pki_certificate(&(struct pki_spec){.subject = "client",
                                              .key = world->key,
                                              .issuer = world->base->ca,
                                              .issuer_key = world->base->ca_key,
                                              .names = names,
                                              .eku = "clientAuth"});
}

SSL_CTX *mutual_plain_client(struct mutual_world *world)
{
    SSL_CTX *ctx = tls_client(world->base);

    must(SSL_CTX_use_certificate(ctx, world->certificate) == 1 &&
         SSL_CTX_use_PrivateKey(ctx, world->key) == 1);
    return ctx;
}

SSL_CTX *mutual_client(struct mutual_world *world)
{
    SSL_CTX *ctx = mutual_plain_client(world);
    struct ratls_error error = {0};

    must(ratls_tls_attest(ctx, world->attester, &error) == RATLS_OK);
    return ctx;
}

SSL_CTX *mutual_plain_server(struct mutual_world *world)
{
    SSL_CTX *ctx = tls_server(world->base);

    must(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), world->base->ca) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

SSL_CTX *mutual_server(struct mutual_world *world)
{
    SSL_CTX *ctx = mutual_plain_server(world);
    struct ratls_error error = {0};

    must(ratls_tls_verify_clients(ctx, world->policy, &error) == RATLS_OK);
    return ctx;
}

static void name_policy(struct ratls_policy *policy, const char *name)
{
    struct ratls_rules *rules = fake_policy_rules(policy);

    rules->for_clients = true;
    rules->servers.names = calloc(1, sizeof *rules->servers.names);
    must(rules->servers.names != NULL);
    rules->servers.names[0] = strdup(name);
    must(rules->servers.names[0] != NULL);
    rules->servers.count = 1;
}

struct mutual_world *mutual_world_new(void)
{
    struct mutual_world *world = calloc(1, sizeof *world);

    must(world != NULL);
    world->base = tls_world_new();
    world->key = pki_key(PKI_P256);
    world->certificate = mutual_certificate(world, "DNS:" MUTUAL_NAME);
    world->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    world->attester = fake_attester_new(world->tpm, count_and_tamper, world);
    world->policy = fake_policy_new(world->tpm);
    name_policy(world->policy, MUTUAL_NAME);
    fake_policy_pin(world->policy, world->tpm, MUTUAL_NAME);
    world->client = mutual_client(world);
    world->server = mutual_server(world);
    return world;
}

void mutual_world_free(struct mutual_world *world)
{
    SSL_CTX_free(world->client);
    SSL_CTX_free(world->server);
    ratls_policy_free(world->policy);
    world->attester->free(world->attester);
    fake_tpm_free(world->tpm);
    X509_free(world->certificate);
    EVP_PKEY_free(world->key);
    tls_world_free(world->base);
    free(world);
}

struct tls_pair *mutual_pair(SSL_CTX *client, SSL_CTX *server)
{
    return tls_pair_new(client, server, TLS_NAME);
}
