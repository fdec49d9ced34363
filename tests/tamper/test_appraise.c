/* Evidence that is accepted, in every form that it may have. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "scene.h"

static void expect_accepted(struct scene *scene, const char *label, fake_tamper *tamper, void *arg)
{
    struct fake_draft *draft = scene_attest(scene, tamper, arg);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);
    struct ratls_finding finding = {.check = "", .expected = "", .actual = ""};

    ratls_report_first_failure(report, &finding);
    cr_expect(ratls_report_accepted(report), "%s: %s: expected %s, saw %s", label, finding.check,
              finding.expected, finding.actual);
    ratls_report_free(report);
    free(draft);
}

Test(appraise, every_algorithm_in_both_modes_pinned_and_certified)
{
    static const enum ratls_mode modes[] = {RATLS_MODE_HANDSHAKE, RATLS_MODE_CERTIFICATE};

    for (int algorithm = FAKE_ECDSA_P256; algorithm <= FAKE_RSAPSS; algorithm++) {
        for (int i = 0; i < 4; i++) {
            struct scene scene;
            char label[64];

            scene_open(&scene, modes[i / 2], (enum fake_algorithm)algorithm);
            if (i % 2 == 0)
                scene_pin(&scene);
            else
                scene_certify(&scene, "DNS:" SCENE_SERVER);
            snprintf(label, sizeof label, "algorithm %d, way %d", algorithm, i);
            expect_accepted(&scene, label, NULL, NULL);
            scene_close(&scene);
        }
    }
}

/* The leaf of a quote that serves many sessions, wherever it stands. */
static void put_in_tree(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF) {
        draft->path = *(struct ratls_merkle_path *)arg;
        for (size_t i = 0; i < draft->path.count; i++)
            memset(draft->path.hashes[i], (int)(0x90 + i), sizeof draft->path.hashes[i]);
    }
}

Test(appraise, a_batch_of_statements)
{
    static const struct ratls_merkle_path paths[] = {
        {.leaf_index = 0, .tree_size = 2, .count = 1},
        {.leaf_index = 1, .tree_size = 2, .count = 1},
        {.leaf_index = 2, .tree_size = 3, .count = 1},
        {.leaf_index = 5, .tree_size = 8, .count = 3},
        {.leaf_index = 65535, .tree_size = 65536, .count = 16},
    };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct ratls_merkle_path path = paths[i];
        struct scene scene;

        scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
        scene_pin(&scene);
        expect_accepted(&scene, "batch", put_in_tree, &path);
        scene_close(&scene);
    }
}

Test(appraise, an_intermediate_certificate)
{
    struct scene scene;
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *intermediate, *certificate;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    intermediate = scene_certificate(
        &scene, (struct pki_spec){.subject = "between", .key = key, .ca = "critical,CA:TRUE"});
    certificate = scene_certificate(&scene, (struct pki_spec){.subject = "ak",
                                                              .key = scene.tpm->key,
                                                              .names = "DNS:" SCENE_SERVER,
                                                              .eku = PKI_EKU_AK,
                                                              .issuer = intermediate,
                                                              .issuer_key = key});
    OPENSSL_free(scene.tpm->chain[0]);
    scene.tpm->chain[0] = NULL;
    scene.tpm->chain_count = 0;
    fake_tpm_add_certificate(scene.tpm, certificate);
    fake_tpm_add_certificate(scene.tpm, intermediate);
    expect_accepted(&scene, "intermediate", NULL, NULL);
    X509_free(certificate);
    X509_free(intermediate);
    EVP_PKEY_free(key);
    scene_close(&scene);
}

/* A pin for another server, and an issuer who knows nothing, stand in nobody's way. */
Test(appraise, one_of_several_ways_is_enough)
{
    struct scene scene;
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *stranger = pki_ca("stranger", key, NULL, NULL);

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    fake_policy_pin(scene.policy, scene.tpm, "shop.example");
    fake_policy_issuer(scene.policy, stranger, NULL);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    expect_accepted(&scene, "certificate", NULL, NULL);
    scene_close(&scene);

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    fake_policy_issuer(scene.policy, stranger, NULL);
    fake_policy_pin(scene.policy, scene.tpm, "shop.example");
    scene_pin(&scene);
    expect_accepted(&scene, "second pin", NULL, NULL);
    scene_close(&scene);
    X509_free(stranger);
    EVP_PKEY_free(key);
}

/* "Not by this issuer" is true of all issuers but one, and helps nobody. */
Test(appraise, of_several_issuers_the_right_one_says_why)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *stranger = pki_ca("stranger", key, NULL, NULL);

    for (int i = 0; i < 2; i++) {
        static const char why[] = "certificate 1: certificate has expired; 000b";
        struct ratls_finding finding;
        struct ratls_report *report;
        struct fake_draft *draft;
        struct scene scene;

        scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
        if (i == 0)
            fake_policy_issuer(scene.policy, stranger, NULL);
        scene_certify(&scene, "DNS:" SCENE_SERVER);
        if (i == 1)
            fake_policy_issuer(scene.policy, stranger, NULL);
        scene.expectation.now += 172800;
        draft = scene_attest(&scene, NULL, NULL);
        report = scene_appraise(&scene, draft->wire, draft->wire_len);
        cr_assert(ratls_report_first_failure(report, &finding));
        cr_expect_str_eq(finding.check, "ak.trust");
        cr_expect_str_eq(finding.expected, "a certificate by one of 2 issuers");
        cr_expect_eq(strncmp(finding.actual, why, strlen(why)), 0, "%d: %s", i, finding.actual);
        ratls_report_free(report);
        free(draft);
        scene_close(&scene);
    }
    X509_free(stranger);
    EVP_PKEY_free(key);
}

Test(appraise, no_server_is_meant_and_the_pin_is_for_every_server)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    fake_policy_pin(scene.policy, scene.tpm, NULL);
    scene.expectation.server_name = NULL;
    expect_accepted(&scene, "nameless", NULL, NULL);
    scene_close(&scene);
}

static void replace_certificates(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    const struct ratls_slice *certificate = arg;

    if (stage != FAKE_STATEMENT)
        return;
    draft->evidence.certificate_count = certificate->len == 0 ? 0 : 1;
    draft->evidence.certificates[0] = *certificate;
    cr_assert_eq(ratls_evidence_manifest(&draft->evidence, draft->manifest,
                                         &draft->statement.manifest, NULL),
                 RATLS_OK);
}

static bool is_accepted_with(struct scene *scene, struct ratls_slice certificate)
{
    struct fake_draft *draft = scene_attest(scene, replace_certificates, &certificate);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);
    bool accepted = ratls_report_accepted(report);

    ratls_report_free(report);
    free(draft);
    return accepted;
}

static bool is_accepted_without_certificates(struct scene *scene)
{
    return is_accepted_with(scene, ratls_slice(NULL, 0));
}

/* That a key is known is no reason to let a certificate pass that nobody looked at. */
Test(appraise, a_certificate_of_a_known_key_is_checked)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    expect_accepted(&scene, "first", NULL, NULL);
    cr_expect(is_accepted_without_certificates(&scene));
    cr_expect_not(is_accepted_with(&scene, ratls_slice("\x30\x00", 2)));
    scene_close(&scene);
}

/* WIRE.md, 2: who names the key gets no certificates; only for this server, until they expire. */
Test(appraise, certificates_are_needed_once)
{
    struct scene scene;
    uint8_t ids[RATLS_KEY_IDS_MAX][RATLS_KEY_ID_LEN];

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER ",DNS:shop.example");
    cr_expect_not(is_accepted_without_certificates(&scene), "before the first time");
    expect_accepted(&scene, "first", NULL, NULL);
    cr_expect(is_accepted_without_certificates(&scene), "after it");
    cr_expect_eq(ratls_key_cache_ids(scene.rules->keys, SCENE_SERVER, SCENE_NOW, ids, 4), 1);
    cr_expect_eq(ratls_key_cache_ids(scene.rules->keys, "shop.example", SCENE_NOW, ids, 4), 0);

    scene.expectation.server_name = "shop.example";
    cr_expect_not(is_accepted_without_certificates(&scene), "another server");
    expect_accepted(&scene, "another server", NULL, NULL);
    cr_expect(is_accepted_without_certificates(&scene), "another server, again");

    scene.expectation.now += 2 * 86400;
    cr_expect_not(is_accepted_without_certificates(&scene), "expired");
    scene_close(&scene);
}

static void set_no_da(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->ak_public.p[6] ^= 0x04; /* of type, nameAlg and attributes: noDA, which is free */
}

/* A certificate says nothing of the rest of a public area: anybody can send it with many Names. */
Test(appraise, names_that_no_tpm_has_are_not_remembered)
{
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;
    struct ratls_finding finding = {.check = "none"};
    uint8_t ids[RATLS_KEY_IDS_MAX][RATLS_KEY_ID_LEN];

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    draft = scene_attest(&scene, set_no_da, NULL);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    cr_expect_not(ratls_report_accepted(report));
    ratls_report_first_failure(report, &finding);
    cr_expect_str_eq(finding.check, "quote.signer");
    cr_expect_eq(ratls_key_cache_ids(scene.rules->keys, SCENE_SERVER, SCENE_NOW, ids, 4), 0);
    expect_accepted(&scene, "the Name of the TPM", NULL, NULL);
    cr_expect_eq(ratls_key_cache_ids(scene.rules->keys, SCENE_SERVER, SCENE_NOW, ids, 4), 1);
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
}

/* What was refused leaves no trace: counters from a forged quote would lock the genuine TPM out. */
Test(appraise, refused_counters_are_not_remembered)
{
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene.tpm->reset_count = UINT32_MAX;
    draft = scene_attest(&scene, NULL, NULL);
    memset(scene.expectation.nonce, 0x77, sizeof scene.expectation.nonce);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    cr_expect_not(ratls_report_accepted(report));
    scene.tpm->reset_count = 7;
    expect_accepted(&scene, "after a refusal", NULL, NULL);
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
}

Test(appraise, a_handshake_is_more_than_a_certificate)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene.rules->freshness = RATLS_FRESHNESS_CERTIFICATE;
    scene.rules->max_age_s = 1;
    expect_accepted(&scene, "handshake", NULL, NULL);
    scene_close(&scene);
}

Test(appraise, handshakes_may_overtake_each_other)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    expect_accepted(&scene, "later", NULL, NULL);
    scene.tpm->clock_ms -= 60001;
    expect_accepted(&scene, "a minute earlier", NULL, NULL);
    scene_close(&scene);
}

/* The same machine, seen in a handshake after it was restarted, and then by its certificate. */
Test(appraise, a_certificate_may_be_older_than_a_handshake)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_CERTIFICATE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene.tpm->reset_count++;
    expect_accepted(&scene, "after a restart", NULL, NULL);
    scene.tpm->reset_count--;
    expect_accepted(&scene, "before it", NULL, NULL);
    scene_close(&scene);
}

Test(appraise, the_clock_may_be_ignored)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene.tpm->safe = false;
    scene.rules->clock_ignored = true;
    expect_accepted(&scene, "clock ignored", NULL, NULL);
    scene_close(&scene);
}

Test(appraise, the_second_allowed_value_and_the_second_bank)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    memset(fake_tpm_pcr(scene.tpm, RATLS_ALG_SHA256, 7), 0x99, 32);
    fake_policy_pcr(scene.policy, scene.tpm, RATLS_ALG_SHA256, 7);
    fake_policy_pcr(scene.policy, scene.tpm, RATLS_ALG_SHA384, 0);
    fake_policy_pcr(scene.policy, scene.tpm, RATLS_ALG_SHA512, 23);
    expect_accepted(&scene, "three banks", NULL, NULL);
    scene_close(&scene);
}

Test(appraise, the_age_is_said_after_the_verdict)
{
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;
    char *text = NULL;

    scene_open(&scene, RATLS_MODE_CERTIFICATE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    scene.expectation.now += 3 * 3600;
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    cr_assert_eq(ratls_report_text(report, RATLS_TEXT_FAILURES, &text), RATLS_OK);
    cr_expect_str_eq(text, "ACCEPTED  bank.example  fake.yaml  (evidence from the certificate, "
                           "3 h 0 min old)\n");
    free(text);
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
}
