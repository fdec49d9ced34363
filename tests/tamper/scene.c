#include "scene.h"
#include "scene_ima.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "must.h"

#define TLS_1_3 0x0304
#define ISSUER_LIFE_S 2592000 /* 30 days: longer than the certificates that it makes */
#define TLS_AES_128_GCM_SHA256 0x1301

void scene_open(struct scene *scene, enum ratls_mode mode, enum fake_algorithm algorithm)
{
    struct ratls_expectation *e = &scene->expectation;

    *scene = (struct scene){.tpm = fake_tpm_new(algorithm)};
    scene->policy = fake_policy_new(scene->tpm);
    scene->rules = fake_policy_rules(scene->policy);
    *e = (struct ratls_expectation){
        .mode = mode, .role = RATLS_ROLE_SERVER, .server_name = SCENE_SERVER, .now = SCENE_NOW};
    memset(e->spki_sha256, 0x5c, sizeof e->spki_sha256);
    if (mode == RATLS_MODE_CERTIFICATE) {
        scene->rules->freshness = RATLS_FRESHNESS_CERTIFICATE;
        scene->rules->max_age_s = 86400;
        return;
    }
    e->tls_version = TLS_1_3;
    e->cipher_suite = TLS_AES_128_GCM_SHA256;
    memset(e->nonce, 0x0a, sizeof e->nonce);
    memset(e->binder, 0x0b, sizeof e->binder);
    if (mode == RATLS_MODE_RENEWAL)
        e->counter = SCENE_COUNTER;
}

void scene_accepted(struct scene *scene)
{
    struct ratls_accepted *before = &scene->expectation.before;

    before->ak_name_len = fake_tpm_name(scene->tpm, before->ak_name);
    before->reset_count = scene->tpm->reset_count;
    before->restart_count = scene->tpm->restart_count;
    before->clock_ms = scene->tpm->clock_ms;
}

void scene_close(struct scene *scene)
{
    if (scene->boot != NULL)
        fake_boot_forget(scene->policy);
    fake_boot_free(scene->boot);
    scene_ima_free(scene);
    ratls_policy_free(scene->policy);
    fake_tsa_free(scene->tsa);
    fake_tpm_free(scene->tpm);
    X509_free(scene->issuer);
    EVP_PKEY_free(scene->issuer_key);
    EVP_PKEY_free(scene->tls_key);
}

void scene_tls_key(struct scene *scene)
{
    scene->tls_key = pki_key(PKI_P256);
    scene->tpm->tls_key = scene->tls_key;
    fake_spki_sha256(scene->tls_key, scene->expectation.spki_sha256);
    scene->rules->needs_tpm_tls_key = true;
}

void scene_pin(struct scene *scene)
{
    fake_policy_pin(scene->policy, scene->tpm, SCENE_SERVER);
}

X509 *scene_certificate(struct scene *scene, struct pki_spec spec)
{
    int64_t start = SCENE_NOW - (int64_t)time(NULL);

    if (spec.not_before_s == 0)
        spec.not_before_s = start - 3600;
    if (spec.not_after_s == 0)
        spec.not_after_s = start + 86400;
    if (spec.issuer == NULL && spec.key != scene->issuer_key) {
        spec.issuer = scene->issuer;
        spec.issuer_key = scene->issuer_key;
    }
    return pki_certificate(&spec);
}

void scene_certify(struct scene *scene, const char *names)
{
    X509 *certificate;

    scene->issuer_key = pki_key(PKI_P256);
    scene->issuer = scene_certificate(
        scene, (struct pki_spec){.subject = "issuer",
                                 .key = scene->issuer_key,
                                 .ca = "critical,CA:TRUE",
                                 .key_usage = "critical,keyCertSign,cRLSign",
                                 .not_after_s = SCENE_NOW - (int64_t)time(NULL) + ISSUER_LIFE_S});
    fake_policy_issuer(scene->policy, scene->issuer, NULL);
    certificate = scene_certificate(
        scene, (struct pki_spec){
                   .subject = "ak", .key = scene->tpm->key, .names = names, .eku = PKI_EKU_AK});
    fake_tpm_add_certificate(scene->tpm, certificate);
    X509_free(certificate);
}

void scene_boot(struct scene *scene)
{
    scene->boot = fake_boot_new();
    fake_boot_extend(scene->boot, scene->tpm);
    fake_boot_allow(scene->boot, scene->policy);
}

void scene_epoch_by(struct scene *scene, struct pki_spec spec, X509 *anchor)
{
    int64_t start = SCENE_NOW - (int64_t)time(NULL);

    spec.not_before_s += start - 3600;
    spec.not_after_s += start + 86400;
    scene->tsa = fake_tsa_new(&spec);
    fake_policy_epoch(scene->policy, anchor == NULL ? scene->tsa->certificate : anchor,
                      SCENE_WITHIN_S);
    scene->tpm->tsa = scene->tsa;
    scene->tpm->stamp = (struct fake_stamp){.time = SCENE_NOW - 5};
}

void scene_epoch_below(struct scene *scene, const char *eku)
{
    EVP_PKEY *root_key = pki_key(PKI_P256), *key = pki_key(PKI_P256);
    X509 *root = scene_certificate(
        scene, (struct pki_spec){.subject = "root", .key = root_key, .ca = "critical,CA:TRUE"});
    X509 *ca = scene_certificate(scene, (struct pki_spec){.subject = "below",
                                                          .key = key,
                                                          .issuer = root,
                                                          .issuer_key = root_key,
                                                          .ca = "critical,CA:TRUE",
                                                          .eku = eku});

    scene_epoch_by(scene,
                   (struct pki_spec){.subject = "time stamps",
                                     .issuer = ca,
                                     .issuer_key = key,
                                     .eku = "critical,timeStamping"},
                   root);
    scene->tsa->issuer = ca;
    X509_free(root);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(key);
}

void scene_epoch(struct scene *scene)
{
    scene_epoch_by(
        scene, (struct pki_spec){.subject = "time stamps", .eku = "critical,timeStamping"}, NULL);
}

void scene_name_keys(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);

    must(ratls_report_accepted(report));
    scene->key_id_count = ratls_key_cache_ids(scene->rules->keys, scene->expectation.server_name,
                                              SCENE_NOW, scene->key_ids, RATLS_KEY_IDS_MAX);
    must(scene->key_id_count > 0);
    ratls_report_free(report);
    free(draft);
}

struct fake_draft *scene_attest(struct scene *scene, fake_tamper *tamper, void *arg)
{
    struct ratls_attest_request request;

    fake_request(&scene->expectation, &scene->rules->selection, &request);
    request.offers = scene->rules->needs_tpm_tls_key ? RATLS_OFFER_TLS_KEY : 0;
    if (scene->boot != NULL) {
        request.logs.boot_bank = scene->rules->boot.bank;
        scene->tpm->boot_log = fake_boot_log(scene->boot);
    }
    scene_ima_request(scene, &request.logs);
    request.key_id_count = scene->key_id_count;
    memcpy(request.key_ids, scene->key_ids, sizeof request.key_ids);
    return fake_tpm_attest(scene->tpm, &request, tamper, arg);
}

struct ratls_report *scene_appraise(struct scene *scene, const uint8_t *evidence, size_t len)
{
    struct ratls_report *report = ratls_report_new();
    struct ratls_error err = {0};
    struct ratls_submission submission = {.expectation = &scene->expectation,
                                          .tls_version = scene->expectation.tls_version,
                                          .resumed = scene->resumed,
                                          .misplaced = scene->misplaced,
                                          .fault = scene->fault,
                                          .key_ids = scene->key_ids,
                                          .key_id_count = scene->key_id_count,
                                          .present = !scene->absent};
    enum ratls_status status;

    must(report != NULL);
    if (submission.present)
        submission.evidence = ratls_slice(evidence, len);
    scene_ima_submission(scene, &submission);
    status = ratls_appraise_submission(scene->rules, &submission, report, &err);
    if (status != RATLS_OK && status != RATLS_REJECTED)
        fprintf(stderr, "appraisal: %s: %s\n", ratls_status_name(status), err.text);
    must(status == (ratls_report_accepted(report) ? RATLS_OK : RATLS_REJECTED));
    return report;
}
