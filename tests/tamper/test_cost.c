/*
 * What an appraisal may cost: how often it verifies a signature, makes a key, reads a certificate
 * and allocates. The linker counts the calls that the library makes (CMakeLists.txt).
 */
#include <criterion/criterion.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "failmalloc.h"
#include "scene.h"

static struct {
    size_t verified, keys, certificates;
} counts;

enum ratls_status __real_ratls_verify(EVP_PKEY *key, const struct ratls_tpm_public *area,
                                      const struct ratls_tpm_signature *signature,
                                      struct ratls_slice message, bool *ret_valid,
                                      struct ratls_error *err);
enum ratls_status __wrap_ratls_verify(EVP_PKEY *key, const struct ratls_tpm_public *area,
                                      const struct ratls_tpm_signature *signature,
                                      struct ratls_slice message, bool *ret_valid,
                                      struct ratls_error *err);
enum ratls_status __real_ratls_public_key(const struct ratls_tpm_public *key, EVP_PKEY **ret_key,
                                          struct ratls_error *err);
enum ratls_status __wrap_ratls_public_key(const struct ratls_tpm_public *key, EVP_PKEY **ret_key,
                                          struct ratls_error *err);
X509 *__real_d2i_X509(X509 **certificate, const unsigned char **in, long len);
X509 *__wrap_d2i_X509(X509 **certificate, const unsigned char **in, long len);

enum ratls_status __wrap_ratls_verify(EVP_PKEY *key, const struct ratls_tpm_public *area,
                                      const struct ratls_tpm_signature *signature,
                                      struct ratls_slice message, bool *ret_valid,
                                      struct ratls_error *err)
{
    counts.verified++;
    return __real_ratls_verify(key, area, signature, message, ret_valid, err);
}

enum ratls_status __wrap_ratls_public_key(const struct ratls_tpm_public *key, EVP_PKEY **ret_key,
                                          struct ratls_error *err)
{
    counts.keys++;
    return __real_ratls_public_key(key, ret_key, err);
}

X509 *__wrap_d2i_X509(X509 **certificate, const unsigned char **in, long len)
{
    counts.certificates++;
    return __real_d2i_X509(certificate, in, len);
}

static struct scene scene;

static void open_pinned(void)
{
    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
}

static void open_certified(void)
{
    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
}

static void close_scene(void)
{
    scene_close(&scene);
}

/* By a program that asks for no report, as in its handshake. Counts from here. */
static bool is_accepted(struct ratls_slice evidence)
{
    const struct ratls_submission submission = {.expectation = &scene.expectation,
                                                .tls_version = scene.expectation.tls_version,
                                                .present = true,
                                                .evidence = evidence};
    struct ratls_report *report = ratls_report_new();
    enum ratls_status status;

    cr_assert(report != NULL);
    report->is_brief = true;
    memset(&counts, 0, sizeof counts);
    failmalloc_arm(SIZE_MAX);
    status = ratls_appraise_submission(scene.rules, &submission, report, NULL);
    cr_expect_not(failmalloc_disarm());
    ratls_report_free(report);
    return status == RATLS_OK;
}

static bool attests(fake_tamper *tamper)
{
    struct fake_draft *draft = scene_attest(&scene, tamper, NULL);
    bool accepted = is_accepted(ratls_slice(draft->wire, draft->wire_len));

    free(draft);
    return accepted;
}

Test(cost, a_known_key, .init = open_pinned, .fini = close_scene)
{
    cr_assert(attests(NULL));
    cr_assert(attests(NULL));
    cr_expect_eq(counts.verified, 1);
    cr_expect_eq(counts.keys, 0);
    cr_expect_eq(counts.certificates, 0);
    cr_expect_eq(failmalloc_count(FAILMALLOC_OWN), 0, "%zu", failmalloc_count(FAILMALLOC_OWN));
    cr_expect_leq(failmalloc_count(FAILMALLOC_OPENSSL), 60, "%zu",
                  failmalloc_count(FAILMALLOC_OPENSSL));
}

static void leave_certificates(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_AREA)
        draft->evidence.certificate_count = 0;
}

Test(cost, a_key_whose_certificate_is_known, .init = open_certified, .fini = close_scene)
{
    cr_assert(attests(NULL));
    cr_expect_gt(counts.certificates, 0);
    cr_assert(attests(NULL), "the certificate comes again");
    cr_expect_eq(counts.verified, 1);
    cr_expect_eq(counts.keys + counts.certificates, 0);
    cr_assert(attests(leave_certificates), "it does not");
    cr_expect_eq(counts.verified, 1);
    cr_expect_eq(counts.keys + counts.certificates, 0);
    cr_expect_eq(failmalloc_count(FAILMALLOC_OWN), 0);
}

/* As the TPM made it once: to sign with ECDSA again would be another signature. */
static struct fake_bytes proof_made_once;

static void keep_proof(enum fake_proof_stage stage, struct fake_proof *proof)
{
    if (stage != FAKE_PROOF_ITEM)
        return;
    if (proof_made_once.len == 0)
        proof_made_once = proof->item;
    else
        proof->item = proof_made_once;
}

static void open_tls_key(void)
{
    open_pinned();
    scene_tls_key(&scene);
    scene.tpm->change_proof = keep_proof;
}

/* All but its signature is looked at each time. */
Test(cost, a_known_tls_key, .init = open_tls_key, .fini = close_scene)
{
    cr_assert(attests(NULL));
    cr_expect_eq(counts.verified, 2);
    cr_assert(attests(NULL));
    cr_expect_eq(counts.verified, 1);
    cr_expect_eq(failmalloc_count(FAILMALLOC_OWN), 0);
    proof_made_once.p[proof_made_once.len - 1] ^= 1;
    cr_expect_not(attests(NULL));
    cr_expect_eq(counts.verified, 2, "another signature is another proof");
}

/* Whom the issuer certified in the plain form, OpenSSL need not read. */
Test(cost, another_key_by_an_issuer_that_is_known, .init = open_certified, .fini = close_scene)
{
    struct fake_tpm *first = scene.tpm;
    X509 *certificate;

    cr_assert(attests(NULL));
    cr_expect_gt(counts.certificates, 0);
    scene.tpm = fake_tpm_new(FAKE_ECDSA_P256);
    certificate = scene_certificate(&scene, (struct pki_spec){.subject = "ak",
                                                              .key = scene.tpm->key,
                                                              .names = "DNS:" SCENE_SERVER,
                                                              .eku = PKI_EKU_AK});
    fake_tpm_add_certificate(scene.tpm, certificate);
    cr_assert(attests(NULL));
    cr_expect_eq(counts.certificates, 0);
    cr_expect_eq(counts.verified, 1, "beside the certificate");
    X509_free(certificate);
    fake_tpm_free(scene.tpm);
    scene.tpm = first;
}

/* Nobody makes us verify who sends evidence by a key of his own, or what cannot be read. */
Test(cost, an_unknown_key, .init = open_pinned, .fini = close_scene)
{
    struct fake_tpm *known = scene.tpm;

    scene.tpm = fake_tpm_new(FAKE_ECDSA_P256);
    cr_expect_not(attests(NULL));
    cr_expect_eq(counts.verified + counts.keys + counts.certificates, 0);
    cr_expect_eq(failmalloc_count(FAILMALLOC_OPENSSL), 0);
    fake_tpm_free(scene.tpm);
    scene.tpm = known;
}

/* Nor who sends evidence by one that is denied, however well it was known. */
Test(cost, a_denied_key, .init = open_certified, .fini = close_scene)
{
    cr_assert(attests(NULL));
    fake_policy_deny_key(scene.policy, scene.tpm);
    cr_expect_not(attests(NULL));
    cr_expect_eq(counts.verified + counts.keys + counts.certificates, 0);
    cr_expect_eq(failmalloc_count(FAILMALLOC_OPENSSL), 0);
}

static void cut_wire(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_WIRE)
        draft->wire_len--;
}

static void cut_quote(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_ATTEST)
        draft->attest.len--;
}

Test(cost, malformed_evidence, .init = open_pinned, .fini = close_scene)
{
    cr_assert(attests(NULL));
    cr_expect_not(attests(cut_wire));
    cr_expect_eq(counts.verified + counts.keys + counts.certificates, 0);
    cr_expect_not(attests(cut_quote));
    cr_expect_eq(counts.verified + counts.keys + counts.certificates, 0);
}

/* ---- one quote for two sessions ---- */

static uint8_t sibling[32];

static void join_sibling(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_LEAF)
        return;
    draft->path = (struct ratls_merkle_path){.leaf_index = 0, .tree_size = 2, .count = 1};
    memcpy(draft->path.hashes[0], sibling, sizeof sibling);
}

static void make_leaf(const struct fake_draft *draft, uint8_t out[32])
{
    cr_assert_eq(ratls_merkle_leaf(ratls_slice(draft->statement_cbor.p, draft->statement_cbor.len),
                                   out, NULL),
                 RATLS_OK);
}

/* Two sessions, whose nonces begin with these, in the tree of one quote. */
#define FIRST 1
#define SECOND 2

struct batch {
    struct fake_draft *first, *second; /* the second with the quote of the first */
};

static void set_session(uint8_t number)
{
    scene.expectation.nonce[0] = number;
}

static void encode_again(struct fake_draft *draft)
{
    struct ratls_writer w = ratls_writer(draft->wire, sizeof draft->wire);

    ratls_evidence_write(&draft->evidence, &w);
    cr_assert_not(w.failed);
    draft->wire_len = w.len;
}

static struct batch make_batch(void)
{
    struct batch batch;
    struct ratls_evidence *second;

    set_session(SECOND);
    batch.second = scene_attest(&scene, NULL, NULL);
    make_leaf(batch.second, sibling);
    set_session(FIRST);
    batch.first = scene_attest(&scene, join_sibling, NULL);
    second = &batch.second->evidence;
    second->path = (struct ratls_merkle_path){.leaf_index = 1, .tree_size = 2, .count = 1};
    make_leaf(batch.first, second->path.hashes[0]);
    batch.second->attest = batch.first->attest;
    batch.second->signature = batch.first->signature;
    second->attest = ratls_slice(batch.second->attest.p, batch.second->attest.len);
    second->signature = ratls_slice(batch.second->signature.p, batch.second->signature.len);
    encode_again(batch.second);
    return batch;
}

static void free_batch(struct batch *batch)
{
    free(batch->first);
    free(batch->second);
}

static bool takes(uint8_t session, const struct fake_draft *draft)
{
    set_session(session);
    return is_accepted(ratls_slice(draft->wire, draft->wire_len));
}

Test(cost, the_same_quote_is_verified_once, .init = open_pinned, .fini = close_scene)
{
    struct batch batch = make_batch();

    cr_assert(takes(FIRST, batch.first));
    cr_expect_eq(counts.verified, 1);
    cr_assert(takes(SECOND, batch.second));
    cr_expect_eq(counts.verified, 0, "its path leads to a root that was verified");
    cr_expect_not(takes(FIRST, batch.second), "the quote is known, the session is another");
    free_batch(&batch);
}

Test(cost, a_quote_that_was_refused_is_not_known, .init = open_pinned, .fini = close_scene)
{
    struct batch batch = make_batch();

    cr_expect_not(takes(SECOND, batch.first), "of another session");
    cr_expect_eq(counts.verified, 1);
    cr_assert(takes(FIRST, batch.first));
    cr_expect_eq(counts.verified, 1, "verified for evidence that was refused: not remembered");
    free_batch(&batch);
}

/* Each bit of what was signed, and of the signature: verified anew, and refused. */
static void expect_refused_flipped(struct batch *batch, struct fake_bytes *bytes, const char *what)
{
    for (size_t bit = 0; bit < 8 * bytes->len; bit++) {
        bytes->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        encode_again(batch->second);
        cr_expect_not(takes(SECOND, batch->second), "%s: bit %zu", what, bit);
        bytes->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(cost, nothing_near_a_known_quote_is_known, .init = open_pinned, .fini = close_scene)
{
    struct batch batch = make_batch();

    cr_assert(takes(FIRST, batch.first));
    expect_refused_flipped(&batch, &batch.second->signature, "signature");
    expect_refused_flipped(&batch, &batch.second->attest, "attest");
    expect_refused_flipped(&batch, &batch.second->ak_public, "key");
    encode_again(batch.second);
    cr_assert(takes(SECOND, batch.second), "as it was");
    cr_expect_eq(counts.verified, 0);
    free_batch(&batch);
}

/* The policy's own memory: what one policy verified is nothing to another. */
Test(cost, another_policy_verifies_itself, .init = open_pinned, .fini = close_scene)
{
    struct batch batch = make_batch();
    struct scene first = scene;

    cr_assert(takes(FIRST, batch.first));
    scene.policy = fake_policy_new(scene.tpm);
    scene.rules = fake_policy_rules(scene.policy);
    scene_pin(&scene);
    cr_assert(takes(SECOND, batch.second));
    cr_expect_eq(counts.verified, 1);
    ratls_policy_free(scene.policy);
    scene = first;
    free_batch(&batch);
}
