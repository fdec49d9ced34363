/* What a list may have and is accepted; what of it is believed; and what is kept of it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ima_assert.h"

#define FIRST RATLS_CHECK_IMA_PRESENT
#define LAST RATLS_CHECK_IMA_ALLOW

static void nothing_else(struct scene *scene)
{
    (void)scene;
}

static void padded(struct scene *scene)
{
    scene_ima_begin(scene, RATLS_ALG_SHA1, RATLS_IMA_PADDED);
    fake_ima_file(&scene->ima->list, "/usr/bin/ls", FILL_LS);
}

static void padded_as_asked(struct scene *scene)
{
    scene->rules->ima.extend = RATLS_IMA_PADDED;
    padded(scene);
}

static void native_as_asked(struct scene *scene)
{
    scene->rules->ima.extend = RATLS_IMA_NATIVE;
}

static void list_of_bank(struct scene *scene)
{
    scene_ima_begin(scene, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    fake_ima_file(&scene->ima->list, "/usr/bin/ls", FILL_LS);
}

static void boot_alone(struct scene *scene)
{
    scene_ima_begin(scene, RATLS_ALG_SHA1, RATLS_IMA_NATIVE);
}

static void violations_allowed(struct scene *scene)
{
    scene->rules->ima.violations_allowed = true;
    fake_ima_violation(&scene->ima->list, "/opt/x");
    scene->ima->list.mode = RATLS_IMA_NATIVE;
}

static void violations_allowed_and_padded(struct scene *scene)
{
    padded(scene);
    scene->rules->ima.violations_allowed = true;
    fake_ima_violation(&scene->ima->list, "/opt/x");
    fake_ima_file(&scene->ima->list, "/usr/bin/ls", FILL_LS);
}

static void excluded(struct scene *scene)
{
    fake_ima_file(&scene->ima->list, "/var/log/a/b", FILL_UNKNOWN);
}

/* Excluded, and with a signature that nobody looks at. */
static void excluded_and_signed(struct scene *scene)
{
    fake_ima_signed(&scene->ima->list, "/var/log/x", FILL_UNKNOWN, scene->ima->stranger);
}

static void allowed_and_signed_by_stranger(struct scene *scene)
{
    fake_ima_signed(&scene->ima->list, "/usr/bin/ls", FILL_LS, scene->ima->stranger);
}

static void signed_anywhere(struct scene *scene)
{
    fake_ima_signed(&scene->ima->list, "/opt/x", FILL_UNKNOWN, scene->ima->key);
}

static void signed_where_required(struct scene *scene)
{
    fake_ima_signed(&scene->ima->list, "/usr/sbin/x", FILL_UNKNOWN, scene->ima->key);
}

static void verity_signed(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "verity:sha256:", FILL_UNKNOWN, 32);
    fake_ima_path(&data, "/opt/x");
    fake_ima_signature(&data, scene->ima->key, 3, FILL_UNKNOWN);
    fake_ima_entry(&scene->ima->list, "ima-sigv2", &data, false);
}

static void buffer(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_KEXEC, 32);
    fake_ima_path(&data, "kexec-cmdline");
    fake_ima_field(&data, "root=/dev/sda1", 14);
    fake_ima_entry(&scene->ima->list, "ima-buf", &data, false);
}

static void module(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_LS, 32);
    fake_ima_path(&data, "/usr/bin/ls");
    fake_ima_field(&data, NULL, 0);
    fake_ima_digest(&data, "sha256:", FILL_UNKNOWN, 32);
    fake_ima_field(&data, "signature", 9);
    fake_ima_entry(&scene->ima->list, "ima-modsig", &data, false);
}

static void kexec(struct scene *scene)
{
    fake_ima_boot(&scene->ima->list, scene->tpm, RATLS_ALG_SHA256);
    fake_ima_file(&scene->ima->list, "/usr/bin/ls", FILL_LS);
}

static void known_in_part(struct scene *scene)
{
    scene_ima_know(scene, 2);
}

static void known_altogether(struct scene *scene)
{
    scene_ima_know(scene, 3);
}

/* Of another boot: the server begins at 0, and so does all that is known. */
static void known_of_other_boot(struct scene *scene)
{
    scene_ima_know(scene, 3);
    scene->ima->known.reset_count--;
}

static void known_and_violated(struct scene *scene)
{
    scene_ima_know(scene, 2);
    violations_allowed(scene);
}

Test(ima_good, lists_are_accepted)
{
    static const struct {
        const char *name;
        void (*change)(struct scene *scene);
    } cases[] = {
        {"the usual one", nothing_else},
        {"padded", padded},
        {"padded, as asked", padded_as_asked},
        {"native, as asked", native_as_asked},
        {"the list of the bank", list_of_bank},
        {"boot_aggregate alone", boot_alone},
        {"violations", violations_allowed},
        {"violations, padded", violations_allowed_and_padded},
        {"excluded", excluded},
        {"excluded and signed", excluded_and_signed},
        {"allowed, and signed by a stranger", allowed_and_signed_by_stranger},
        {"signed", signed_anywhere},
        {"signed where that is required", signed_where_required},
        {"fs-verity, signed", verity_signed},
        {"a measured buffer", buffer},
        {"a module", module},
        {"kexec", kexec},
        {"known in part", known_in_part},
        {"known altogether", known_altogether},
        {"known of another boot", known_of_other_boot},
        {"known, and a violation", known_and_violated},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;

        open_scene(&scene);
        cases[i].change(&scene);
        install(&scene);
        expect_accepted(&scene, cases[i].name);
        scene_close(&scene);
    }
}

/* Appended after the quote: anybody on the way could have done it. */
Test(ima_good, what_follows_the_prefix_is_not_looked_at)
{
    struct scene scene;
    struct ratls_report *report;
    struct ratls_ledger_row row;
    bool is_found = false;

    open_scene(&scene);
    fake_ima_file(&scene.ima->list, "/opt/evil", FILL_BAD);
    fake_ima_violation(&scene.ima->list, "/opt/violation");
    memset(scene.ima->list.bytes + scene.ima->list.len, 0xff, 7); /* no entry at all */
    scene.ima->list.len += 7;
    fake_ima_show(&scene.ima->list, scene.tpm);
    report = appraise(&scene);
    cr_expect(ratls_report_accepted(report));
    cr_expect_not(says(report, "/opt/"));
    cr_expect(says(report, "3 entries do, 3 of them are new"));
    ratls_report_free(report);
    /* Nor is it acknowledged. */
    cr_expect_eq(ratls_ledger_find(scene.rules->ledger, SCENE_SERVER, scene.rules->ima.sha256, &row,
                                   &is_found, NULL),
                 RATLS_OK);
    cr_expect(is_found && row.ima.entries == 3 && row.ima.offset == scene.ima->list.ends[2]);
    cr_expect_eq(row.pending_len, 0);
    /* But if it was there when the quote was made, it counts. */
    scene.ima->list.len -= 7;
    install(&scene);
    expect_failure(&scene, RATLS_CHECK_IMA_DENY, "an evil entry");
    scene_close(&scene);
}

static enum ratls_verdict verdict_of(const struct ratls_report *report, enum ratls_check check)
{
    struct ratls_finding finding;

    cr_assert(ratls_report_finding(report, check, &finding));
    return finding.verdict;
}

Test(ima_good, what_the_policy_does_not_ask)
{
    struct ratls_report *report;
    struct scene scene;

    open_scene(&scene);
    scene.rules->ima.is_asked = false;
    scene.rules->selection.banks[0].pcrs = 0xff;
    report = appraise(&scene);
    cr_expect(ratls_report_accepted(report));
    for (int check = FIRST; check <= LAST; check++)
        cr_expect_eq(verdict_of(report, (enum ratls_check)check), RATLS_NOT_ASKED);
    ratls_report_free(report);
    scene_close(&scene);
}

/* A check whose rule is absent is not asked, and nothing else is then let through. */
Test(ima_good, rules_that_are_absent)
{
    struct ratls_ima_rules *rules, all;
    struct ratls_report *report;
    struct scene scene;

    open_scene(&scene);
    rules = &scene.rules->ima;
    all = *rules;
    fake_ima_file(&scene.ima->list, "/opt/x", FILL_UNKNOWN);
    install(&scene);
    rules->deny.count = 0;
    rules->signer_count = 0;
    rules->signature_required.count = 0;
    report = appraise(&scene);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_DENY), RATLS_NOT_ASKED);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_SIGNATURE), RATLS_NOT_ASKED);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_ALLOW), RATLS_FAIL);
    ratls_report_free(report);
    *rules = all;
    rules->allow.count = 0; /* then only signatures count */
    report = appraise(&scene);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_ALLOW), RATLS_FAIL);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_SIGNATURE), RATLS_PASS);
    ratls_report_free(report);
    rules->signer_count = 0; /* required, and nobody can sign */
    report = appraise(&scene);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_ALLOW), RATLS_NOT_ASKED);
    cr_expect_eq(verdict_of(report, RATLS_CHECK_IMA_SIGNATURE), RATLS_PASS);
    ratls_report_free(report);
    fake_ima_file(&scene.ima->list, "/usr/sbin/fsck", FILL_LS);
    install(&scene);
    expect_failure(&scene, RATLS_CHECK_IMA_SIGNATURE, "required");
    *rules = all;
    scene_close(&scene);
}
