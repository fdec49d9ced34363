/* Good evidence passes; with one thing changed, exactly the check that is there for it fails. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "rows.h"

static const struct rows *const tables[] = {
    &rows_channel,     &rows_statement,  &rows_ak,       &rows_quote,       &rows_binding,
    &rows_exchange,    &rows_pcr,        &rows_result,   &rows_boot_log,    &rows_boot_claims,
    &rows_boot_events, &rows_ima_offset, &rows_ima_list, &rows_ima_entries, &rows_ima_template,
    &rows_epoch,       &rows_token,      &rows_client,   &rows_named,       &rows_revoked,
    &rows_software,    &rows_tls_key};

static const char *name_of(enum ratls_check check)
{
    static struct ratls_report empty;
    struct ratls_finding finding;

    cr_assert(ratls_report_finding(&empty, check, &finding));
    return finding.check;
}

/* What a row says of a check that it is not about. */
static bool is_undisturbed(enum ratls_verdict verdict)
{
    return verdict == RATLS_PASS || verdict == RATLS_NOT_ASKED;
}

static void expect_verdicts(const struct row *row, const struct ratls_report *report)
{
    check_set fails = row->also | CHECK_BIT(row->check);
    struct ratls_finding finding;

    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++) {
        bool holds;

        if ((fails >> i & 1) != 0)
            holds = finding.verdict == RATLS_FAIL;
        else if ((row->not_run >> i & 1) != 0)
            holds = finding.verdict == RATLS_NOT_RUN;
        else
            holds = is_undisturbed(finding.verdict);
        cr_expect(holds, "%s: %s is \"%s\": expected %s, saw %s", row->name, finding.check,
                  ratls_verdict_name(finding.verdict), finding.expected, finding.actual);
    }
}

static void expect_words(const struct row *row, const struct ratls_report *report)
{
    struct ratls_finding finding;

    cr_expect_not(ratls_report_accepted(report), "%s: accepted", row->name);
    cr_assert(ratls_report_first_failure(report, &finding), "%s: nothing failed", row->name);
    cr_expect_str_eq(finding.check, name_of(row->check), "%s: %s", row->name, finding.check);
    if (row->at != NULL)
        cr_expect_str_eq(finding.at, row->at, "%s: at %s", row->name, finding.at);
    if (row->expected != NULL)
        cr_expect_str_eq(finding.expected, row->expected, "%s: expected %s", row->name,
                         finding.expected);
    if (row->actual != NULL)
        cr_expect_str_eq(finding.actual, row->actual, "%s: saw %s", row->name, finding.actual);
    cr_expect_gt(strlen(finding.expected), 0, "%s", row->name);
    cr_expect_gt(strlen(finding.actual), 0, "%s", row->name);
}

static void set_scene(const struct row *row, struct scene *scene)
{
    scene_open(scene, row->mode == 0 ? RATLS_MODE_HANDSHAKE : row->mode, row->algorithm);
    if (row->boots || row->boot != NULL)
        scene_boot(scene);
    if (row->before != NULL)
        row->before(scene);
    if (row->boot != NULL)
        row->boot(scene->boot);
    if (row->boot != NULL && !row->log_only)
        fake_boot_extend(scene->boot, scene->tpm);
    if (row->trust == ROW_PINNED)
        scene_pin(scene);
    else if (row->trust == ROW_CERTIFIED)
        scene_certify(scene, "DNS:" SCENE_SERVER);
    if (row->after != NULL)
        row->after(scene);
}

static void run_row(const struct row *row)
{
    struct scene scene;
    struct fake_draft *draft;
    struct ratls_report *report;
    int param = row->param;

    set_scene(row, &scene);
    draft = scene_attest(&scene, row->tamper, &param);
    if (row->meanwhile != NULL)
        row->meanwhile(&scene);
    report = scene_appraise(&scene, draft->wire, draft->wire_len);
    expect_verdicts(row, report);
    expect_words(row, report);
    ratls_report_free(report);
    free(draft);
    scene_close(&scene);
}

static void run_table(const struct rows *table)
{
    for (size_t i = 0; i < table->count; i++)
        run_row(&table->rows[i]);
}

#define TABLE_TEST(name)                                                                           \
    Test(tamper, name)                                                                             \
    {                                                                                              \
        run_table(&rows_##name);                                                                   \
    }

/* clang-format off */
TABLE_TEST(channel)
TABLE_TEST(statement)
TABLE_TEST(ak)
TABLE_TEST(revoked)
TABLE_TEST(software)
TABLE_TEST(tls_key)
TABLE_TEST(named)
TABLE_TEST(quote)
TABLE_TEST(binding)
TABLE_TEST(exchange)
TABLE_TEST(client)
TABLE_TEST(pcr)
TABLE_TEST(result)
TABLE_TEST(boot_log)
TABLE_TEST(boot_claims)
TABLE_TEST(boot_events)
/* Also boots that are good in another way than the usual one. */
static void boot_to_the_end(struct fake_boot *boot)
{
    boot->phases = 4;
}

static void boot_without_systemd(struct fake_boot *boot)
{
    boot->phases = 0;
}

static void boot_with_efi_stub(struct fake_boot *boot)
{
    static const char options[] = "/vmlinuz root=/dev/sda2 ro quiet";
    uint8_t wide[2 * sizeof options] = {0};

    for (size_t i = 0; i < sizeof options; i++)
        wide[2 * i] = (uint8_t)options[i];
    fake_boot_insert(boot, "exit", "load-options", 9, RATLS_EV_EVENT_TAG,
                     ratls_slice(wide, sizeof wide));
}

/* The log has no data but that of signers, and what is known by its digest is known. */
static void boot_without_data(struct fake_boot *boot)
{
    for (size_t i = 0; i < boot->count; i++) {
        struct fake_event *event = &boot->events[i];

        if (strncmp(event->name, "by-", 3) != 0 && strcmp(event->name, "grub-command") != 0 &&
            event->type != RATLS_EV_NO_ACTION)
            event->data_len = 0;
    }
}

/* An option ROM that is signed: its authority is measured before the separator. */
static void boot_with_signed_option_rom(struct fake_boot *boot)
{
    struct fake_event signer = *fake_boot_event(boot, "by-platform");

    fake_boot_insert(boot, "separator-0", "by-platform-too", 7, RATLS_EV_EFI_VARIABLE_AUTHORITY,
                     ratls_slice(signer.data, signer.data_len));
}

Test(tamper, good_boots_are_accepted)
{
    static void (*const boots[])(struct fake_boot * boot) = {NULL,
                                                             boot_to_the_end,
                                                             boot_without_systemd,
                                                             boot_with_efi_stub,
                                                             boot_without_data,
                                                             boot_with_signed_option_rom};

    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        const struct row row = {.name = "good", .boots = true, .boot = boots[i]};
        struct scene scene;
        struct fake_draft *draft;
        struct ratls_report *report;
        struct ratls_finding finding = {.check = "none"};

        set_scene(&row, &scene);
        draft = scene_attest(&scene, NULL, NULL);
        report = scene_appraise(&scene, draft->wire, draft->wire_len);
        ratls_report_first_failure(report, &finding);
        cr_expect(ratls_report_accepted(report), "boot %zu: %s: %s", i, finding.check,
                  finding.actual);
        ratls_report_free(report);
        free(draft);
        scene_close(&scene);
    }
}

/* Evidence on a session, as good as it may be: also on one that was resumed, and unasked. */
static void renew_on_resumed(struct scene *scene)
{
    scene->resumed = true;
    scene_accepted(scene);
}

static void push_after_a_minute(struct scene *scene)
{
    scene_accepted(scene);
    scene->expectation.sequence = 1;
    scene->expectation.elapsed_ms = 60000;
    scene->tpm->clock_ms += 60000 - 10000 - 60000 / 20; /* as much behind as it may be */
}

/* The last answer was of an epoch: its clock is from before the challenge. */
static void push_behind_an_epoch(struct scene *scene)
{
    push_after_a_minute(scene);
    scene->expectation.before.is_dated = true;
    scene->expectation.before.age_s = 60;
    scene->tpm->clock_ms = scene->expectation.before.clock_ms + 60000 + 60000;
}

static void require_exporter(struct scene *scene)
{
    scene->rules->needs_exporter = true;
}

Test(tamper, good_answers_are_accepted)
{
    static const struct row good[] = {
        {.name = "mode 3", .mode = RATLS_MODE_EXPORTER, .after = require_exporter},
        {.name = "mode 4", .mode = RATLS_MODE_RENEWAL, .after = require_exporter},
        {.name = "resumed", .mode = RATLS_MODE_RENEWAL, .after = renew_on_resumed},
        {.name = "unasked", .mode = RATLS_MODE_RENEWAL, .after = push_after_a_minute},
        {.name = "CRL", .trust = ROW_CERTIFIED, .after = give_good_crl},
        {.name = "epoch", .mode = RATLS_MODE_RENEWAL, .after = push_behind_an_epoch},
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ratls_finding finding = {.check = "none"};
        struct ratls_report *report;
        struct fake_draft *draft;
        struct scene scene;

        set_scene(&good[i], &scene);
        draft = scene_attest(&scene, NULL, NULL);
        report = scene_appraise(&scene, draft->wire, draft->wire_len);
        ratls_report_first_failure(report, &finding);
        cr_expect(ratls_report_accepted(report), "%s: %s: %s", good[i].name, finding.check,
                  finding.actual);
        cr_expect_eq(report->accepted.clock_ms, draft->clock_ms, "%s", good[i].name);
        ratls_report_free(report);
        free(draft);
        scene_close(&scene);
    }
}

TABLE_TEST(ima_offset)
TABLE_TEST(ima_list)
TABLE_TEST(ima_entries)
TABLE_TEST(ima_template)
TABLE_TEST(epoch)
TABLE_TEST(token)
/* clang-format on */

Test(tamper, every_check_has_a_row)
{
    check_set seen = 0;

    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            seen |= CHECK_BIT(tables[t]->rows[i].check);
    for (int i = 0; i < RATLS_CHECK_COUNT; i++)
        cr_expect((seen >> i & 1) != 0, "%s has no row", name_of((enum ratls_check)i));
}

static bool is_accepted(struct scene *scene, const uint8_t *evidence, size_t len)
{
    struct ratls_report *report = scene_appraise(scene, evidence, len);
    bool accepted = ratls_report_accepted(report);

    ratls_report_free(report);
    return accepted;
}

/* In a block of exactly that length, so that the sanitizer sees a read beyond its end. */
Test(tamper, every_truncation_is_refused)
{
    struct scene scene;
    struct fake_draft *draft;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    draft = scene_attest(&scene, NULL, NULL);
    for (size_t len = 0; len < draft->wire_len; len++) {
        uint8_t *cut = malloc(len == 0 ? 1 : len);

        cr_assert_not_null(cut);
        memcpy(cut, draft->wire, len);
        cr_expect_not(is_accepted(&scene, cut, len), "%zu bytes", len);
        free(cut);
    }
    cr_expect(is_accepted(&scene, draft->wire, draft->wire_len));
    free(draft);
    scene_close(&scene);
}

Test(tamper, every_bit_flip_is_refused)
{
    struct scene scene;
    struct fake_draft *draft;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    for (size_t bit = 0; bit < 8 * draft->wire_len; bit++) {
        draft->wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_not(is_accepted(&scene, draft->wire, draft->wire_len), "bit %zu of byte %zu",
                      bit % 8, bit / 8);
        draft->wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_expect(is_accepted(&scene, draft->wire, draft->wire_len));
    free(draft);
    scene_close(&scene);
}
