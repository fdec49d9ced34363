/* A sealed attestation key while PCRs move, the TPM fails, and the folder of its states is odd. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "seal_scene.h"
#include "seals.h"

static struct seal_scene_authority authority;

static void begin(void)
{
    set_up();
    authority = seal_scene_authority_new("authority", "EC");
    seal_scene_init(&authority, false);
    seal_scene_authorize_now(&authority, "first");
}

static void end(void)
{
    EVP_PKEY_free(authority.key);
    tear_down();
}

TestSuite(seal_faults, .init = begin, .fini = end, .timeout = 120);

static const struct ratls_attest_request *request(void)
{
    static struct ratls_attest_request made;

    made = new_request(1);
    made.selection.banks[0].pcrs = 1u << 0; /* which does not move */
    return &made;
}

/* An answer of the TPM to one of the commands; the next request finds all as it should be. */
static void answer_error(const char *command, const char *code, const char *text)
{
    const char *const options[] = {"--command", command, "--error", code, "--disarmed", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;

    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    for (int i = 0; i < 2; i++) { /* with nothing at hand, and in the middle of service */
        tpm_mux_arm(&mux, true);
        assert_attest_fails(attester, request(), RATLS_TPM, text);
        tpm_mux_arm(&mux, false);
        free(attest(attester, request()));
    }
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(seal_faults, policy_pcr_fails)
{
    answer_error("17f", "101", "the policy of the attestation key: ");
}

Test(seal_faults, policy_auth_value_fails)
{
    answer_error("16b", "101", "the policy of the attestation key: ");
}

Test(seal_faults, policy_authorize_fails)
{
    answer_error("16a", "101", "the authorization by the authority: ");
}

Test(seal_faults, quote_fails)
{
    answer_error("158", "101", "quoting: ");
}

Test(seal_faults, session_lost)
{
    answer_error("158", "910", "quoting: "); /* TPM_RC_REFERENCE_H0 */
}

static void fail_at_first(const char *command, const char *text)
{
    const char *const options[] = {"--command", command, "--error", "101", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;

    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    assert_attest_fails(attester, request(), RATLS_TPM, text);
    tpm_mux_arm(&mux, false);
    free(attest(attester, request()));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(seal_faults, session_fails)
{
    fail_at_first("176", "a policy session for the attestation key: ");
}

Test(seal_faults, load_external_fails)
{
    fail_at_first("167", "loading the key of the authority: ");
}

Test(seal_faults, verify_signature_fails)
{
    fail_at_first("177", "verifying the signature of the authority: ");
}

/* A PCR that the key is not sealed to, between the policy and the quote. */
Test(seal_faults, other_pcr_moves_once)
{
    const char *const options[] = {"--extend", "8", "--times", "3", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;

    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    free(attest(attester, request()));
    cr_expect_eq(counts_of(attester).quotes, 1);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(seal_faults, other_pcr_moves_always)
{
    const char *const options[] = {"--extend", "8", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;

    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    assert_attest_fails(attester, request(), RATLS_TPM,
                        "quoting: a PCR changed 20 times in a row, each time before the sealed");
    tpm_mux_arm(&mux, false);
    free(attest(attester, request()));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* One that it is sealed to, at that moment: no quote shows the state before. */
Test(seal_faults, sealed_pcr_moves)
{
    const char *const options[] = {"--extend", "7", "--times", "1", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;

    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    assert_attest_fails(attester, request(), RATLS_TPM, "in no authorised state: sha256:7 is ");
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(seal_faults, tpm_restarts)
{
    struct ratls_attester *attester = new_attester(NULL, 0);

    for (int i = 0; i < 3; i++) {
        free(attest(attester, request()));
        cr_assert(swtpm_restart(&f.tpm));
    }
    attester->free(attester);
}

/* What is no state is passed over, as long as there is one that fits. */
Test(seal_faults, odd_files)
{
    struct seal_scene_authority other = seal_scene_authority_new("other", "EC");
    static const uint8_t cut[] = {0x86, 0x6c, 'r', 'a', 't', 'l', 's'};
    static const uint8_t long_one[RATLS_SEAL_MAX + 1];
    struct ratls_attester *attester;
    char path[PATH_LEN];

    seal_scene_write_bytes("", 0, "0-empty");
    seal_scene_write_bytes(cut, sizeof cut, "0-cut");
    seal_scene_write_bytes(long_one, sizeof long_one, "0-long");
    seal_scene_authorize_now(&other, "0-other");
    snprintf(path, sizeof path, "%.128s/seal/0-folder.cbor", f.state);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%.128s/seal/0-other.cbor", f.state);
    attester = new_attester(NULL, 0);
    free(attest(attester, request()));
    cr_assert_eq(chmod(path, 0666), 0);
    seal_scene_remove("first");
    assert_attest_fails(attester, request(), RATLS_TPM, "passed over: ");
    attester->free(attester);
    EVP_PKEY_free(other.key);
}

/* Servers give up the rights to read the folder: what they read before stays. */
Test(seal_faults, folder_unreadable)
{
    struct ratls_attester *attester = new_attester(NULL, 0);
    char folder[PATH_LEN], away[PATH_LEN];

    snprintf(folder, sizeof folder, "%.128s/seal", f.state);
    snprintf(away, sizeof away, "%.128s/away", f.state);
    free(attest(attester, request()));
    cr_assert_eq(rename(folder, away), 0);
    free(attest(attester, request()));
    cr_assert_eq(rename(away, folder), 0);
    free(attest(attester, request()));
    attester->free(attester);
}

Test(seal_faults, folder_of_everyone)
{
    const struct ratls_tpm_options options = {.state_dir = f.state};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};
    char path[PATH_LEN];

    snprintf(path, sizeof path, "%.128s/seal", f.state);
    cr_assert_eq(chmod(path, 0777), 0);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "everyone may write to this folder");
}
