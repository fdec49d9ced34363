#include "mitm_stage.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cose.h"
#include "fake_policy.h"
#include "must.h"
#include "pki.h"
#include "result.h"

#define WITHIN_S 60
#define RESULT_S 600
#define RESULT_PCRS 0xffu /* those of fake_policy_new() */

static void begin_epochs(struct mitm_stage *stage)
{
    const struct pki_spec spec = {.subject = "time stamps", .eku = "critical,timeStamping"};

    stage->tsa = fake_tsa_new(&spec);
    stage->world->tpm->tsa = stage->tsa;
    stage->world->tpm->stamp.time = time(NULL);
    fake_policy_epoch(stage->world->policy, stage->tsa->certificate, WITHIN_S);
}

static struct ratls_slice slice_text(const char *text)
{
    return ratls_slice(text, strlen(text));
}

/* What a verifier said of this machine a while ago, in a session of its own with it. */
static struct ratls_result make_result(const struct fake_draft *draft, const uint8_t *asked,
                                       uint8_t *name)
{
    const uint64_t now = (uint64_t)time(NULL);

    return (struct ratls_result){
        .profile = slice_text(RATLS_RESULT_PROFILE),
        .issued_at = now - 1,
        .has_expiry = true,
        .expires_at = now + RESULT_S,
        .developer = slice_text("ratls"),
        .build = slice_text("test"),
        .status = RATLS_TIER_AFFIRMING,
        .trust = {2, 2, 3},
        .nonce = ratls_slice(asked, RATLS_BINDER_LEN),
        .is_ratls = true,
        .server_name = slice_text(TLS_NAME),
        .service = slice_text(draft->tpm->service),
        .spki_sha256 = ratls_slice(draft->request->spki_sha256, RATLS_SPKI_HASH_LEN),
        .has_state = true,
        .ak_name = ratls_slice(name, fake_tpm_name(draft->tpm, name)),
        .selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, RESULT_PCRS}}},
        .pcr_digest = ratls_slice(draft->pcr_digest.p, draft->pcr_digest.len),
        .reset_count = draft->reset_count,
        .restart_count = draft->restart_count,
    };
}

static void staple(enum fake_stage at, struct fake_draft *draft, void *arg)
{
    static const uint8_t asked[RATLS_BINDER_LEN] = {0x77};
    struct mitm_stage *stage = arg;
    uint8_t name[RATLS_TPM_NAME_MAX];
    struct ratls_writer w = ratls_writer(NULL, RATLS_RESULT_MAX);
    uint8_t *claims;
    struct ratls_result result;
    size_t len = 0;

    if (at != FAKE_SIGNED)
        return;
    result = make_result(draft, asked, name);
    ratls_result_write(&result, &w);
    claims = malloc(w.len);
    must(!w.failed && claims != NULL);
    w = ratls_writer(claims, w.len);
    ratls_result_write(&result, &w);
    free(stage->result);
    must(ratls_cose_sign(stage->verifier, ratls_writer_slice(&w), &stage->result, &len, NULL) ==
         RATLS_OK);
    free(claims);
    draft->evidence.result = ratls_slice(stage->result, len);
}

static void begin_results(struct mitm_stage *stage)
{
    struct ratls_rules *rules = fake_policy_rules(stage->world->policy);
    struct ratls_result_verifier *verifier = calloc(1, sizeof *verifier);

    stage->verifier = pki_key(PKI_P256);
    fake_policy_no_pcrs(stage->world->policy);
    rules->selection =
        (struct ratls_pcr_selection){.count = 1, .banks = {{RATLS_ALG_SHA256, RESULT_PCRS}}};
    rules->results.is_asked = true;
    rules->results.bank = RATLS_ALG_SHA256;
    rules->results.pcrs = RESULT_PCRS;
    must(verifier != NULL && EVP_PKEY_up_ref(stage->verifier) == 1);
    *verifier = (struct ratls_result_verifier){strdup("verifier.pem"), stage->verifier};
    rules->results.verifiers = verifier;
    rules->results.verifier_count = 1;
    stage->world->tamper = staple;
    stage->world->tamper_arg = stage;
}

struct mitm_stage *mitm_stage_new(const struct mitm_row *row)
{
    struct mitm_stage *stage = calloc(1, sizeof *stage);

    must(stage != NULL);
    stage->world = tls_world_new();
    if (row->evidence == MITM_OF_EPOCH)
        begin_epochs(stage);
    if (row->evidence == MITM_WITH_RESULT)
        begin_results(stage);
    return stage;
}

void mitm_stage_free(struct mitm_stage *stage)
{
    tls_world_free(stage->world);
    fake_tsa_free(stage->tsa);
    EVP_PKEY_free(stage->verifier);
    free(stage->result);
    free(stage);
}
