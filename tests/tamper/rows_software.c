/* Keys that an issuer certified as those of software TPMs. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "crypto_general_name.h"
#include "crypto_tpm_maker.h"
#include "must.h"
#include "rows.h"

/* subjectAltName: the server, and who made the TPM. */
static X509_EXTENSION *make_names(const struct ratls_tpm_maker *maker)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *directory = GENERAL_NAME_new();
    X509_EXTENSION *extension;

    must(names != NULL && directory != NULL);
    GENERAL_NAME_set0_value(directory, GEN_DIRNAME, ratls_tpm_maker_name(maker));
    must(sk_GENERAL_NAME_push(
             names, ratls_general_name(ratls_slice(SCENE_SERVER, strlen(SCENE_SERVER)))) > 0 &&
         sk_GENERAL_NAME_push(names, directory) > 0);
    extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
    must(extension != NULL);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return extension;
}

static void certify(struct scene *scene, const struct ratls_tpm_maker *maker)
{
    X509_EXTENSION *names = make_names(maker);
    struct fake_tpm *tpm = scene->tpm;
    X509 *certificate = scene_certificate(
        scene, (struct pki_spec){
                   .subject = "ak", .key = tpm->key, .eku = PKI_EKU_AK, .extensions = {names}});

    OPENSSL_free(tpm->chain[0]);
    tpm->chain[0] = NULL;
    tpm->chain_count = 0;
    fake_tpm_add_certificate(tpm, certificate);
    X509_EXTENSION_free(names);
    X509_free(certificate);
}

static void certify_swtpm(struct scene *scene)
{
    certify(scene, &(struct ratls_tpm_maker){
                       .manufacturer = "id:00001014", .model = "swtpm", .version = "id:20191023"});
}

static void certify_chip(struct scene *scene)
{
    certify(scene, &(struct ratls_tpm_maker){.manufacturer = "id:49465800", .model = "SLB 9670"});
}

static void certify_model(struct scene *scene)
{
    certify(scene, &(struct ratls_tpm_maker){.manufacturer = "id:49465800", .model = "swtpm"});
}

static void certify_marked(struct scene *scene)
{
    certify(scene, &(struct ratls_tpm_maker){.is_software = true});
}

/* The issuer is known by a certificate that was accepted: others may be read the short way. */
static void certify_later(struct scene *scene)
{
    scene_name_keys(scene);
    scene->key_id_count = 0;
    certify_swtpm(scene);
}

/* It came before, and was refused. */
static void certify_and_come(struct scene *scene)
{
    struct ratls_report *report;
    struct fake_draft *draft;

    certify_swtpm(scene);
    draft = scene_attest(scene, NULL, NULL);
    report = scene_appraise(scene, draft->wire, draft->wire_len);
    must(!ratls_report_accepted(report));
    ratls_report_free(report);
    free(draft);
}

#define SOFTWARE_ROW(words, change)                                                                \
    {                                                                                              \
        .name = words, .check = RATLS_CHECK_AK_SOFTWARE, .not_run = NEEDS_AK_SOFTWARE,             \
        .trust = ROW_CERTIFIED, .after = change, .at = "quote.certificates",                       \
        .expected = "a key of a TPM",                                                              \
        .actual = "a key of a software TPM, whose owner can read it and sign anything with it"     \
    }

static const struct row rows[] = {
    SOFTWARE_ROW("swtpm", certify_swtpm),
    SOFTWARE_ROW("of a model that is software", certify_model),
    SOFTWARE_ROW("marked as software", certify_marked),
    SOFTWARE_ROW("swtpm, by an issuer that is known", certify_later),
    SOFTWARE_ROW("swtpm, for the second time", certify_and_come),
};

const struct rows rows_software = {rows, sizeof rows / sizeof rows[0]};

static void expect_accepted(bool allows_software, void (*change)(struct scene *scene))
{
    struct fake_draft *draft;
    struct ratls_report *report;
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    scene.rules->allows_software = allows_software;
    change(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    cr_expect(ratls_report_accepted(report));
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
}

/* A policy that allows them, and the certificate of a chip that says who made it. */
Test(tamper_software, accepted)
{
    expect_accepted(true, certify_swtpm);
    expect_accepted(false, certify_chip);
    expect_accepted(true, certify_chip);
}
