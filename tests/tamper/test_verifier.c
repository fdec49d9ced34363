#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

/* The public function: chooses the rules, and takes no expectation that was not filled in. */
static enum ratls_status appraise(struct scene *scene, const struct ratls_expectation *expectation,
                                  struct ratls_error *ret_error)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = NULL;
    enum ratls_status status = ratls_appraise(scene->policy, expectation, draft->wire,
                                              draft->wire_len, &report, ret_error);

    cr_expect_eq(report != NULL, status == RATLS_OK || status == RATLS_REJECTED);
    ratls_report_free(report);
    free(draft);
    return status;
}

Test(verifier, accepts_and_rejects)
{
    struct scene scene;
    struct ratls_error err = {0};

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    cr_expect_eq(appraise(&scene, &scene.expectation, &err), RATLS_REJECTED, "not pinned");
    scene_pin(&scene);
    cr_expect_eq(appraise(&scene, &scene.expectation, &err), RATLS_OK, "pinned");
    cr_expect_str_eq(err.text, "");
    scene_close(&scene);
}

Test(verifier, no_evidence_is_a_refusal)
{
    struct scene scene;
    struct ratls_report *report = NULL;
    struct ratls_finding finding;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    cr_assert_eq(ratls_appraise(scene.policy, &scene.expectation, NULL, 0, &report, NULL),
                 RATLS_REJECTED);
    cr_assert(ratls_report_first_failure(report, &finding));
    cr_expect_str_eq(finding.check, "evidence.present");
    ratls_report_free(report);
    scene_close(&scene);
}

enum field { NONCE, BINDER, SPKI, VERSION, CIPHER, MODE, ROLE, NOW, FIELDS };

static void clear_field(struct ratls_expectation *e, enum field field)
{
    static const struct ratls_expectation zero;

    switch (field) {
    case NONCE:
        memcpy(e->nonce, zero.nonce, sizeof e->nonce);
        break;
    case BINDER:
        memcpy(e->binder, zero.binder, sizeof e->binder);
        break;
    case SPKI:
        memcpy(e->spki_sha256, zero.spki_sha256, sizeof e->spki_sha256);
        break;
    case VERSION:
        e->tls_version = 0;
        break;
    case CIPHER:
        e->cipher_suite = 0;
        break;
    case MODE:
        e->mode = zero.mode;
        break;
    case ROLE:
        e->role = zero.role;
        break;
    case NOW:
        e->now = 0;
        break;
    case FIELDS:
        break;
    }
}

/* Even where the peer's statement has zeros at the same place. */
Test(verifier, an_expectation_that_was_not_filled_in_is_an_error)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    for (int field = 0; field < FIELDS; field++) {
        const struct ratls_expectation good = scene.expectation;
        struct ratls_error err = {0};

        clear_field(&scene.expectation, (enum field)field);
        if (field == MODE || field == ROLE) { /* no statement can be made with these */
            const struct ratls_expectation bad = scene.expectation;

            scene.expectation = good;
            cr_expect_eq(appraise(&scene, &bad, &err), RATLS_USAGE, "field %d", field);
        } else {
            cr_expect_eq(appraise(&scene, &scene.expectation, &err), RATLS_USAGE, "field %d",
                         field);
        }
        cr_expect_eq(strncmp(err.text, "appraisal: ", 11), 0, "%s", err.text);
        scene.expectation = good;
    }
    scene_close(&scene);
}

Test(verifier, certificate_mode_expects_no_session)
{
    struct scene scene;
    struct ratls_expectation bad;
    struct ratls_error err = {0};

    scene_open(&scene, RATLS_MODE_CERTIFICATE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    bad = scene.expectation;
    bad.nonce[31] = 1;
    cr_expect_eq(appraise(&scene, &bad, &err), RATLS_USAGE);
    cr_expect_eq(appraise(&scene, &scene.expectation, NULL), RATLS_OK);
    scene_close(&scene);
}

/* Evidence on a session: which one of its session it is must be said, and what it goes on from. */
Test(verifier, a_turn_that_cannot_be_is_an_error)
{
    static const struct {
        enum ratls_mode mode;
        uint64_t counter;
        uint32_t sequence;
        size_t before_len;
        enum ratls_status status;
    } rows[] = {
        {RATLS_MODE_EXPORTER, 0, 0, 0, RATLS_OK},
        {RATLS_MODE_EXPORTER, 1, 0, 0, RATLS_USAGE},
        {RATLS_MODE_EXPORTER, 0, 1, 1, RATLS_USAGE},
        {RATLS_MODE_HANDSHAKE, 1, 0, 0, RATLS_USAGE},
        {RATLS_MODE_RENEWAL, 0, 0, 0, RATLS_USAGE},
        {RATLS_MODE_RENEWAL, 1, 0, 0, RATLS_OK},
        {RATLS_MODE_RENEWAL, UINT64_MAX, 0, 1, RATLS_OK},
        {RATLS_MODE_RENEWAL, 1, 1, 0, RATLS_USAGE},
        {RATLS_MODE_RENEWAL, 0, 1, 1, RATLS_OK},
        {RATLS_MODE_RENEWAL, 1, 0, RATLS_AK_NAME_MAX + 1, RATLS_USAGE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ratls_error err = {0};
        struct scene scene;

        scene_open(&scene, rows[i].mode, FAKE_ECDSA_P256);
        scene_pin(&scene);
        if (rows[i].before_len > 0)
            scene_accepted(&scene);
        if (rows[i].before_len > 1)
            scene.expectation.before.ak_name_len = rows[i].before_len;
        scene.expectation.counter = rows[i].counter;
        scene.expectation.sequence = rows[i].sequence;
        cr_expect_eq(appraise(&scene, &scene.expectation, &err), rows[i].status, "row %zu: %s", i,
                     err.text);
        scene_close(&scene);
    }
}

Test(verifier, a_server_without_rules_is_an_error)
{
    struct scene scene;
    struct ratls_error err = {0};
    struct ratls_names *servers;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    servers = &scene.rules->servers;
    servers->names = calloc(1, sizeof *servers->names);
    servers->names[0] = strdup("shop.example");
    servers->count = 1;
    cr_expect_eq(appraise(&scene, &scene.expectation, &err), RATLS_USAGE);
    cr_expect_str_eq(err.text, "no policy speaks for bank.example: 1 file speaks for shop.example");
    scene_close(&scene);
}

Test(verifier, null_arguments_are_an_error)
{
    struct scene scene;
    struct ratls_report *report = NULL;
    const uint8_t byte = 0;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    cr_expect_eq(ratls_appraise(NULL, &scene.expectation, &byte, 1, &report, NULL), RATLS_USAGE);
    cr_expect_eq(ratls_appraise(scene.policy, NULL, &byte, 1, &report, NULL), RATLS_USAGE);
    cr_expect_eq(ratls_appraise(scene.policy, &scene.expectation, NULL, 1, &report, NULL),
                 RATLS_USAGE);
    cr_expect_eq(ratls_appraise(scene.policy, &scene.expectation, &byte, 1, NULL, NULL),
                 RATLS_USAGE);
    cr_expect_null(report);
    scene_close(&scene);
}
