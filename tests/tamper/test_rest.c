/* How long what vouches for a key still holds: no verdict may hold for longer. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "scene.h"

static uint64_t rest_of(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);
    uint64_t rest_s = report->accepted.rest_s;

    cr_assert(ratls_report_accepted(report));
    ratls_report_free(report);
    free(draft);
    return rest_s;
}

Test(rest, a_pinned_key_has_no_end)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    cr_expect_eq(rest_of(&scene), 0);
    cr_expect_eq(rest_of(&scene), 0);
    scene_close(&scene);
}

/* Pinned and certified: the pin stays when the certificate ends. */
Test(rest, a_pin_is_enough)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    scene_pin(&scene);
    cr_expect_eq(rest_of(&scene), 0);
    scene_close(&scene);
}

/* The second time the chain is known, and not verified again. */
Test(rest, a_certificate_ends)
{
    struct scene scene;
    uint64_t first;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    first = rest_of(&scene);
    cr_expect_leq(first, 24 * 3600 + 5);
    cr_expect_geq(first, 24 * 3600 - 60);
    scene.expectation.now += 1000;
    cr_expect_eq(rest_of(&scene), first - 1000);
    scene.expectation.now -= 1000;
    scene_name_keys(&scene);
    cr_expect_eq(rest_of(&scene), first, "the server sends no certificate, for the key is named");
    scene_close(&scene);
}
