/* How far a list was accepted is kept, and the next appraisal begins there. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ima_assert.h"
#include "ledger_rows.h"

/* From one appraisal to the next, as a client does it. */
static void know_what_was_kept(struct scene *scene)
{
    cr_assert_eq(ratls_ledger_find(scene->rules->ledger, SCENE_SERVER, scene->rules->ima.sha256,
                                   &scene->ima->known, &scene->ima->has_known, NULL),
                 RATLS_OK);
}

/* Only that is asked for, and sent: nothing else can cost anything. */
static void expect_one_new(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);
    const struct fake_ima *list = &scene->ima->list;

    cr_expect(ratls_report_accepted(report));
    cr_expect_eq(draft->evidence.ima.offset, list->ends[list->count - 2]);
    cr_expect_eq(draft->evidence.ima.entries.len, list->len - list->ends[list->count - 2]);
    cr_expect(says(report, "1 of them are new"));
    ratls_report_free(report);
    free(draft);
}

Test(ima_kept, what_is_accepted_is_kept)
{
    struct scene scene;

    open_scene(&scene);
    know_what_was_kept(&scene);
    cr_expect_not(scene.ima->has_known);
    expect_accepted(&scene, "all");
    for (int i = 0; i < 5; i++) {
        know_what_was_kept(&scene);
        cr_expect(scene.ima->has_known);
        cr_expect_eq(scene.ima->known.ima.offset, scene.ima->list.len);
        cr_expect_eq(scene.ima->known.boot_aggregate_alg, RATLS_ALG_SHA256);
        expect_accepted(&scene, "nothing new");
        fake_ima_file(&scene.ima->list, "/usr/bin/ls", FILL_LS);
        install(&scene);
        expect_one_new(&scene);
    }
    /* What was refused is not. */
    know_what_was_kept(&scene);
    fake_ima_file(&scene.ima->list, "/opt/x", FILL_UNKNOWN);
    install(&scene);
    expect_failure(&scene, RATLS_CHECK_IMA_ALLOW, "unknown");
    know_what_was_kept(&scene);
    cr_expect_eq(scene.ima->known.ima.offset, scene.ima->list.ends[7]);
    expect_failure(&scene, RATLS_CHECK_IMA_ALLOW, "unknown, again");
    /* After the next boot the list begins anew. */
    scene.tpm->reset_count++;
    scene_ima_begin(&scene, RATLS_ALG_SHA1, RATLS_IMA_NATIVE);
    install(&scene);
    expect_accepted(&scene, "after a boot");
    know_what_was_kept(&scene);
    cr_expect_eq(scene.ima->known.ima.entries, 1);
    scene_close(&scene);
}

/* Something else was wrong: nothing is acknowledged either. */
Test(ima_kept, what_is_refused_is_not_kept)
{
    struct scene scene;

    open_scene(&scene);
    fake_tpm_pcr(scene.tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    scene_ima_begin(&scene, RATLS_ALG_SHA1, RATLS_IMA_NATIVE);
    install(&scene);
    expect_failure(&scene, RATLS_CHECK_PCR_VALUE, "another PCR 7");
    know_what_was_kept(&scene);
    cr_expect_not(scene.ima->has_known);
    scene_close(&scene);
}

/*
 * The verdict is on the server, not on this side's disk. The counters of its TPM were kept a moment
 * ago: only the list is to be.
 */
Test(ima_kept, what_cannot_be_kept_is_said)
{
    struct ledger_folder folder;
    struct ratls_report *report;
    struct scene scene;

    ledger_folder_make(&folder);
    open_scene(&scene);
    cr_assert_eq(ratls_policy_use_state(scene.policy, folder.path, NULL), RATLS_OK);
    expect_accepted(&scene, "all");
    ledger_folder_remove(&folder);
    fake_ima_file(&scene.ima->list, "/usr/bin/ls", FILL_LS);
    install(&scene);
    report = appraise(&scene);
    cr_expect(ratls_report_accepted(report));
    cr_expect(says(report, "how far the IMA list is known was not kept: /tmp/ratls-ledger-"));
    ratls_report_free(report);
    scene_close(&scene);
}
