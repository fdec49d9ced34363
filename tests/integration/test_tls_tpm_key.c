/* tls-key: tpm in sessions: what is asked for, what comes, and who is refused. */
#include <string.h>

#include "connection_assert.h"
#include "evidence.h"
#include "mutual_assert.h"
#include "pki.h"
#include "tls_session.h"

/* 338 of proof, 34 of its media type, 33 of the manifest, which else is empty, and heads. */
#define ADDED_MAX 420

/* The server's TLS key is in its TPM, and the client's policy wants that. */
static struct tls_world *make_world(void)
{
    struct tls_world *world = tls_world_new();

    world->tpm->tls_key = world->key;
    fake_policy_rules(world->policy)->needs_tpm_tls_key = true;
    return world;
}

static size_t count_bytes(struct tls_world *world, size_t *ret_proof)
{
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct ratls_evidence evidence;
    size_t bytes, len = 0;
    const uint8_t *p;

    assert_accepted(pair);
    bytes = pair->client.sent.len + pair->server.sent.len;
    p = ratls_tls_evidence(pair->client.ssl, &len);
    cr_assert_not_null(p);
    cr_assert(ratls_evidence_read(ratls_slice(p, len), &evidence));
    *ret_proof = evidence.tls_key.len;
    tls_pair_free(pair);
    return bytes;
}

Test(tls_tpm_key, comes_only_if_asked_for)
{
    struct tls_world *world = make_world();
    size_t proof = 0, with, without;

    SSL_CTX_set_num_tickets(world->server, 0);
    (void)count_bytes(world, &proof); /* from now on the attestation key is known */
    with = count_bytes(world, &proof);
    cr_expect_gt(proof, 300);
    cr_expect_eq(world->asked.offers, RATLS_OFFER_TLS_KEY);
    fake_policy_rules(world->policy)->needs_tpm_tls_key = false;
    without = count_bytes(world, &proof);
    cr_expect_eq(proof, 0);
    cr_expect_eq(world->asked.offers, 0);
    cr_expect_leq(with - without, ADDED_MAX, "%zu bytes", with - without);
    tls_world_free(world);
}

/* An attester that does not know of it, or a key in a file: it says what to do. */
Test(tls_tpm_key, server_without_proof_is_refused)
{
    struct tls_world *world = make_world();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

    world->tpm->tls_key = NULL;
    assert_refused(pair, "tls-key.present");
    cr_expect_not_null(strstr(tls_failure(pair).actual, "ratls init --tls-key tpm"), "%s",
                       tls_failure(pair).actual);
    tls_pair_free(pair);
    tls_world_free(world);
}

Test(tls_tpm_key, of_another_key_is_refused)
{
    struct tls_world *world = make_world();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    EVP_PKEY *other = pki_key(PKI_P256);

    world->tpm->tls_key = other;
    assert_refused(pair, "tls-key.spki");
    tls_pair_free(pair);
    EVP_PKEY_free(other);
    tls_world_free(world);
}

/* Behind the handshake, and in each renewal: the evidence is bound to the exporter. */
Test(tls_tpm_key, on_a_living_connection)
{
    struct tls_world *world = make_world();
    struct ratls_rules *rules = fake_policy_rules(world->policy);
    struct connection_pair *pair;

    rules->max_age_s = 60;
    rules->renew_s = 10;
    pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    assert_open(pair);
    cr_expect_eq(world->asked.mode, RATLS_MODE_EXPORTER);
    cr_expect((world->asked.offers & RATLS_OFFER_TLS_KEY) != 0);
    clock_move(10000);
    pair_settle(pair);
    cr_expect_eq(pair->client.renewed, 1);
    cr_expect_eq(world->asked.mode, RATLS_MODE_RENEWAL);
    cr_expect((world->asked.offers & RATLS_OFFER_TLS_KEY) != 0);
    world->tpm->tls_key = NULL;
    clock_move(10000);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_REFUSED, "tls-key.present");
    pair_free(pair);
    tls_world_free(world);
}

/* A session that was accepted without it is none of a policy that wants it. */
Test(tls_tpm_key, session_of_before_is_not_resumed)
{
    struct tls_world *world = make_world();
    struct ratls_rules *rules = fake_policy_rules(world->policy);
    SSL_SESSION *session;
    struct tls_pair *pair;

    rules->max_age_s = 600;
    session = first_session(world->client, world->server);
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    assert_resumed(pair);
    cr_expect_eq(tls_verdict(pair, "tls-key.attributes"), RATLS_PASS, "the verdict of before");
    tls_pair_free(pair);
    rules->decides_sha256[0] ^= 1; /* as a policy does whose text has changed */
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    assert_accepted(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
    tls_world_free(world);
}

/* A client's key may have to be in its TPM, too. */
Test(tls_tpm_key, of_a_client)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair;

    fake_policy_rules(world->policy)->needs_tpm_tls_key = true;
    pair = mutual_pair(world->client, world->server);
    assert_client_refused(pair, "tls-key.present");
    tls_pair_free(pair);
    world->tpm->tls_key = world->key;
    pair = mutual_pair(world->client, world->server);
    assert_mutual(pair);
    cr_expect((world->asked.offers & RATLS_OFFER_TLS_KEY) != 0);
    tls_pair_free(pair);
    mutual_world_free(world);
}
