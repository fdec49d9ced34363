/* A connection whose server brought a result along: it ends when that expires. */
#include <stdlib.h>
#include <time.h>

#include <ratls/result.h>

#include "connection_assert.h"
#include "cose.h"
#include "must.h"
#include "pki.h"
#include "result.h"

#define MAX_AGE_S 600
#define REST_S 100
#define RENEW_S 50
#define MS 1000
#define PCRS 0xffu

static struct tls_world *world;
static EVP_PKEY *verifier;
static uint8_t *stapled;
static uint64_t rest_s;

static struct ratls_slice slice_text(const char *text)
{
    return ratls_slice(text, strlen(text));
}

/* What an honest verifier says of the quote that is being made. */
static void staple(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t name[RATLS_TPM_NAME_MAX], claims[RATLS_RESULT_MAX];
    struct ratls_writer w = ratls_writer(claims, sizeof claims);
    const uint64_t now = (uint64_t)time(NULL);
    struct ratls_result result = {
        .profile = slice_text(RATLS_RESULT_PROFILE),
        .issued_at = now,
        .has_expiry = true,
        .expires_at = now + rest_s,
        .developer = slice_text("ratls"),
        .build = slice_text("test"),
        .status = RATLS_TIER_AFFIRMING,
        .trust = {2, 2, 3},
        .is_ratls = true,
        .server_name = slice_text(TLS_NAME),
        .service = slice_text("default"),
        .spki_sha256 = ratls_slice(draft->request->spki_sha256, 32),
        .has_state = true,
        .selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, PCRS}}},
        .pcr_digest = ratls_slice(draft->pcr_digest.p, draft->pcr_digest.len),
        .reset_count = draft->reset_count,
        .restart_count = draft->restart_count,
    };
    size_t len = 0;

    (void)arg;
    if (stage != FAKE_SIGNED)
        return;
    result.ak_name = ratls_slice(name, fake_tpm_name(draft->tpm, name));
    ratls_result_write(&result, &w);
    must(!w.failed);
    free(stapled);
    must(ratls_cose_sign(verifier, ratls_writer_slice(&w), &stapled, &len, NULL) == RATLS_OK);
    draft->evidence.result = ratls_slice(stapled, len);
}

/* The policy has no values of its own, but believes the verifier. */
static struct connection_pair *open_with(uint64_t renew_s)
{
    struct ratls_rules *rules;
    struct connection_pair *pair;

    world = world_with(MAX_AGE_S, renew_s);
    verifier = pki_key(PKI_P256);
    rules = fake_policy_rules(world->policy);
    fake_policy_no_pcrs(world->policy);
    rules->selection =
        (struct ratls_pcr_selection){.count = 1, .banks = {{RATLS_ALG_SHA256, PCRS}}};
    rules->results = (struct ratls_result_rules){
        .is_asked = true,
        .bank = RATLS_ALG_SHA256,
        .pcrs = PCRS,
        .verifiers = calloc(1, sizeof *rules->results.verifiers),
        .verifier_count = 1,
    };
    rules->results.verifiers[0] =
        (struct ratls_result_verifier){.path = strdup("verifier.pem"), .key = verifier};
    world->tamper = staple;
    rest_s = REST_S;
    pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);
    assert_open(pair);
    return pair;
}

static void close_all(struct connection_pair *pair)
{
    pair_free(pair);
    tls_world_free(world);
    free(stapled);
    stapled = NULL;
}

Test(connection_result, ends_with_the_result)
{
    struct connection_pair *pair = open_with(0);

    cr_assert_leq(ratls_connection_lease_ms(pair->client.connection), REST_S * MS);
    cr_assert_gt(ratls_connection_lease_ms(pair->client.connection), (REST_S - 10) * MS);
    clock_move(REST_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_LAPSED, "max-age");
    close_all(pair);
}

/* The next answer comes with another; without one that holds it is refused. */
Test(connection_result, is_renewed_with_another)
{
    struct connection_pair *pair = open_with(RENEW_S);

    for (unsigned i = 1; i <= 4; i++) {
        clock_move(RENEW_S * MS);
        pair_settle(pair);
        cr_assert_eq(pair->client.renewed, i);
    }
    rest_s = 0;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_REFUSED, "result.age");
    close_all(pair);
}
