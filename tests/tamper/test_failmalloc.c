/* The N-th allocation fails, for every N: never accepted wrongly, never lost memory, never a crash.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "epoch_memory.h"
#include "failmalloc.h"
#include "keys.h"
#include "scene_ima.h"

#define ALLOCATIONS_MAX 20000

/* What is wrong with the evidence, if anything: then no failure may let it pass. */
static void change_pcr(struct scene *scene)
{
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
}

static void mean_another_server(struct scene *scene)
{
    scene->expectation.server_name = "shop.example";
}

static void measure_files(struct scene *scene)
{
    struct fake_ima *list = &scene_ima(scene)->list;

    fake_ima_signed(list, "/opt/signed", FILL_UNKNOWN, scene->ima->key);
    fake_ima_install(list, scene->tpm);
}

static void measure_unknown_file(struct scene *scene)
{
    measure_files(scene);
    fake_ima_file(&scene->ima->list, "/opt/x", FILL_UNKNOWN);
    fake_ima_install(&scene->ima->list, scene->tpm);
}

static void show_another_list(struct scene *scene)
{
    measure_files(scene);
    fake_ima_begin(&scene->ima->list, RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    fake_ima_boot(&scene->ima->list, scene->tpm, RATLS_ALG_SHA256);
    fake_ima_show(&scene->ima->list, scene->tpm);
}

/* Each time with a cache that knows nothing, so that keys and certificates are read again. */
static void forget_keys(struct scene *scene)
{
    ratls_key_cache_free(scene->rules->keys);
    scene->rules->keys = ratls_key_cache_new();
    cr_assert_not_null(scene->rules->keys);
    if (scene->rules->epoch.memory == NULL)
        return;
    ratls_epoch_memory_free(scene->rules->epoch.memory);
    scene->rules->epoch.memory = ratls_epoch_memory_new();
    cr_assert_not_null(scene->rules->epoch.memory);
}

static bool appraise_once(struct scene *scene, const struct fake_draft *draft, size_t n,
                          enum ratls_status *ret_status)
{
    struct ratls_report *report = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    bool failed;

    forget_keys(scene);
    failmalloc_arm(n);
    status = ratls_appraise(scene->policy, &scene->expectation, draft->wire, draft->wire_len,
                            &report, &err);
    failed = failmalloc_disarm();
    cr_expect_eq(status == RATLS_OK, report != NULL && ratls_report_accepted(report));
    if (status != RATLS_OK && status != RATLS_REJECTED)
        cr_expect_neq(err.text[0], '\0', "allocation %zu: %s without a text", n,
                      ratls_status_name(status));
    ratls_report_free(report);
    *ret_status = status;
    return failed;
}

/* A machine that was started otherwise than its policy has it. */
static void boot_another_loader(struct scene *scene)
{
    scene_boot(scene);
    fake_event_measured(fake_boot_event(scene->boot, "grub"), "another", 7);
    fake_boot_extend(scene->boot, scene->tpm);
}

static void run_with_failures(bool certified, void (*prepare)(struct scene *scene), bool is_good)
{
    struct scene scene;
    struct fake_draft *draft;
    enum ratls_status status = RATLS_OK;
    size_t n = 1;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    if (certified)
        scene_certify(&scene, "DNS:" SCENE_SERVER);
    else
        scene_pin(&scene);
    if (prepare != NULL)
        prepare(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    while (appraise_once(&scene, draft, n, &status)) {
        cr_expect(is_good || status != RATLS_OK, "allocation %zu: accepted", n);
        cr_assert_lt(++n, ALLOCATIONS_MAX);
    }
    cr_expect_eq(status, is_good ? RATLS_OK : RATLS_REJECTED, "nothing failed");
    cr_expect_gt(n, 3, "only %zu allocations: are they wrapped?", n);
    free(draft);
    scene_close(&scene);
}

Test(failmalloc, a_pinned_key)
{
    run_with_failures(false, NULL, true);
}

Test(failmalloc, a_pinned_key_of_another_server)
{
    run_with_failures(false, mean_another_server, false);
}

Test(failmalloc, a_certified_key)
{
    run_with_failures(true, NULL, true);
}

Test(failmalloc, a_certified_key_of_another_server)
{
    run_with_failures(true, mean_another_server, false);
}

Test(failmalloc, another_pcr)
{
    run_with_failures(false, change_pcr, false);
}

Test(failmalloc, a_boot_log)
{
    run_with_failures(false, scene_boot, true);
}

Test(failmalloc, another_boot)
{
    run_with_failures(false, boot_another_loader, false);
}

Test(failmalloc, a_list_of_files)
{
    run_with_failures(false, measure_files, true);
}

Test(failmalloc, a_list_with_an_unknown_file)
{
    run_with_failures(false, measure_unknown_file, false);
}

Test(failmalloc, another_list)
{
    run_with_failures(false, show_another_list, false);
}

Test(failmalloc, an_epoch)
{
    run_with_failures(true, scene_epoch, true);
}

static void be_too_late(struct scene *scene)
{
    scene_epoch(scene);
    scene->tpm->stamp.time -= SCENE_WITHIN_S;
}

Test(failmalloc, an_epoch_that_is_over)
{
    run_with_failures(false, be_too_late, false);
}

static void stamp_by_another(struct scene *scene)
{
    struct fake_tsa *other = fake_tsa_new(NULL);

    scene_epoch_by(scene,
                   (struct pki_spec){.subject = "time stamps", .eku = "critical,timeStamping"},
                   other->certificate);
    fake_tsa_free(other);
}

Test(failmalloc, an_epoch_by_another_clock)
{
    run_with_failures(false, stamp_by_another, false);
}

static void run_report(enum ratls_status (*print)(const struct ratls_report *, char **))
{
    struct ratls_report *report = ratls_report_new();
    bool failed = true;

    cr_assert_not_null(report);
    for (size_t n = 1; failed; n++) {
        char *text = NULL;
        enum ratls_status status;

        failmalloc_arm(n);
        status = print(report, &text);
        failed = failmalloc_disarm();
        cr_expect_eq(status, text == NULL ? RATLS_MEMORY : RATLS_OK);
        free(text);
    }
    ratls_report_free(report);
}

static enum ratls_status print_text(const struct ratls_report *report, char **ret)
{
    return ratls_report_text(report, RATLS_TEXT_COLOUR, ret);
}

Test(failmalloc, reports)
{
    run_report(print_text);
    run_report(ratls_report_json);
}
