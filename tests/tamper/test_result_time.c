/* From when a result counts: from when its evidence was made, which may be before it was seen. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include <ratls/result.h>

#include "pki.h"
#include "scene.h"

#define LIFETIME_S 7200

/* How long a result of good evidence of this scene holds, which is appraised so much later. */
static int64_t find_rest_at(struct scene *scene, int64_t later_s, int64_t now)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    const struct ratls_result_options options = {.key = key, .now = now, .lifetime_s = LIFETIME_S};
    const struct ratls_result_expectation e = {.key = key, .now = now};
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report;
    struct ratls_result_claims claims;
    uint8_t *bytes = NULL;
    size_t len = 0;

    scene->expectation.now = SCENE_NOW + later_s;
    report = scene_appraise(scene, draft->wire, draft->wire_len);
    cr_assert(ratls_report_accepted(report));
    cr_assert_eq(ratls_result_make(report, &options, &bytes, &len, NULL), RATLS_OK);
    cr_assert_eq(ratls_result_verify(bytes, len, &e, &claims, NULL), RATLS_OK);
    free(bytes);
    ratls_report_free(report);
    free(draft);
    EVP_PKEY_free(key);
    return claims.expires_at - now;
}

static int64_t find_rest(struct scene *scene, int64_t later_s)
{
    return find_rest_at(scene, later_s, SCENE_NOW + later_s);
}

Test(result_time, for_a_nonce)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    cr_expect_eq(find_rest(&scene, 0), LIFETIME_S);
    scene_close(&scene);
}

Test(result_time, of_an_epoch)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene_epoch(&scene);
    scene.tpm->stamp.time = SCENE_NOW - 40;
    scene.tpm->stamp.accuracy_s = 2;
    cr_expect_eq(find_rest(&scene, 0), LIFETIME_S - 42);
    scene.tpm->stamp.time = SCENE_NOW + 10;
    scene.tpm->stamp.accuracy_s = 0;
    cr_expect_eq(find_rest(&scene, 0), LIFETIME_S, "a clock ahead of ours makes it no younger");
    scene_close(&scene);
}

Test(result_time, in_a_certificate)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_CERTIFICATE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    cr_expect_eq(find_rest(&scene, 3600), LIFETIME_S - 3600);
    scene_close(&scene);
}

/* By a clock, or a capture, that says another time than the verifier's own. */
Test(result_time, of_a_time_to_come)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    cr_expect_eq(find_rest_at(&scene, 86400, SCENE_NOW), LIFETIME_S);
    scene_close(&scene);
}
