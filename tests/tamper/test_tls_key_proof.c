/* A TLS key in the TPM that attests: accepted in every form, and by nothing but the whole proof. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "scene.h"

static bool is_accepted(struct scene *scene, const uint8_t *evidence, size_t len)
{
    struct ratls_report *report = scene_appraise(scene, evidence, len);
    bool accepted = ratls_report_accepted(report);

    ratls_report_free(report);
    return accepted;
}

static bool attests(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    bool accepted = is_accepted(scene, draft->wire, draft->wire_len);

    free(draft);
    return accepted;
}

Test(tls_key_proof, every_mode_algorithm_and_trust)
{
    static const enum ratls_mode modes[] = {RATLS_MODE_HANDSHAKE, RATLS_MODE_CERTIFICATE,
                                            RATLS_MODE_EXPORTER, RATLS_MODE_RENEWAL};

    for (int algorithm = FAKE_ECDSA_P256; algorithm <= FAKE_RSAPSS; algorithm++)
        for (int i = 0; i < 8; i++) {
            struct scene scene;

            scene_open(&scene, modes[i / 2], (enum fake_algorithm)algorithm);
            scene_tls_key(&scene);
            if (i % 2 == 0)
                scene_pin(&scene);
            else
                scene_certify(&scene, "DNS:" SCENE_SERVER);
            cr_expect(attests(&scene), "algorithm %d, way %d", algorithm, i);
            scene_close(&scene);
        }
}

Test(tls_key_proof, keys_of_every_kind)
{
    static const enum pki_algorithm kinds[] = {PKI_P256, PKI_P384, PKI_RSA2048, PKI_RSA3072};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct scene scene;

        scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
        scene_pin(&scene);
        scene_tls_key(&scene);
        EVP_PKEY_free(scene.tls_key);
        scene.tls_key = scene.tpm->tls_key = pki_key(kinds[i]);
        fake_spki_sha256(scene.tls_key, scene.expectation.spki_sha256);
        cr_expect(attests(&scene), "kind %zu", i);
        scene_close(&scene);
    }
}

Test(tls_key_proof, of_an_epoch_and_of_a_known_key)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_certify(&scene, "DNS:" SCENE_SERVER);
    scene_tls_key(&scene);
    scene_name_keys(&scene);
    cr_expect(attests(&scene), "named: no certificate comes");
    scene_epoch(&scene);
    cr_expect(attests(&scene), "of an epoch");
    scene_close(&scene);
}

/* Who does not ask gets none, and whom it does not matter to passes over it. */
Test(tls_key_proof, only_who_asks)
{
    struct fake_draft *draft;
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene_tls_key(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    cr_expect_gt(draft->evidence.tls_key.len, 0);
    scene.rules->needs_tpm_tls_key = false;
    cr_expect(is_accepted(&scene, draft->wire, draft->wire_len));
    free(draft);
    draft = scene_attest(&scene, NULL, NULL);
    cr_expect_eq(draft->evidence.tls_key.len, 0);
    cr_expect(is_accepted(&scene, draft->wire, draft->wire_len));
    free(draft);
    scene_close(&scene);
}

/* Also while the proof is remembered as a good one. */
Test(tls_key_proof, every_bit_flip_and_every_truncation_is_refused)
{
    struct scene scene;
    struct fake_draft *draft;
    size_t begin;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene_tls_key(&scene);
    draft = scene_attest(&scene, NULL, NULL);
    cr_assert(is_accepted(&scene, draft->wire, draft->wire_len));
    begin = draft->wire_len - draft->evidence.tls_key.len - 64;
    for (size_t bit = 8 * begin; bit < 8 * draft->wire_len; bit++) {
        draft->wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_not(is_accepted(&scene, draft->wire, draft->wire_len), "bit %zu of byte %zu",
                      bit % 8, bit / 8);
        draft->wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = begin; len < draft->wire_len; len++) {
        uint8_t *cut = malloc(len);

        cr_assert_not_null(cut);
        memcpy(cut, draft->wire, len);
        cr_expect_not(is_accepted(&scene, cut, len), "%zu bytes", len);
        free(cut);
    }
    cr_expect(is_accepted(&scene, draft->wire, draft->wire_len));
    free(draft);
    scene_close(&scene);
}

/*
 * The manifest is the attester's word for what goes beside the quote. Without it somebody on the
 * way could put another proof in, or leave it out, and be believed if the key fits.
 */
static void leave_out(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.tls_key = ratls_slice(NULL, 0);
}

Test(tls_key_proof, is_covered_by_the_statement)
{
    struct fake_draft *draft;
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(&scene);
    scene_tls_key(&scene);
    draft = scene_attest(&scene, leave_out, NULL);
    scene.rules->needs_tpm_tls_key = false;
    cr_expect_not(is_accepted(&scene, draft->wire, draft->wire_len));
    free(draft);
    scene_close(&scene);
}
