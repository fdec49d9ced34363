/*
 * An attestation key that is sealed to PCRs: the TPM uses it in states that the authority has
 * signed, with the key's secret, and in no other way.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>

#include "ak_use.h"
#include "seal_scene.h"
#include "seals.h"

TestSuite(seal, .init = set_up, .fini = tear_down, .timeout = 120);

static const struct ratls_attest_request *request(void)
{
    static struct ratls_attest_request made;

    made = new_request(1);
    return &made;
}

static void expect_refused(struct ratls_attester *attester, const char *text)
{
    assert_attest_fails(attester, request(), RATLS_TPM, text);
}

/* The key's Name, as evidence has it: the same key all along. */
static void read_name(uint8_t out[static RATLS_AK_NAME_LEN])
{
    struct ratls_ak_state state;
    struct ratls_error err = {0};

    assert_ok(ratls_ak_state_load(f.state, &state, &err), &err);
    memcpy(out, state.name, RATLS_AK_NAME_LEN);
    ratls_ak_state_clear(&state);
}

static void go_to_next_state(const char *algorithm, bool transient)
{
    struct seal_scene_authority authority = seal_scene_authority_new("authority", algorithm);
    uint8_t before[RATLS_AK_NAME_LEN], after[RATLS_AK_NAME_LEN];
    struct seal_scene_state next;
    struct ratls_attester *attester;

    seal_scene_init(&authority, transient);
    read_name(before);
    attester = new_attester(NULL, 0);
    expect_refused(attester, "is sealed, and no state of this machine was authorised");
    seal_scene_authorize_now(&authority, "first");
    for (int i = 0; i < 3; i++)
        free(attest(attester, request()));

    seal_scene_read(f.tpm.tcti, &seal_scene_pcrs, &next);
    cr_assert(swtpm_extend(f.tpm.tcti, 7, 0x11));
    expect_refused(attester, "in no authorised state: sha256:7 is ");
    expect_refused(attester, "authorised 0000000000000000.. (first); 'ratls seal authorize --now'");
    seal_scene_foresee(&next, 7, 0x11); /* elsewhere, without the TPM */
    seal_scene_sign(&next, &authority);
    seal_scene_write(&next, "second");
    free(attest(attester, request()));
    attester->free(attester);

    /* The first state is still authorised, for the same key: after a restart without updates. */
    attester = new_attester(NULL, 0);
    cr_assert(swtpm_restart(&f.tpm));
    free(attest(attester, request()));
    read_name(after);
    cr_assert_arr_eq(before, after, sizeof before);
    attester->free(attester);
    EVP_PKEY_free(authority.key);
}

Test(seal, next_state)
{
    go_to_next_state("EC", false);
}

Test(seal, next_state_rsa)
{
    go_to_next_state("RSA", false);
}

Test(seal, next_state_transient)
{
    go_to_next_state("EC", true);
}

/* A PCR that the key is not sealed to may move as it likes. */
Test(seal, other_pcrs_move)
{
    struct seal_scene_authority authority = seal_scene_authority_new("authority", "EC");
    struct ratls_attester *attester;

    seal_scene_init(&authority, false);
    seal_scene_authorize_now(&authority, "first");
    attester = new_attester(NULL, 0);
    for (unsigned pcr = 8; pcr < 11; pcr++) {
        free(attest(attester, request()));
        cr_assert(swtpm_extend(f.tpm.tcti, pcr, 1));
    }
    free(attest(attester, request()));
    attester->free(attester);
    EVP_PKEY_free(authority.key);
}

Test(seal, removed)
{
    struct seal_scene_authority authority = seal_scene_authority_new("authority", "EC");
    struct ratls_attester *attester;

    seal_scene_init(&authority, false);
    seal_scene_authorize_now(&authority, "first");
    attester = new_attester(NULL, 0);
    free(attest(attester, request()));
    seal_scene_remove("first");
    expect_refused(attester,
                   "no state of this machine was authorised: 'ratls seal authorize --now'");
    attester->free(attester);
    EVP_PKEY_free(authority.key);
}
