/* Clock and counters of a TPM outlive the process that saw them, and hold for all of a folder. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "ledger_rows.h"
#include "ledger_seen.h"
#include "scene.h"

static void open_scene(struct scene *scene, struct ledger_folder *folder)
{
    struct ratls_error err = {0};

    ledger_folder_make(folder);
    scene_open(scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(scene);
    cr_assert_eq(ratls_policy_use_state(scene->policy, folder->path, &err), RATLS_OK, "%s",
                 err.text);
}

static void close_scene(struct scene *scene, const struct ledger_folder *folder)
{
    scene_close(scene);
    ledger_folder_remove(folder);
}

/* What was in memory is gone; what is in the folder is not. */
static void begin_process(struct scene *scene)
{
    ratls_key_cache_free(scene->rules->keys);
    scene->rules->keys = ratls_key_cache_new();
    cr_assert_not_null(scene->rules->keys);
}

/* "": accepted; else the check that failed, and nothing else did. */
static void expect(struct scene *scene, const char *check, const char *expected)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);
    struct ratls_finding finding = {.check = "", .expected = "", .actual = ""};
    bool has_failed = ratls_report_first_failure(report, &finding);

    cr_expect_eq(ratls_report_accepted(report), check[0] == '\0');
    cr_expect_eq(has_failed, check[0] != '\0');
    cr_expect_str_eq(finding.check, check);
    cr_expect_not_null(strstr(finding.expected, expected), "%s", finding.expected);
    ratls_report_free(report);
    free(draft);
}

Test(counters_kept, another_process_refuses_what_goes_back)
{
    struct ledger_folder folder;
    struct scene scene;

    open_scene(&scene, &folder);
    scene.tpm->reset_count = 7;
    scene.tpm->restart_count = 2;
    scene.tpm->clock_ms = 500000;
    expect(&scene, "", "");
    begin_process(&scene);
    scene.tpm->reset_count = 6;
    expect(&scene, "quote.counters", "not before reset 7, restart 2, clock 4400");
    scene.tpm->reset_count = 7;
    scene.tpm->restart_count = 1;
    expect(&scene, "quote.counters", "not before reset 7");
    scene.tpm->restart_count = 2;
    scene.tpm->clock_ms = 400000;
    expect(&scene, "quote.counters", "not before reset 7");
    scene.tpm->clock_ms = 500000;
    expect(&scene, "", "");
    scene.tpm->reset_count = 8;
    scene.tpm->restart_count = 0;
    scene.tpm->clock_ms = 0;
    expect(&scene, "", "");
    begin_process(&scene);
    scene.tpm->reset_count = 7;
    scene.tpm->restart_count = 9;
    expect(&scene, "quote.counters", "not before reset 8");
    close_scene(&scene, &folder);
}

/* A boot is kept at once, though the last time is not long ago. */
Test(counters_kept, a_boot_is_kept_at_once)
{
    struct ledger_folder folder;
    struct scene scene;

    open_scene(&scene, &folder);
    scene.tpm->reset_count = 7;
    expect(&scene, "", "");
    scene.tpm->reset_count = 9;
    expect(&scene, "", "");
    begin_process(&scene);
    scene.tpm->reset_count = 8;
    expect(&scene, "quote.counters", "not before reset 9");
    close_scene(&scene, &folder);
}

/* The other process has seen the next boot: as soon as this one looks, the last one is over. */
Test(counters_kept, what_another_process_has_seen_counts)
{
    const struct ratls_tpm_counters later = {.reset_count = 8};
    struct ledger_folder folder;
    const struct ratls_pin *pin;
    struct ratls_ledger *other;
    struct scene scene;

    open_scene(&scene, &folder);
    scene.tpm->reset_count = 7;
    expect(&scene, "", "");
    other = ledger_open(folder.path);
    pin = &scene.rules->pins[0];
    cr_assert_eq(ratls_ledger_put_seen(other, ratls_slice(pin->name, pin->name_len), &later, NULL),
                 RATLS_OK);
    ratls_ledger_free(other);
    scene.tpm->restart_count++;
    expect(&scene, "quote.counters", "not before reset 8");
    close_scene(&scene, &folder);
}

/* Counters from a forged quote would lock the genuine TPM out. */
Test(counters_kept, what_was_refused_is_not_kept)
{
    struct ledger_folder folder;
    struct scene scene;

    open_scene(&scene, &folder);
    scene.tpm->reset_count = UINT32_MAX;
    scene.tpm->firmware_version = 0xbad;
    fake_policy_deny_firmware(scene.policy, 0xbad);
    expect(&scene, "quote.firmware", "");
    begin_process(&scene);
    scene.tpm->reset_count = 7;
    scene.tpm->firmware_version = 0x600d;
    expect(&scene, "", "");
    close_scene(&scene, &folder);
}

Test(counters_kept, a_stranger_makes_no_file)
{
    struct ledger_folder folder;
    struct scene scene;

    ledger_folder_make(&folder);
    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    cr_assert_eq(ratls_policy_use_state(scene.policy, folder.path, NULL), RATLS_OK);
    expect(&scene, "ak.trust", "");
    cr_expect_neq(access(folder.file, F_OK), 0);
    close_scene(&scene, &folder);
}

/* Anybody can send a certificate: it speaks for the key only if an issuer of the policy made it. */
Test(counters_kept, a_stranger_with_a_certificate_makes_no_file)
{
    EVP_PKEY *key = pki_key(PKI_P256), *other_key = pki_key(PKI_P256);
    X509 *issuer = pki_ca("issuer", key, NULL, key);
    X509 *other = pki_ca("other", other_key, NULL, other_key);
    struct ledger_folder folder;
    struct scene scene;
    X509 *certificate;

    ledger_folder_make(&folder);
    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    fake_policy_issuer(scene.policy, issuer, NULL);
    certificate = pki_ak_certificate(scene.tpm->key, "DNS:" SCENE_SERVER, other, other_key);
    fake_tpm_add_certificate(scene.tpm, certificate);
    cr_assert_eq(ratls_policy_use_state(scene.policy, folder.path, NULL), RATLS_OK);
    expect(&scene, "ak.trust", "");
    cr_expect_neq(access(folder.file, F_OK), 0);
    close_scene(&scene, &folder);
    X509_free(certificate);
    X509_free(other);
    X509_free(issuer);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(key);
}

/* Else to damage the file would be a way to set a TPM back. */
Test(counters_kept, without_an_answer_nothing_goes_on)
{
    struct ledger_folder folder;
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report = NULL;
    struct ratls_error err = {0};
    FILE *file;

    open_scene(&scene, &folder);
    file = fopen(folder.file, "wx");
    cr_assert_not_null(file);
    cr_assert(fputs("this is no file of SQLite", file) >= 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(folder.file, 0600), 0);
    draft = scene_attest(&scene, NULL, NULL);
    cr_expect_eq(ratls_appraise(scene.policy, &scene.expectation, draft->wire, draft->wire_len,
                                &report, &err),
                 RATLS_IO);
    cr_expect_null(report);
    cr_expect_not_null(strstr(err.text, folder.file), "%s", err.text);
    free(draft);
    close_scene(&scene, &folder);
}
