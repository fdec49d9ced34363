/* What the tests of accepted lists share: a scene with one, and what becomes of it. */
#ifndef RATLS_TEST_IMA_ASSERT_H
#define RATLS_TEST_IMA_ASSERT_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scene_ima.h"

static inline struct ratls_report *appraise(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);

    free(draft);
    return report;
}

static inline void expect_accepted(struct scene *scene, const char *name)
{
    struct ratls_report *report = appraise(scene);
    struct ratls_finding finding = {.check = "none"};

    ratls_report_first_failure(report, &finding);
    cr_expect(ratls_report_accepted(report), "%s: %s: %s: %s", name, finding.check, finding.at,
              finding.actual);
    ratls_report_free(report);
}

static inline void expect_failure(struct scene *scene, enum ratls_check check, const char *name)
{
    struct ratls_report *report = appraise(scene);
    struct ratls_finding finding;

    cr_expect_not(ratls_report_accepted(report), "%s", name);
    cr_assert(ratls_report_finding(report, check, &finding));
    cr_expect_eq(finding.verdict, RATLS_FAIL, "%s: %s", name, finding.check);
    ratls_report_free(report);
}

static inline void open_scene(struct scene *scene)
{
    scene_open(scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(scene);
    scene_ima(scene);
}

static inline void install(struct scene *scene)
{
    fake_ima_install(&scene->ima->list, scene->tpm);
}

/* In either form. */
static inline bool says(const struct ratls_report *report, const char *text)
{
    char *json = NULL, *words = NULL;
    bool is_said;

    cr_assert_eq(ratls_report_json(report, &json), RATLS_OK);
    cr_assert_eq(ratls_report_text(report, 0, &words), RATLS_OK);
    is_said = strstr(json, text) != NULL || strstr(words, text) != NULL;
    free(json);
    free(words);
    return is_said;
}

#endif
