/* What attestation adds to a handshake in bytes; what is left out once the client knows a key. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "evidence.h"
#include "fake_tsa.h"
#include "pki.h"
#include "tls_assert.h"

/* The limit: a batch of 64, eight PCR values of SHA-256, no logs, a key that the client knows. */
#define ADDED_MAX 900

/* A handshake that is accepted, or a plain one; the evidence in it, if ret is not NULL. */
static size_t count_bytes(SSL_CTX *client, SSL_CTX *server, struct ratls_evidence *ret)
{
    struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);
    const uint8_t *p;
    size_t bytes, len = 0;

    assert_connected(pair);
    bytes = pair->client.sent.len + pair->server.sent.len;
    if (ret != NULL) {
        p = ratls_tls_evidence(pair->client.ssl, &len);
        cr_assert_not_null(p);
        cr_assert(ratls_evidence_read(ratls_slice(p, len), ret));
    }
    tls_pair_free(pair);
    return bytes;
}

static struct tls_world *make_world(void)
{
    struct tls_world *world = tls_world_new();

    world->tamper = fake_batch;
    SSL_CTX_set_num_tickets(world->server, 0);
    return world;
}

static size_t count_plain(struct tls_world *world, int version)
{
    SSL_CTX *client = tls_plain_client(world), *server = tls_plain_server(world);
    size_t bytes;

    SSL_CTX_set_num_tickets(server, 0);
    cr_assert(SSL_CTX_set_min_proto_version(client, version));
    cr_assert(SSL_CTX_set_min_proto_version(world->client, version));
    bytes = count_bytes(client, server, NULL);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return bytes;
}

Test(tls_wire, a_handshake_grows_by_at_most_900_bytes)
{
    static const int versions[] = {TLS1_3_VERSION, 0}; /* the oldest that the client speaks */

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct tls_world *world = make_world();
        struct ratls_evidence evidence;
        size_t plain = count_plain(world, versions[i]);
        size_t first = count_bytes(world->client, world->server, &evidence);
        size_t known;

        cr_expect_not(evidence.is_ak_named);
        known = count_bytes(world->client, world->server, &evidence);
        cr_assert(evidence.is_ak_named);
        cr_assert_eq(evidence.path.count, FAKE_BATCH_DEPTH);
        cr_assert_eq(evidence.pcr_values.len, 8 * 32);
        cr_expect_leq(known - plain, ADDED_MAX, "%zu bytes", known - plain);
        cr_expect_gt(first, known + 64);
        tls_world_free(world);
    }
}

/* Also with certificates, which stay away; and another policy has to be told everything again. */
Test(tls_wire, a_known_key_comes_by_its_place)
{
    struct tls_world *world = make_world();
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *issuer = pki_ca("issuer", key, NULL, NULL);
    X509 *certificate = pki_certificate(&(struct pki_spec){.subject = "ak",
                                                           .key = world->tpm->key,
                                                           .issuer = issuer,
                                                           .issuer_key = key,
                                                           .names = "DNS:" TLS_NAME,
                                                           .eku = PKI_EKU_AK});
    struct ratls_policy *policy = fake_policy_new(world->tpm);
    struct ratls_error error = {0};
    SSL_CTX *client;

    fake_tpm_add_certificate(world->tpm, certificate);
    fake_policy_issuer(policy, issuer, NULL);
    client = tls_plain_client(world);
    cr_assert_eq(ratls_tls_verify(client, policy, &error), RATLS_OK);
    for (size_t i = 0; i < 3; i++) {
        struct ratls_evidence evidence;

        count_bytes(client, world->server, &evidence);
        cr_expect_eq(evidence.is_ak_named, i > 0, "%zu", i);
        cr_expect_eq(evidence.certificate_count, i > 0 ? 0 : 1, "%zu", i);
        cr_expect_eq(world->asked.key_id_count, i > 0 ? 1 : 0, "%zu", i);
        count_bytes(world->client, world->server, &evidence);
        cr_expect_eq(evidence.is_ak_named, i > 0, "%zu", i);
    }
    SSL_CTX_free(client);
    ratls_policy_free(policy);
    X509_free(certificate);
    X509_free(issuer);
    EVP_PKEY_free(key);
    tls_world_free(world);
}

/* One quote of an epoch is for all: the certificates stay with it, the key does not. */
Test(tls_wire, of_an_epoch_certificates_stay)
{
    struct tls_world *world = make_world();
    struct fake_tsa *tsa = fake_tsa_new(NULL);
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *some = pki_ca("some", key, NULL, NULL);

    fake_tpm_add_certificate(world->tpm, some);
    fake_policy_epoch(world->policy, tsa->certificate, 60);
    world->tpm->tsa = tsa;
    world->tpm->stamp.time = time(NULL);
    for (size_t i = 0; i < 2; i++) {
        struct ratls_evidence evidence;

        count_bytes(world->client, world->server, &evidence);
        cr_expect_gt(evidence.token.len, 0);
        cr_expect_eq(evidence.is_ak_named, i > 0, "%zu", i);
        cr_expect_eq(evidence.certificate_count, 1);
    }
    X509_free(some);
    EVP_PKEY_free(key);
    tls_world_free(world);
    fake_tsa_free(tsa);
}

/* A server that comes back with another key: it is not named, and sends all of it. */
Test(tls_wire, another_key_comes_in_full)
{
    struct tls_world *world = make_world();
    struct fake_tpm *other = fake_tpm_new(FAKE_ECDSA_P256), *first = world->tpm;
    struct ratls_attester *attester = fake_attester_new(other, NULL, NULL);
    SSL_CTX *server = tls_plain_server(world);
    struct ratls_error error = {0};
    struct ratls_evidence evidence;

    memcpy(other->pcrs, first->pcrs, sizeof other->pcrs);
    fake_policy_pin(world->policy, other, NULL);
    cr_assert_eq(ratls_tls_attest(server, attester, &error), RATLS_OK);
    count_bytes(world->client, world->server, &evidence);
    count_bytes(world->client, world->server, &evidence);
    cr_expect(evidence.is_ak_named);
    count_bytes(world->client, server, &evidence);
    cr_expect_not(evidence.is_ak_named);
    count_bytes(world->client, server, &evidence);
    cr_expect(evidence.is_ak_named);
    count_bytes(world->client, world->server, &evidence);
    cr_expect(evidence.is_ak_named);
    cr_expect_eq(world->asked.key_id_count, 2);
    SSL_CTX_free(server);
    attester->free(attester);
    fake_tpm_free(other);
    tls_world_free(world);
}
