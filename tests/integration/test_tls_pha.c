/* Client authentication behind the handshake (RFC 8446, 4.6.2), with evidence. */
#include <criterion/criterion.h>
#include <string.h>

#include "mutual_assert.h"
#include "mutual_raw.h"
#include "tls_internal.h"

static struct tls_pair *connect_for_more(SSL_CTX *client, SSL_CTX *server)
{
    struct tls_pair *pair = mutual_pair(client, server);

    SSL_set_post_handshake_auth(pair->client.ssl, 1);
    return pair;
}

/* The server asks; then both sides read until nothing moves. */
static void ask_again(struct tls_pair *pair)
{
    ERR_clear_error();
    cr_assert_eq(SSL_verify_client_post_handshake(pair->server.ssl), 1);
    cr_assert_eq(SSL_do_handshake(pair->server.ssl), 1);
    tls_pair_carry(pair);
    while (tls_pair_step(pair))
        continue;
}

static void assert_alive(struct tls_pair *pair)
{
    size_t before = pair->server.received.len;

    cr_assert_eq(tls_pair_write(pair, TLS_SECRET), strlen(TLS_SECRET));
    cr_assert_eq(pair->server.received.len, before + strlen(TLS_SECRET));
}

/* What the client writes behind a refusal is not delivered; the server writes nothing. */
static void assert_ended(struct tls_pair *pair, const char *check)
{
    size_t before = pair->server.received.len;

    cr_assert_eq(pair->server.done, -1);
    cr_assert_str_eq(client_failure(pair), check, "%s", pair->server.reason_text);
    tls_pair_write(pair, TLS_SECRET);
    cr_assert_eq(pair->server.received.len, before);
    cr_assert_leq(SSL_write(pair->server.ssl, TLS_SECRET, 4), 0);
    ERR_clear_error();
}

Test(tls_pha, new_evidence_for_each_request)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair = connect_for_more(world->client, world->server);
    uint8_t nonce[RATLS_NONCE_LEN], binder[RATLS_BINDER_LEN];

    assert_mutual(pair);
    for (unsigned i = 2; i <= 4; i++) {
        memcpy(nonce, world->asked.nonce, sizeof nonce);
        memcpy(binder, world->asked.binder, sizeof binder);
        ask_again(pair);
        cr_assert_eq(world->attested, i);
        cr_assert_neq(memcmp(nonce, world->asked.nonce, sizeof nonce), 0);
        cr_assert_neq(memcmp(binder, world->asked.binder, sizeof binder), 0);
        cr_assert(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
        assert_alive(pair);
    }
    tls_pair_free(pair);
    mutual_world_free(world);
}

Test(tls_pha, machine_that_changed_meanwhile)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair = connect_for_more(world->client, world->server);

    assert_mutual(pair);
    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    ask_again(pair);
    assert_ended(pair, "pcr.value");
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* A client that says no more, and one that the program did not let take such requests. */
Test(tls_pha, client_that_does_not_answer)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair = connect_for_more(world->client, world->server);
    struct ratls_tls *tls = ratls_tls_of_context(world->client);

    assert_mutual(pair);
    tls->attester->free(tls->attester);
    tls->attester = NULL;
    ask_again(pair);
    assert_ended(pair, "evidence.present");
    tls_pair_free(pair);
    mutual_world_free(world);
}

/*
 * T39: the exporter is the same for every request of a connection; the nonce is not. The answer to
 * one is none to another, of this connection or of another; two at a time OpenSSL does not ask.
 */
Test(tls_pha, t39_answers_that_are_swapped)
{
    struct mutual_world *world = mutual_world_new();
    struct mutual_raw raw = {.chain_index = 0};
    SSL_CTX *client = mutual_raw_client(world, &raw);
    SSL_CTX *plain = mutual_plain_server(world);
    struct ratls_error error = {0};
    struct tls_pair *good = connect_for_more(world->client, world->server);
    struct tls_pair *pair;
    const uint8_t *evidence;
    size_t len;

    assert_mutual(good);
    evidence = ratls_tls_evidence(good->server.ssl, &len);
    tls_bytes_add(&raw.evidence, evidence, len);
    ask_again(good);
    assert_alive(good);
    /* The same to a client that repeats what was good once: first without a demand, then with. */
    pair = connect_for_more(client, plain);
    assert_connected(pair);
    cr_assert_eq(ratls_tls_verify_clients(plain, world->policy, &error), RATLS_OK);
    ask_again(pair);
    assert_ended(pair, "statement.nonce");
    cr_assert_gt(raw.demand.len, 0);
    tls_pair_free(pair);
    tls_pair_free(good);
    SSL_CTX_free(plain);
    SSL_CTX_free(client);
    mutual_raw_clear(&raw);
    mutual_world_free(world);
}

static struct ratls_slice kept;

/* In place of the client's evidence, what it said to the request before. */
static void repeat(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_WIRE && kept.len != 0) {
        memcpy(draft->wire, kept.p, kept.len);
        draft->wire_len = kept.len;
    }
}

Test(tls_pha, t39_replay_on_the_same_connection)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair = connect_for_more(world->client, world->server);
    struct tls_bytes first = {0};
    const uint8_t *evidence;
    size_t len;

    world->tamper = repeat;
    assert_mutual(pair);
    evidence = ratls_tls_evidence(pair->server.ssl, &len);
    tls_bytes_add(&first, evidence, len);
    ask_again(pair);
    assert_alive(pair);
    kept = ratls_slice(first.p, first.len);
    ask_again(pair);
    assert_ended(pair, "statement.nonce");
    tls_pair_free(pair);
    free(first.p);
    mutual_world_free(world);
}

Test(tls_pha, t39_two_outstanding_requests)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair = connect_for_more(world->client, world->server);

    assert_mutual(pair);
    cr_assert_eq(SSL_verify_client_post_handshake(pair->server.ssl), 1);
    cr_assert_eq(SSL_verify_client_post_handshake(pair->server.ssl), 0);
    cr_assert_eq(SSL_do_handshake(pair->server.ssl), 1);
    cr_assert_eq(SSL_verify_client_post_handshake(pair->server.ssl), 0);
    ERR_clear_error();
    tls_pair_carry(pair);
    while (tls_pair_step(pair))
        continue;
    cr_assert_eq(world->attested, 2);
    assert_alive(pair);
    tls_pair_free(pair);
    mutual_world_free(world);
}

static bool nonces_are_equal;

enum ratls_status __real_ratls_random(uint8_t *out, size_t len, struct ratls_error *err);
enum ratls_status __wrap_ratls_random(uint8_t *out, size_t len, struct ratls_error *err);

enum ratls_status __wrap_ratls_random(uint8_t *out, size_t len, struct ratls_error *err)
{
    if (!nonces_are_equal)
        return __real_ratls_random(out, len, err);
    memset(out, 0x5a, len);
    return RATLS_OK;
}

/*
 * T2: a man in the middle with the client's TLS key, who has the client answer a server that it has
 * accepted, and says the same to another one. Even if both had chosen the same nonce.
 */
Test(tls_pha, t2_relayed_to_another_session)
{
    struct mutual_world *world = mutual_world_new();
    struct mutual_raw raw = {.chain_index = 0};
    SSL_CTX *man = mutual_raw_client(world, &raw);
    SSL_CTX *server = mutual_plain_server(world);
    struct tls_pair *honest = connect_for_more(world->client, world->server);
    struct tls_pair *relayed = connect_for_more(man, server);
    const uint8_t *evidence;
    size_t len;

    assert_mutual(honest);
    assert_connected(relayed);
    cr_assert_eq(ratls_tls_verify_clients(server, world->policy, NULL), RATLS_OK);
    nonces_are_equal = true;
    ask_again(honest);
    assert_alive(honest);
    evidence = ratls_tls_evidence(honest->server.ssl, &len);
    tls_bytes_add(&raw.evidence, evidence, len);
    ask_again(relayed);
    nonces_are_equal = false;
    assert_ended(relayed, "statement.binder");
    cr_assert_gt(raw.demand.len, 0);
    tls_pair_free(relayed);
    tls_pair_free(honest);
    SSL_CTX_free(server);
    SSL_CTX_free(man);
    mutual_raw_clear(&raw);
    mutual_world_free(world);
}
