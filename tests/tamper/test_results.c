/* Results of whole appraisals: what they claim, who believes them, and where they are of use. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "pki.h"
#include "scene_ima.h"
#include "scene_result.h"

struct signed_result {
    uint8_t *bytes;
    size_t len;
};

static struct ratls_result_options options_of(EVP_PKEY *key)
{
    return (struct ratls_result_options){.key = key, .now = SCENE_NOW, .lifetime_s = 3600};
}

static struct signed_result make(const struct ratls_report *report,
                                 const struct ratls_result_options *options)
{
    struct signed_result made = {NULL, 0};
    struct ratls_error err = {0};

    cr_assert_eq(ratls_result_make(report, options, &made.bytes, &made.len, &err), RATLS_OK, "%s",
                 err.text);
    return made;
}

static struct ratls_result_claims read_back(struct signed_result made, EVP_PKEY *key)
{
    const struct ratls_result_expectation e = {.key = key, .now = SCENE_NOW};
    struct ratls_result_claims claims;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_result_verify(made.bytes, made.len, &e, &claims, &err), RATLS_OK, "%s",
                 err.text);
    return claims;
}

/* What a verifier claims of a scene, the evidence tampered with or not. */
static struct ratls_result_claims appraise_and_claim(struct scene *scene, fake_tamper *tamper)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    struct ratls_result_options options = options_of(key);
    struct fake_draft *draft = scene_attest(scene, tamper, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);
    struct signed_result made = make(report, &options);
    struct ratls_result_claims claims = read_back(made, key);

    cr_expect_eq(claims.status == RATLS_TIER_AFFIRMING, ratls_report_accepted(report));
    free(made.bytes);
    ratls_report_free(report);
    free(draft);
    EVP_PKEY_free(key);
    return claims;
}

static void expect_trust(const char *what, const struct ratls_result_claims *claims,
                         enum ratls_tier status, const int8_t expected[RATLS_TRUST_COUNT])
{
    cr_expect_eq(claims->status, status, "%s: %s", what, ratls_tier_name(claims->status));
    for (int i = 0; i < RATLS_TRUST_COUNT; i++)
        cr_expect_eq(claims->trust[i], expected[i], "%s: %s is %d", what,
                     ratls_trust_name((enum ratls_trust)i), claims->trust[i]);
}

static void change_binder(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const uint8_t other[32] = {0x99};

    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.binder = ratls_slice(other, sizeof other);
}

static void change_signature(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_ATTEST)
        draft->attest.p[draft->attest.len - 1] ^= 1;
    if (stage == FAKE_SIGNED)
        draft->signature.p[draft->signature.len - 1] ^= 1;
}

static void other_pcr(struct scene *scene)
{
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
}

static void other_loader(struct scene *scene)
{
    scene_boot(scene);
    fake_event_measured(fake_boot_event(scene->boot, "grub"), "another", 7);
    fake_boot_extend(scene->boot, scene->tpm);
}

static void denied_firmware(struct scene *scene)
{
    fake_policy_deny_firmware(scene->policy, scene->tpm->firmware_version);
}

static void no_evidence(struct scene *scene)
{
    scene->absent = true;
}

static void other_server(struct scene *scene)
{
    scene->expectation.server_name = "shop.example";
}

/* WIRE.md, 12: the vector. The policy of a scene has PCR 0 to 7 by value. */
Test(results, vectors)
{
    static const struct {
        const char *what;
        void (*arrange)(struct scene *scene);
        fake_tamper *tamper;
        enum ratls_tier status;
        int8_t trust[RATLS_TRUST_COUNT];
    } cases[] = {
        {"PCRs by value", NULL, NULL, RATLS_TIER_AFFIRMING, {2, 2, 3}},
        {"the boot log", scene_boot, NULL, RATLS_TIER_AFFIRMING, {2, 2, 3}},
        {"another value", other_pcr, NULL, RATLS_TIER_CONTRAINDICATED, {2, 36, 33}},
        {"another boot loader", other_loader, NULL, RATLS_TIER_CONTRAINDICATED, {2, 0, 33}},
        {"denied firmware", denied_firmware, NULL, RATLS_TIER_CONTRAINDICATED, {2, 0, 0, 0, 96}},
        {"no evidence", no_evidence, NULL, RATLS_TIER_CONTRAINDICATED, {97}},
        {"another server", other_server, NULL, RATLS_TIER_CONTRAINDICATED, {96}},
        {"another session", NULL, change_binder, RATLS_TIER_CONTRAINDICATED, {99, 99, 99, 0, 99}},
        {"another signature",
         NULL,
         change_signature,
         RATLS_TIER_CONTRAINDICATED,
         {99, 99, 99, 0, 99}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene scene;
        struct ratls_result_claims claims;

        scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
        if (cases[i].arrange != NULL)
            cases[i].arrange(&scene);
        scene_pin(&scene);
        claims = appraise_and_claim(&scene, cases[i].tamper);
        expect_trust(cases[i].what, &claims, cases[i].status, cases[i].trust);
        cr_expect_eq(claims.has_state, claims.trust[0] == 2 || claims.trust[0] == 96, "%s",
                     cases[i].what);
        scene_close(&scene);
    }
}

/* A key that nobody knows, and one PCR only: nothing is claimed of what was not judged. */
Test(results, nothing_is_claimed_that_was_not_judged)
{
    static const int8_t unknown[RATLS_TRUST_COUNT] = {97}, little[RATLS_TRUST_COUNT] = {2};
    struct ratls_result_claims claims;
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    claims = appraise_and_claim(&scene, NULL);
    expect_trust("an unknown key", &claims, RATLS_TIER_CONTRAINDICATED, unknown);
    cr_expect_not(claims.has_state);
    fake_policy_no_pcrs(scene.policy);
    fake_policy_pcr(scene.policy, scene.tpm, RATLS_ALG_SHA256, 7);
    scene_pin(&scene);
    claims = appraise_and_claim(&scene, NULL);
    expect_trust("PCR 7 alone", &claims, RATLS_TIER_AFFIRMING, little);
    scene_close(&scene);
}

Test(results, files_of_ima)
{
    static const int8_t whole[RATLS_TRUST_COUNT] = {2, 2, 2, 2},
                        partly[RATLS_TRUST_COUNT] = {2, 2, 3},
                        unknown[RATLS_TRUST_COUNT] = {2, 0, 33, 32};
    struct ratls_result_claims claims;
    struct scene scene;
    size_t excluded;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    fake_ima_install(&scene_ima(&scene)->list, scene.tpm);
    scene_pin(&scene);
    excluded = scene.rules->ima.exclude.count;
    scene.rules->ima.exclude.count = 0;
    claims = appraise_and_claim(&scene, NULL);
    expect_trust("every file", &claims, RATLS_TIER_AFFIRMING, whole);
    scene.rules->ima.violations_allowed = true;
    claims = appraise_and_claim(&scene, NULL);
    expect_trust("violations are allowed", &claims, RATLS_TIER_AFFIRMING, partly);
    scene.rules->ima.violations_allowed = false;
    fake_ima_file(&scene.ima->list, "/opt/x", FILL_UNKNOWN);
    fake_ima_install(&scene.ima->list, scene.tpm);
    claims = appraise_and_claim(&scene, NULL);
    expect_trust("an unknown file", &claims, RATLS_TIER_CONTRAINDICATED, unknown);
    scene.rules->ima.exclude.count = excluded;
    scene_close(&scene);
}

/* What the claims say beside the verdict. */
Test(results, say_what_was_appraised)
{
    struct ratls_result_claims claims;
    struct scene scene;
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t len;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    memset(scene.rules->sha256, 0xab, sizeof scene.rules->sha256);
    claims = appraise_and_claim(&scene, NULL);
    len = fake_tpm_name(scene.tpm, name);
    cr_expect_eq(claims.issued_at, SCENE_NOW);
    cr_expect_eq(claims.expires_at, SCENE_NOW + 3600);
    cr_expect_str_eq(claims.developer, "ratls");
    cr_expect_str_eq(claims.server_name, SCENE_SERVER);
    cr_expect_str_eq(claims.service, "default");
    cr_expect_eq(strncmp(claims.policy_id, "sha256:abab", 11), 0);
    cr_expect(claims.nonce_len == 32 && memcmp(claims.nonce, scene.expectation.binder, 32) == 0);
    cr_expect_eq(memcmp(claims.spki_sha256, scene.expectation.spki_sha256, 32), 0);
    cr_expect(claims.ak_name_len == len && memcmp(claims.ak_name, name, len) == 0);
    cr_expect(claims.selection.count == 1 && claims.selection.banks[0].pcrs == 0xff);
    cr_expect_eq(claims.pcr_digest_len, 32);
    cr_expect_eq(claims.reset_count, scene.tpm->reset_count);
    scene_close(&scene);
}

/* The passport, from one end to the other: a verifier that knows the values, a client that does
 * not. */
Test(results, what_one_verifier_signs_another_client_relies_on)
{
    EVP_PKEY *key = pki_key(PKI_P384);
    struct ratls_result_options options = options_of(key);
    struct ratls_result_rules *results;
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;
    struct signed_result made;
    uint8_t evidence[RATLS_EVIDENCE_MAX];
    struct ratls_writer w = ratls_writer(evidence, sizeof evidence);

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    made = make(report, &options);
    free(draft);
    ratls_report_free(report);

    scene_trust_verifier(&scene, PKI_P256);
    results = &scene.rules->results;
    EVP_PKEY_free(results->verifiers[0].key);
    results->verifiers[0].key = key;
    memset(scene.expectation.nonce, 0x1a, sizeof scene.expectation.nonce);
    memset(scene.expectation.binder, 0x1b, sizeof scene.expectation.binder);
    draft = scene_attest(&scene, NULL, NULL);
    draft->evidence.result = ratls_slice(made.bytes, made.len);
    ratls_evidence_write(&draft->evidence, &w);
    cr_assert_not(w.failed);
    report = scene_appraise(&scene, evidence, w.len);
    cr_expect(ratls_report_accepted(report));
    cr_expect_eq(report->slots[RATLS_CHECK_PCR_VALUE].verdict, RATLS_NOT_ASKED);
    cr_expect(ratls_check_passed(report, RATLS_CHECK_RESULT_STATE));
    free(draft);
    free(made.bytes);
    /* It judged no value itself: signed again and again, the first result would never expire. */
    cr_expect_eq(ratls_result_make(report, &options, &made.bytes, &made.len, NULL), RATLS_USAGE);
    ratls_report_free(report);
    scene_close(&scene);
}

static const uint8_t other_nonce[32] = {1};

static void expect_beliefs(struct signed_result made, EVP_PKEY *key, const uint8_t *binder)
{
    EVP_PKEY *other = pki_key(PKI_P256), *p384 = pki_key(PKI_P384);
    const struct {
        struct ratls_result_expectation e;
        enum ratls_status status;
        const char *words;
    } cases[] = {
        {{key, SCENE_NOW, binder, 32}, RATLS_OK, ""},
        {{key, SCENE_NOW, other_nonce, 32}, RATLS_REJECTED, "another session"},
        {{key, SCENE_NOW, binder, 31}, RATLS_REJECTED, "another session"},
        {{other, SCENE_NOW, NULL, 0}, RATLS_REJECTED, "not signed by"},
        {{p384, SCENE_NOW, NULL, 0}, RATLS_REJECTED, "not signed by"},
        {{key, SCENE_NOW + 3599, NULL, 0}, RATLS_OK, ""},
        {{key, SCENE_NOW + 3600, NULL, 0}, RATLS_REJECTED, "expired"},
        {{key, SCENE_NOW - 300, NULL, 0}, RATLS_OK, ""},
        {{key, SCENE_NOW - 301, NULL, 0}, RATLS_REJECTED, "future"},
        {{key, 0, NULL, 0}, RATLS_USAGE, "the time"},
        {{NULL, SCENE_NOW, NULL, 0}, RATLS_USAGE, "key"},
    };
    struct ratls_result_claims claims;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_error err = {0};

        cr_expect_eq(ratls_result_verify(made.bytes, made.len, &cases[i].e, &claims, &err),
                     cases[i].status, "%zu: %s", i, err.text);
        cr_expect_not_null(strstr(err.text, cases[i].words), "%zu: %s", i, err.text);
    }
    EVP_PKEY_free(other);
    EVP_PKEY_free(p384);
}

/* Cut anywhere, and with any byte changed. */
static void expect_whole(struct signed_result made, EVP_PKEY *key)
{
    const struct ratls_result_expectation e = {.key = key, .now = SCENE_NOW};
    struct ratls_result_claims claims;

    for (size_t len = 0; len < made.len; len++)
        cr_expect_neq(ratls_result_verify(made.bytes, len, &e, &claims, NULL), RATLS_OK,
                      "%zu of %zu", len, made.len);
    for (size_t at = 0; at < made.len; at++) {
        made.bytes[at] ^= 1;
        cr_expect_neq(ratls_result_verify(made.bytes, made.len, &e, &claims, NULL), RATLS_OK,
                      "byte %zu", at);
        made.bytes[at] ^= 1;
    }
}

/* T36: what a relying party must not believe, and the words for it. */
Test(results, what_is_not_believed)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    struct ratls_result_options options = options_of(key);
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    for (int format = RATLS_RESULT_CWT; format <= RATLS_RESULT_JWT; format++) {
        struct signed_result made;

        options.format = (enum ratls_result_format)format;
        made = make(report, &options);
        expect_beliefs(made, key, scene.expectation.binder);
        expect_whole(made, key);
        free(made.bytes);
    }
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
    EVP_PKEY_free(key);
}

/* Nothing is signed that was not appraised so. */
Test(results, what_is_not_signed)
{
    EVP_PKEY *key = pki_key(PKI_P256), *rsa = pki_key(PKI_RSA2048);
    const struct ratls_result_options good = options_of(key);
    struct ratls_result_options bad[7];
    struct ratls_report *empty = ratls_report_new();
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;
    uint8_t *bytes = NULL;
    size_t len = 0;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        bad[i] = good;
    bad[0].key = NULL;
    bad[1].key = rsa;
    bad[2].now = 0;
    bad[3].lifetime_s = 0;
    bad[4].now = SCENE_NOW + 3600; /* the evidence is an hour old, and so would the result be */
    bad[5].spki = (const uint8_t *)"another key";
    bad[5].spki_len = 11;
    bad[6].format = (enum ratls_result_format)2;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(ratls_result_make(report, &bad[i], &bytes, &len, NULL), RATLS_USAGE, "%zu", i);
    cr_expect_eq(ratls_result_make(empty, &good, &bytes, &len, NULL), RATLS_USAGE, "brief");
    cr_expect_eq(ratls_result_make(NULL, &good, &bytes, &len, NULL), RATLS_USAGE);
    cr_expect_null(bytes);
    ratls_report_free(empty);
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
}
