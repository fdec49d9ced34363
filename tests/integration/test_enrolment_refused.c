/* What a machine refuses to ask, or to answer; and that the words say what happened. */
#include "enrolment_scene.h"

#include <sys/stat.h>
#include <unistd.h>

#include "ak.h"
#include "enroll_state.h"
#include "enroll_token.h"

static void set_up_2048(void)
{
    set_up_made("2048");
}

TestSuite(enrolment_refused, .init = set_up_2048, .fini = tear_down);

static void expect_no_answer(const struct ratls_enrolment *enrolment, struct ratls_slice request,
                             struct ratls_slice challenge, enum ratls_status expected,
                             const char *words)
{
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX], *kept = NULL;
    struct ratls_error err = {0};
    size_t len = 0;

    assert_fails(ratls_enrolment_answer(enrolment, request, challenge, answer, &len, &err),
                 expected, &err, words);
    assert_ok(ratls_enroll_kept(f.state, RATLS_ENROLL_KEPT_CHALLENGE, &kept, &len, &err), &err);
    cr_expect_null(kept);
}

static void expect_no_request(const struct ratls_enrolment *enrolment, enum ratls_status expected,
                              const char *words)
{
    static uint8_t request[RATLS_ENROLL_REQUEST_MAX];
    struct ratls_error err = {0};
    uint8_t *kept = NULL;
    size_t len = 0;

    assert_fails(ratls_enrolment_request(enrolment, request, &len, &err), expected, &err, words);
    assert_ok(ratls_enroll_kept(f.state, RATLS_ENROLL_KEPT_REQUEST, &kept, &len, &err), &err);
    cr_expect_null(kept);
}

Test(enrolment_refused, challenge_for_another_request)
{
    const struct ratls_enrolment enrolment = enrolment_of("H-3");
    static struct ca_side first, second;

    ca_asked(&first, &enrolment);
    ca_asked(&second, &enrolment);
    ca_challenge_ak(&first);
    expect_no_answer(&enrolment, request_of(&second), challenge_of(&first), RATLS_REJECTED,
                     "for another request");
    expect_no_answer(&enrolment, challenge_of(&first), challenge_of(&first), RATLS_MALFORMED,
                     "the request");
    expect_no_answer(&enrolment, request_of(&first), request_of(&first), RATLS_MALFORMED,
                     "this is no challenge of a CA");
    ca_done(&first);
    ca_done(&second);
}

static void refuse_other_ak(const char *ek, const char *words)
{
    const struct ratls_enrolment enrolment = enrolment_of(ek);
    uint8_t name[RATLS_TPM_NAME_MAX];
    static struct ca_side ca;

    ca_asked(&ca, &enrolment);
    memcpy(name, ca.ak_name, sizeof name);
    name[ca.ak_name_len - 1] ^= 1;
    ca_challenge(&ca, ratls_slice(name, ca.ak_name_len));
    expect_no_answer(&enrolment, request_of(&ca), challenge_of(&ca), RATLS_REJECTED, words);
    ca_done(&ca);
}

Test(enrolment_refused, challenge_for_another_ak)
{
    refuse_other_ak("L-1", "it was made for another attestation key, or");
    refuse_other_ak("H-3", "it was made for another endorsement key or another attestation key");
}

/* The CA took a certificate of another TPM for that of this one. */
static void refuse_other_ek(const char *ek, const char *words)
{
    const struct ratls_enrolment enrolment = enrolment_of(ek);
    static struct ca_side ca, other;
    struct swtpm here = f.tpm;

    ca_asked(&ca, &enrolment);
    cr_assert(made_tpm_start(&f.tpm, "2048"));
    other = ca;
    {
        struct ratls_enrolment there = enrolment;
        char state[PATH_LEN];

        snprintf(state, sizeof state, "%s", f.state);
        snprintf(f.state, sizeof f.state, "%s/state", f.tpm.folder);
        init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
        ca_asked(&other, &there);
        snprintf(f.state, sizeof f.state, "%s", state);
    }
    swtpm_stop(&f.tpm);
    f.tpm = here;
    EVP_PKEY_free(ca.ek.key);
    ca.ek.key = other.ek.key;
    other.ek.key = NULL;
    if (ca.profile->rsa_bits == 0)
        ca.request.ek_public = other.request.ek_public;
    ca_challenge_ak(&ca);
    expect_no_answer(&enrolment, request_of(&ca), challenge_of(&ca), RATLS_REJECTED, words);
    ca_done(&ca);
    ca_done(&other);
}

Test(enrolment_refused, challenge_of_another_ek_rsa)
{
    refuse_other_ek("L-1", "it was made for another endorsement key (");
}

Test(enrolment_refused, challenge_of_another_ek_ecc)
{
    refuse_other_ek("H-3", "it was made for another endorsement key or");
}

Test(enrolment_refused, attestation_key_replaced)
{
    const struct ratls_tpm_init_options again = {
        .state_dir = f.state, .tcti = f.tpm.tcti, .replace = true};
    const struct ratls_enrolment enrolment = enrolment_of("H-3");
    struct ratls_error err = {0};
    static struct ca_side ca;

    ca_asked(&ca, &enrolment);
    ca_challenge_ak(&ca);
    assert_ok(ratls_tpm_init(&again, &err), &err);
    expect_no_answer(&enrolment, request_of(&ca), challenge_of(&ca), RATLS_REJECTED,
                     "another attestation key than that of the state folder");
    ca_done(&ca);
}

/* tpm2_clear takes the persistent key with it; the seeds of endorsement keys stay. */
static void clear_tpm(void)
{
    struct ratls_tpm tpm = {0};
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_open(f.tpm.tcti, &tpm, &err), &err);
    cr_assert_eq(
        Esys_Clear(tpm.esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
        TSS2_RC_SUCCESS);
    ratls_tpm_close(&tpm);
}

Test(enrolment_refused, cleared)
{
    const struct ratls_enrolment enrolment = enrolment_of("H-3");
    struct ratls_error err = {0};
    static struct ca_side ca;

    ca_asked(&ca, &enrolment);
    ca_challenge_ak(&ca);
    clear_tpm();
    expect_no_answer(&enrolment, request_of(&ca), challenge_of(&ca), RATLS_TPM,
                     "the TPM was cleared");
    assert_ok(ratls_enroll_forget(f.state, &err), &err);
    expect_no_request(&enrolment, RATLS_TPM, "ratls init --replace");
    ca_done(&ca);
}

Test(enrolment_refused, names)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        {"*.bank.test", "a wildcard speaks for many machines"},
        {"", "an empty name"},
        {"bank.test.", "a dot at the end"},
        {"::ffff:192.0.2.7", "stands for an IPv4 address"},
        {"bank\n.test", "'bank\\x0a.test': a character that names do not have"},
    };
    struct ratls_enrolment enrolment = enrolment_of(NULL);
    struct ratls_slice many[RATLS_ENROLL_NAMES_MAX + 1], name;

    enrolment.names = &name;
    enrolment.name_count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        name = slice_of(rows[i].name);
        expect_no_request(&enrolment, RATLS_USAGE, rows[i].words);
    }
    enrolment.name_count = 0;
    expect_no_request(&enrolment, RATLS_USAGE, "no name");
    for (size_t i = 0; i < RATLS_ENROLL_NAMES_MAX + 1; i++)
        many[i] = slice_of("bank.test");
    enrolment.names = many;
    enrolment.name_count = RATLS_ENROLL_NAMES_MAX + 1;
    expect_no_request(&enrolment, RATLS_USAGE, "16 is the most");
}

Test(enrolment_refused, endorsement_keys)
{
    struct ratls_enrolment enrolment = enrolment_of("L-9");
    char path[PATH_MAX_HERE];
    struct swtpm other;

    expect_no_request(&enrolment, RATLS_USAGE, "'L-9' is no template");
    enrolment.ek = "L-2";
    expect_no_request(&enrolment, RATLS_TPM,
                      "no certificate of its endorsement key of template L-2");

    /* That of another TPM, and something that is none. */
    cr_assert(made_tpm_start(&other, "2048"));
    enrolment.ek = NULL;
    snprintf(path, sizeof path, "%s/localca/issuercert.pem", other.folder);
    enrolment.ek_certificate = path;
    expect_no_request(&enrolment, RATLS_TPM, "not the certificate of an endorsement key of this");
    enrolment.ek = "L-2";
    expect_no_request(&enrolment, RATLS_TPM, "its key is of a type that this template never has");
    snprintf(path, sizeof path, "%s/setup.conf", other.folder);
    expect_no_request(&enrolment, RATLS_MALFORMED, "setup.conf: not the DER of one X.509");
    swtpm_stop(&other);
    expect_no_request(&enrolment, RATLS_IO, "No such file");
}

static void write_token(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    cr_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 &&
              chmod(path, mode) == 0);
}

Test(enrolment_refused, token_files)
{
    struct ratls_enrolment enrolment = enrolment_of("H-3");
    const uint8_t token[RATLS_ENROLL_TOKEN_LEN] = {0};
    char text[RATLS_ENROLL_TOKEN_TEXT_LEN + 1], path[PATH_MAX_HERE];
    static const mode_t others[] = {0640, 0604, 0620, 0644};

    ratls_enroll_token_write(token, text);
    snprintf(path, sizeof path, "%s/token", f.tpm.folder);
    enrolment.token_file = path;
    expect_no_request(&enrolment, RATLS_IO, "No such file");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        write_token(path, text, others[i]);
        expect_no_request(&enrolment, RATLS_USAGE, "others than its owner may open this file");
    }
    write_token(path, "rt1-word", 0600);
    expect_no_request(&enrolment, RATLS_USAGE, "not a token");
    write_token(path, "", 0600);
    expect_no_request(&enrolment, RATLS_USAGE, "not a token");
}

/* A TPM with a certificate of a key that it no longer makes. */
Test(enrolment_refused, endorsement_seed_changed)
{
    const struct ratls_enrolment enrolment = enrolment_of("L-1"), any = enrolment_of(NULL);
    const struct ratls_tpm_init_options again = {
        .state_dir = f.state, .tcti = f.tpm.tcti, .replace = true};
    struct ratls_tpm tpm = {0};
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_open(f.tpm.tcti, &tpm, &err), &err);
    cr_assert_eq(
        Esys_ChangeEPS(tpm.esys, ESYS_TR_RH_PLATFORM, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
        TSS2_RC_SUCCESS);
    ratls_tpm_close(&tpm);
    assert_ok(ratls_tpm_init(&again, &err), &err);
    expect_no_request(&enrolment, RATLS_TPM, "not that of the endorsement key that the TPM makes");
    expect_no_request(&any, RATLS_TPM, "not that of the endorsement key that the TPM makes");
}
