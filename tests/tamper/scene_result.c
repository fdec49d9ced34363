#include "scene_result.h"

#include <stdlib.h>
#include <string.h>

#include "cose.h"
#include "must.h"

static EVP_PKEY *verifier; /* of the last scene that has one */
static uint8_t *stapled;

void scene_other_verifier(void)
{
    EVP_PKEY_free(verifier);
    verifier = pki_key(PKI_P256);
}

void scene_trust_verifier(struct scene *scene, enum pki_algorithm algorithm)
{
    struct ratls_result_rules *rules = &scene->rules->results;
    struct ratls_result_verifier *longer;

    EVP_PKEY_free(verifier);
    verifier = pki_key(algorithm);
    if (!rules->is_asked)
        fake_policy_no_pcrs(scene->policy);
    rules->is_asked = true;
    rules->bank = RATLS_ALG_SHA256;
    rules->pcrs = SCENE_RESULT_PCRS;
    scene->rules->selection =
        (struct ratls_pcr_selection){.count = 1, .banks = {{RATLS_ALG_SHA256, SCENE_RESULT_PCRS}}};
    longer = realloc(rules->verifiers, (rules->verifier_count + 1) * sizeof *longer);
    must(longer != NULL && EVP_PKEY_up_ref(verifier) == 1);
    rules->verifiers = longer;
    longer[rules->verifier_count] =
        (struct ratls_result_verifier){.path = strdup("verifier.pem"), .key = verifier};
    must(longer[rules->verifier_count++].path != NULL);
}

static struct ratls_slice slice_text(const char *text)
{
    return ratls_slice(text, strlen(text));
}

struct ratls_result scene_result(const struct fake_draft *draft)
{
    static uint8_t name[RATLS_TPM_NAME_MAX], spki_sha256[32], binder[32];
    struct ratls_result result = {
        .profile = slice_text(RATLS_RESULT_PROFILE),
        .issued_at = SCENE_NOW - 60,
        .has_expiry = true,
        .expires_at = SCENE_NOW + 3540,
        .developer = slice_text("ratls"),
        .build = slice_text("test"),
        .status = RATLS_TIER_AFFIRMING,
        .trust = {2, 2, 3},
        .nonce = ratls_slice(binder, sizeof binder),
        .is_ratls = true,
        .server_name = slice_text(SCENE_SERVER),
        .service = slice_text("default"),
        .spki_sha256 = ratls_slice(spki_sha256, sizeof spki_sha256),
        .has_state = true,
        .ak_name = ratls_slice(name, fake_tpm_name(draft->tpm, name)),
        .selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, SCENE_RESULT_PCRS}}},
        .pcr_digest = ratls_slice(draft->pcr_digest.p, draft->pcr_digest.len),
        .reset_count = draft->reset_count,
        .restart_count = draft->restart_count,
    };

    memset(binder, 0x77, sizeof binder); /* of the session in which the verifier has asked */
    memcpy(spki_sha256, draft->request->spki_sha256, sizeof spki_sha256);
    return result;
}

void scene_staple_claims(struct fake_draft *draft, struct ratls_slice claims)
{
    size_t len = 0;

    free(stapled);
    must(ratls_cose_sign(verifier, claims, &stapled, &len, NULL) == RATLS_OK);
    draft->evidence.result = ratls_slice(stapled, len);
}

void scene_staple(struct fake_draft *draft, const struct ratls_result *result)
{
    uint8_t claims[RATLS_RESULT_MAX];
    struct ratls_writer w = ratls_writer(claims, sizeof claims);

    ratls_result_write(result, &w);
    must(!w.failed);
    scene_staple_claims(draft, ratls_writer_slice(&w));
}
