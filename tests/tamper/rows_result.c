/*
 * Attestation results that a server staples: one of another day, key, state or verifier, and one
 * that claims more than it has.
 */
#include <string.h>

#include "must.h"
#include "result_changes.h"
#include "rows.h"

#define NEEDS_PRESENT FROM_TO(RESULT_FORMAT, RESULT_STATUS)
#define NEEDS_FORMAT FROM_TO(RESULT_SIGNATURE, RESULT_STATUS)
#define NEEDS_SIGNATURE FROM_TO(RESULT_PROFILE, RESULT_STATUS)

static void trust_one(struct scene *scene)
{
    scene_trust_verifier(scene, PKI_P256);
}

static void trust_p384(struct scene *scene)
{
    scene_trust_verifier(scene, PKI_P384);
}

/* Two, and the result is of a third. */
static void trust_two_others(struct scene *scene)
{
    trust_one(scene);
    trust_one(scene);
    scene_other_verifier();
}

static void distrust(struct scene *scene)
{
    trust_one(scene);
    scene_other_verifier();
}

/* A good one, of which somebody has changed bytes on the way; negative: cut so much. */
static void staple_damaged(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    int change = *(int *)arg;
    struct ratls_result result;

    if (stage != FAKE_SIGNED)
        return;
    result = scene_result(draft);
    scene_staple(draft, &result);
    if (change < 0)
        draft->evidence.result.len -= (size_t)-change;
    else
        ((uint8_t *)(uintptr_t)draft->evidence.result.p)[(size_t)change] ^= 1;
}

/* From the end: the last byte of the signature, and one of the claims in front of it. */
static void staple_forged(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct ratls_result result;

    if (stage != FAKE_SIGNED)
        return;
    result = scene_result(draft);
    scene_staple(draft, &result);
    ((uint8_t *)(uintptr_t)
         draft->evidence.result.p)[draft->evidence.result.len - (size_t) * (int *)arg] ^= 1;
}

/* exp as a float of four bytes, with a good signature. */
static void staple_float(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t payload[RATLS_RESULT_MAX];
    struct ratls_writer w = ratls_writer(payload, sizeof payload);
    struct ratls_result result;

    (void)arg;
    if (stage != FAKE_SIGNED)
        return;
    result = scene_result(draft);
    ratls_result_write(&result, &w);
    must(!w.failed && payload[1] == 4 && payload[2] == 0x1a);
    payload[2] = 0xfa;
    scene_staple_claims(draft, ratls_writer_slice(&w));
}

/* The relay has the TLS key and a result of the machine, but not its TPM. */
static void staple_beside_old_quote(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const uint8_t old[32] = {0x99};

    if (stage == FAKE_STATEMENT)
        draft->statement.binder = ratls_slice(old, sizeof old);
    staple_changed(stage, draft, arg);
}

static void change_machine(struct scene *scene)
{
    scene_trust_verifier(scene, PKI_P256);
    memset(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7), 0xab, 32);
}

/* What the verifier saw before PCR 7 was extended. */
static void staple_of_good_days(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct fake_bytes now = draft->pcr_digest;
    uint8_t values[8 * 32];

    if (stage == FAKE_SIGNED) {
        memcpy(values, draft->pcr_values.p, sizeof values);
        memset(values + 7 * 32, 0x47, 32);
        draft->pcr_digest.len =
            fake_digest(RATLS_ALG_SHA256, ratls_slice(values, sizeof values), draft->pcr_digest.p);
    }
    staple_changed(stage, draft, arg);
    if (stage == FAKE_SIGNED)
        draft->pcr_digest = now;
}

/* The header says ES384 where the verifier's key is on P-256. */
#define ALG_AT 5

static const struct row rows[] = {
    {.name = "no result",
     .check = RATLS_CHECK_RESULT_PRESENT,
     .not_run = NEEDS_PRESENT,
     .after = trust_one,
     .at = "evidence",
     .actual = "none"},
    {.name = "a result that is cut",
     .check = RATLS_CHECK_RESULT_FORMAT,
     .not_run = NEEDS_FORMAT,
     .after = trust_one,
     .tamper = staple_damaged,
     .param = -1,
     .at = "result"},
    {.name = "a float for its end",
     .check = RATLS_CHECK_RESULT_FORMAT,
     .not_run = NEEDS_FORMAT,
     .after = trust_one,
     .tamper = staple_float,
     .at = "result.claims"},
    {.name = "a result by another verifier",
     .check = RATLS_CHECK_RESULT_SIGNATURE,
     .not_run = NEEDS_SIGNATURE,
     .after = distrust,
     .tamper = staple_changed,
     .expected = "a signature by the key of verifier.pem"},
    {.name = "a result by a third verifier",
     .check = RATLS_CHECK_RESULT_SIGNATURE,
     .not_run = NEEDS_SIGNATURE,
     .after = trust_two_others,
     .tamper = staple_changed,
     .expected = "a signature by one of 2 verifiers"},
    {.name = "another signature",
     .check = RATLS_CHECK_RESULT_SIGNATURE,
     .not_run = NEEDS_SIGNATURE,
     .after = trust_one,
     .tamper = staple_forged,
     .param = 1},
    {.name = "another claim behind the signature's back",
     .check = RATLS_CHECK_RESULT_SIGNATURE,
     .not_run = NEEDS_SIGNATURE,
     .after = trust_one,
     .tamper = staple_forged,
     .param = 68},
    {.name = "another algorithm in the header",
     .check = RATLS_CHECK_RESULT_SIGNATURE,
     .not_run = NEEDS_SIGNATURE,
     .after = trust_one,
     .tamper = staple_damaged,
     .param = ALG_AT,
     .actual = "another signature, algorithm -8"},
    {.name = "another profile",
     .check = RATLS_CHECK_RESULT_PROFILE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_PROFILE},
    {.name = "a result that has expired",
     .check = RATLS_CHECK_RESULT_AGE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = EXPIRED,
     .actual = "expired 0 s ago"},
    {.name = "a result that never expires",
     .check = RATLS_CHECK_RESULT_AGE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = WITHOUT_END},
    {.name = "a result from the future",
     .check = RATLS_CHECK_RESULT_AGE,
     .after = trust_p384,
     .tamper = staple_changed,
     .param = OF_THE_FUTURE},
    {.name = "a result about another server",
     .check = RATLS_CHECK_RESULT_SERVER,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_SERVER,
     .expected = "bank.example",
     .actual = "shop.example"},
    {.name = "a result about no server",
     .check = RATLS_CHECK_RESULT_SERVER,
     .after = trust_one,
     .tamper = staple_changed,
     .param = NO_SERVER,
     .actual = "no name"},
    {.name = "a result about another service",
     .check = RATLS_CHECK_RESULT_SERVER,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_SERVICE,
     .at = "result.service"},
    {.name = "a result about another attestation key",
     .check = RATLS_CHECK_RESULT_KEY,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_KEY,
     .at = "result.ak-name"},
    {.name = "a result about another TLS key",
     .check = RATLS_CHECK_RESULT_KEY,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_TLS_KEY,
     .at = "result.spki-sha256"},
    {.name = "a result about another state",
     .check = RATLS_CHECK_RESULT_STATE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_STATE,
     .at = "result.pcr-digest"},
    {.name = "the machine has changed since",
     .check = RATLS_CHECK_RESULT_STATE,
     .after = change_machine,
     .tamper = staple_of_good_days,
     .at = "result.pcr-digest"},
    {.name = "a result about fewer PCRs",
     .check = RATLS_CHECK_RESULT_STATE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = FEWER_PCRS,
     .expected = "sha256:0,1,2,3,4,5,6,7",
     .actual = "sha256:0,1,2,3,4,5,6"},
    {.name = "a result about another bank",
     .check = RATLS_CHECK_RESULT_STATE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OTHER_BANK},
    {.name = "a result about an earlier boot",
     .check = RATLS_CHECK_RESULT_STATE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = EARLIER_BOOT,
     .at = "result.reset-count"},
    {.name = "a result about another restart",
     .check = RATLS_CHECK_RESULT_STATE,
     .after = trust_one,
     .tamper = staple_changed,
     .param = BEFORE_SUSPEND,
     .at = "result.restart-count"},
    {.name = "a warning",
     .check = RATLS_CHECK_RESULT_STATUS,
     .after = trust_one,
     .tamper = staple_changed,
     .param = WARNING,
     .actual = "warning, by a vector that is warning"},
    {.name = "a contraindication",
     .check = RATLS_CHECK_RESULT_STATUS,
     .after = trust_one,
     .tamper = staple_changed,
     .param = CONTRAINDICATED},
    {.name = "no status",
     .check = RATLS_CHECK_RESULT_STATUS,
     .after = trust_one,
     .tamper = staple_changed,
     .param = NO_STATUS},
    {.name = "a status better than the vector",
     .check = RATLS_CHECK_RESULT_STATUS,
     .after = trust_one,
     .tamper = staple_changed,
     .param = OVERSTATED,
     .actual = "affirming, by a vector that is warning"},
    {.name = "an affirmation of what is not authentic",
     .check = RATLS_CHECK_RESULT_STATUS,
     .after = trust_one,
     .tamper = staple_changed,
     .param = FORGED_CRYPTO,
     .actual = "affirming, by a vector that is contraindicated"},
    {.name = "a good result beside the quote of another session",
     .check = RATLS_CHECK_STATEMENT_BINDER,
     .after = trust_one,
     .tamper = staple_beside_old_quote},
};

const struct rows rows_result = {rows, sizeof rows / sizeof rows[0]};
