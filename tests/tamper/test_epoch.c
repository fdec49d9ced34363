/* Evidence of an epoch that is good, and what a verifier remembers of it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

static struct scene scene;

static void open_pinned(void)
{
    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
}

static void close_scene(void)
{
    scene_close(&scene);
}

TestSuite(epoch, .init = open_pinned, .fini = close_scene);

/* What is attested and appraised, and whether the machine is as the policy has it. */
static bool is_accepted(fake_tamper *tamper, const char *what)
{
    struct fake_draft *draft = scene_attest(&scene, tamper, NULL);
    struct ratls_report *report = scene_appraise(&scene, draft->wire, draft->wire_len);
    bool accepted = ratls_report_accepted(report);
    struct ratls_finding finding = {.check = "none"};

    if (!accepted && ratls_report_first_failure(report, &finding))
        fprintf(stderr, "%s: %s at %s: %s\n", what, finding.check, finding.at, finding.actual);
    ratls_report_free(report);
    free(draft);
    return accepted;
}

static enum ratls_verdict verdict_of(enum ratls_check check)
{
    struct fake_draft *draft = scene_attest(&scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(&scene, draft->wire, draft->wire_len);
    enum ratls_verdict verdict = report->slots[check].verdict;

    ratls_report_free(report);
    free(draft);
    return verdict;
}

Test(epoch, good)
{
    scene_epoch(&scene);
    cr_expect(is_accepted(NULL, "first"));
    cr_expect(is_accepted(NULL, "again"));
    cr_expect_eq(verdict_of(RATLS_CHECK_EPOCH_AGE), RATLS_PASS);
}

Test(epoch, with_certificates_of_the_attestation_key)
{
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    scene_epoch(&scene);
    cr_expect(is_accepted(NULL, "certificates and token in one manifest"));
}

Test(epoch, an_authority_below_a_ca)
{
    scene_epoch_below(&scene, NULL);
    cr_expect(is_accepted(NULL, "no extended key usage in the CA"));
}

Test(epoch, an_authority_below_a_ca_for_it)
{
    scene_epoch_below(&scene, "timeStamping");
    cr_expect(is_accepted(NULL, "timeStamping in the CA"));
}

Test(epoch, the_shapes_of_time_stamps)
{
    const struct {
        const char *name;
        struct fake_stamp stamp;
    } cases[] = {
        {"no certificate in it", {.has_no_certificate = true}},
        {"SHA-384", {.digest = EVP_sha384()}},
        {"SHA-512", {.digest = EVP_sha512()}},
        {"an accuracy", {.accuracy_s = 1, .accuracy_ms = 500}},
        {"a fraction of a second", {.time_text = "20270115075955.25Z"}},
    };

    scene_epoch(&scene);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene.tpm->stamp = cases[i].stamp;
        scene.tpm->stamp.time = SCENE_NOW - 5;
        cr_expect(is_accepted(NULL, cases[i].name), "%s", cases[i].name);
    }
}

/* At the very edges of what the policy allows. */
Test(epoch, as_old_as_allowed)
{
    scene_epoch(&scene);
    scene.tpm->stamp.time = SCENE_NOW - SCENE_WITHIN_S;
    cr_expect(is_accepted(NULL, "60 s old"));
    scene.tpm->stamp.time = SCENE_NOW + SCENE_WITHIN_S;
    cr_expect(is_accepted(NULL, "60 s ahead"));
    scene.tpm->stamp.time = SCENE_NOW - SCENE_WITHIN_S + 2;
    scene.tpm->stamp.accuracy_s = 2;
    cr_expect(is_accepted(NULL, "58 s old, and 2 s of accuracy"));
}

/* A quote for the nonce is stronger. */
Test(epoch, a_policy_of_epochs_takes_a_nonce)
{
    scene_epoch(&scene);
    scene.tpm->tsa = NULL;
    cr_expect(is_accepted(NULL, "for the nonce"));
    cr_expect_eq(verdict_of(RATLS_CHECK_EPOCH_ASKED), RATLS_NOT_ASKED);
}

static void begin_again(uint8_t value)
{
    memset(scene.expectation.nonce, value, sizeof scene.expectation.nonce);
    memset(scene.expectation.binder, value, sizeof scene.expectation.binder);
}

static void sign_with_another_key(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_signer = draft->tpm->key;
}

static void break_quote(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->signature.p[draft->signature.len - 1] ^= 1;
}

/* The session of the evidence is another, its quote and token are those that were accepted. */
static struct fake_draft *take_over(const struct fake_draft *first, fake_tamper *tamper)
{
    struct fake_draft *next = scene_attest(&scene, tamper, NULL);
    struct ratls_evidence evidence = first->evidence;
    struct ratls_writer w = ratls_writer(next->wire, sizeof next->wire);

    evidence.session = next->evidence.session;
    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    next->wire_len = w.len;
    return next;
}

static bool is_taken(struct fake_draft *draft, const char *check)
{
    struct ratls_report *report = scene_appraise(&scene, draft->wire, draft->wire_len);
    bool accepted = ratls_report_accepted(report);
    struct ratls_finding finding = {.check = ""};

    ratls_report_first_failure(report, &finding);
    cr_expect_str_eq(finding.check, check, "%s: %s", finding.check, finding.actual);
    ratls_report_free(report);
    free(draft);
    return accepted;
}

/*
 * One quote serves the sessions of an epoch. The statement's manifest covers the token, so the
 * drafts must share it: it is made once.
 */
Test(epoch, one_quote_for_many_sessions)
{
    struct fake_draft *first;

    scene_epoch(&scene);
    first = scene_attest(&scene, NULL, NULL);
    scene.tpm->token_again = ratls_slice(first->token, first->token_len);
    cr_expect(is_taken(take_over(first, NULL), ""));
    for (uint8_t i = 1; i < 4; i++) {
        begin_again(i);
        cr_expect(is_taken(take_over(first, NULL), ""));
    }
    cr_expect_not(is_taken(take_over(first, sign_with_another_key), "epoch.signature"));
    scene.expectation.now += SCENE_WITHIN_S;
    cr_expect_not(is_taken(take_over(first, NULL), "epoch.age"));
    free(first);
}

/* Of what was accepted, and of nothing else: a stranger flushes nothing. */
Test(epoch, what_is_remembered)
{
    struct fake_draft *draft;
    struct ratls_epoch_memory *memory;
    struct ratls_token token;
    uint8_t spki[32], stamp[32];
    EVP_PKEY *key;

    scene_epoch(&scene);
    memory = scene.rules->epoch.memory;
    draft = scene_attest(&scene, sign_with_another_key, NULL);
    fake_digest(RATLS_ALG_SHA256, draft->evidence.session.key, spki);
    fake_digest(RATLS_ALG_SHA256, draft->evidence.token, stamp);
    cr_expect_not(is_taken(draft, "epoch.signature"));
    cr_expect_not(ratls_epoch_memory_token(memory, stamp, &token));
    cr_expect_null(ratls_epoch_memory_key(memory, spki));
    draft = scene_attest(&scene, NULL, NULL);
    fake_digest(RATLS_ALG_SHA256, draft->evidence.token, stamp);
    cr_expect(is_taken(draft, ""));
    cr_expect(ratls_epoch_memory_token(memory, stamp, &token));
    cr_expect_eq(token.time, SCENE_NOW - 5);
    key = ratls_epoch_memory_key(memory, spki);
    cr_expect_not_null(key);
    EVP_PKEY_free(key);
}

/* What is remembered of one quote stands for no other. */
Test(epoch, a_quote_that_is_known_stands_for_itself)
{
    scene_epoch(&scene);
    cr_expect(is_accepted(NULL, "good"));
    cr_expect_not(is_accepted(break_quote, "another signature"));
    scene_close(&scene);
    open_pinned();
}

/* Processes of one server quote at different times: one of them may be behind another. */
Test(epoch, an_older_quote_within_the_epoch)
{
    scene_epoch(&scene);
    scene.tpm->clock_ms = 10000000;
    cr_expect(is_accepted(NULL, "the first process"));
    scene.tpm->clock_ms -= 60000 + 1000 * SCENE_WITHIN_S;
    cr_expect(is_accepted(NULL, "the second, as far behind as may be"));
    scene.tpm->clock_ms -= 1000;
    cr_expect_not(is_accepted(NULL, "too far behind"));
    scene.tpm->clock_ms = 20000000;
    cr_expect(is_accepted(NULL, "on"));
    scene.tpm->reset_count--;
    cr_expect_not(is_accepted(NULL, "an earlier boot"));
}

Test(epoch, every_bit_flip_is_refused)
{
    struct fake_draft *draft;

    scene_epoch(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    for (size_t i = 0; i < draft->wire_len; i++) {
        struct ratls_report *report;

        draft->wire[i] ^= (uint8_t)(1 << i % 8);
        report = scene_appraise(&scene, draft->wire, draft->wire_len);
        cr_expect_not(ratls_report_accepted(report), "byte %zu", i);
        ratls_report_free(report);
        draft->wire[i] ^= (uint8_t)(1 << i % 8);
    }
    free(draft);
}
