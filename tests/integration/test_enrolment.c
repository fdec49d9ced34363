/* Request and answer of a machine, with each kind of endorsement key that swtpm_setup can make. */
#include "enrolment_scene.h"

#include <sys/stat.h>

#include "ek.h"
#include "enroll_state.h"
#include "enroll_token.h"
#include "pki.h"
#include "seal_scene.h"

TestSuite(enrolment, .fini = tear_down);

static void expect_request(const struct ca_side *ca, const char *template)
{
    static const char *const names[] = {"192.0.2.7", "bank.test", "www.bank.test"};
    uint8_t ak[RATLS_TPM_STRUCTURE_MAX];
    struct ratls_error err = {0};
    bool matches = false;
    size_t len = 0;

    cr_assert_eq(ca->request.name_count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect(ratls_slice_equal(ca->request.names[i], slice_of(names[i])), "%s", names[i]);
    cr_expect_str_eq(ca->profile->name, template);
    assert_ok(ratls_ek_area_matches(ca->profile, ca->ek.key, ca->request.ek_public, &matches, &err),
              &err);
    cr_expect(matches);
    assert_ok(ratls_tpm_ak_public(f.state, ak, sizeof ak, &len, &err), &err);
    cr_expect(ratls_slice_equal(ca->request.ak_public, ratls_slice(ak, len)));
    cr_expect(!ratls_slice_is_zero(ca->request.nonce));
}

/* What a CA wants of the answer. */
static void expect_answer(const struct ca_side *ca, struct ratls_slice bytes)
{
    uint8_t transcript[RATLS_ENROLL_TRANSCRIPT_LEN], mac[32], extra[32], key[32];
    struct ratls_enroll_answer answer;
    struct ratls_tpm_signature signature;
    struct ratls_tpm_attest attest;
    struct ratls_tpm_public ak;
    struct ratls_error err = {0};
    EVP_PKEY *public = NULL;
    bool is_valid = false;

    cr_assert(ratls_enroll_answer_read(bytes, &answer));
    assert_ok(ratls_enroll_transcript(request_of(ca), challenge_of(ca), transcript, &err), &err);
    assert_ok(ratls_enroll_answer_key(ratls_slice(ca->secret, 32), key, &err), &err);
    assert_ok(ratls_enroll_mac(ratls_slice(key, 32), transcript, mac, &err), &err);
    assert_ok(ratls_enroll_extra_data(transcript, extra, &err), &err);
    cr_expect(ratls_slice_equal(answer.mac, ratls_slice(mac, sizeof mac)));

    cr_assert(ratls_tpm_read_attest(answer.attest, &attest));
    cr_expect_eq(attest.magic, RATLS_TPM_GENERATED);
    cr_expect_eq(attest.type, RATLS_TPM_ST_ATTEST_QUOTE);
    cr_expect_eq(attest.selection.count, 0);
    cr_expect(ratls_slice_equal(attest.extra_data, ratls_slice(extra, sizeof extra)));
    cr_assert(ratls_tpm_read_signature(answer.signature, &signature));
    cr_assert(ratls_tpm_read_public(ca->request.ak_public, &ak));
    assert_ok(ratls_public_key(&ak, &public, &err), &err);
    assert_ok(ratls_verify(public, &ak, &signature, answer.attest, &is_valid, &err), &err);
    cr_expect(is_valid);
    EVP_PKEY_free(public);
}

static void expect_answered(struct ca_side *ca, const struct ratls_enrolment *enrolment)
{
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX], *kept = NULL;
    struct ratls_error err = {0};
    size_t len = 0;

    ca_challenge_ak(ca);
    assert_ok(
        ratls_enrolment_answer(enrolment, request_of(ca), challenge_of(ca), answer, &len, &err),
        &err);
    expect_answer(ca, ratls_slice(answer, len));
    assert_ok(ratls_enroll_kept(f.state, RATLS_ENROLL_KEPT_CHALLENGE, &kept, &len, &err), &err);
    cr_expect(ratls_slice_equal(ratls_slice(kept, len), challenge_of(ca)));
    free(kept);
}

static void enrol_with(const char *ek, const char *template)
{
    const struct ratls_enrolment enrolment = enrolment_of(ek);
    static struct ca_side ca;

    ca_asked(&ca, &enrolment);
    expect_request(&ca, template);
    expect_answered(&ca, &enrolment);
    ca_done(&ca);
}

Test(enrolment, rsa_2048_and_p384)
{
    set_up_made("2048");
    enrol_with(NULL, "L-1");
    enrol_with("auto", "L-1");
    enrol_with("H-3", "H-3");
}

/* Nothing is left in the TPM: without a resource manager it has room for three sessions. */
Test(enrolment, again_and_again)
{
    set_up_made("2048");
    for (unsigned i = 0; i < 5; i++)
        enrol_with("L-1", "L-1");
}

/* The high range is used with its empty password. */
Test(enrolment, rsa_3072)
{
    set_up_made("3072");
    enrol_with("auto", "H-3");
    enrol_with("H-6", "H-6");
}

/* Keys that the TPM has no certificate of: L-2, and H-2, whose key is of the same type. */
static void write_certificate(const char *path, unsigned id)
{
    struct ratls_tpm tpm = {0};
    struct ratls_error err = {0};
    uint8_t area[RATLS_EK_AREA_MAX];
    struct ratls_tpm_public public;
    ESYS_TR handle = ESYS_TR_NONE;
    EVP_PKEY *key = NULL, *ca_key = pki_key(PKI_P256);
    X509 *ca = pki_ca("a maker", ca_key, NULL, NULL), *certificate;
    bool is_made = false;
    size_t len = 0;

    assert_ok(ratls_tpm_open(f.tpm.tcti, &tpm, &err), &err);
    assert_ok(ratls_ek_open(&tpm, ratls_ek_profile(id), &handle, &is_made, area, &len, &err), &err);
    cr_assert(is_made);
    Esys_FlushContext(tpm.esys, handle);
    ratls_tpm_close(&tpm);
    cr_assert(ratls_tpm_read_public(ratls_slice(area, len), &public));
    assert_ok(ratls_public_key(&public, &key, &err), &err);
    certificate = pki_certificate(&(struct pki_spec){.subject = "ek",
                                                     .key = key,
                                                     .issuer = ca,
                                                     .issuer_key = ca_key,
                                                     .key_usage = "keyAgreement"});
    pki_write_certificate(path, certificate);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

Test(enrolment, certificate_from_a_file)
{
    struct ratls_enrolment enrolment = enrolment_of(NULL);
    char path[PATH_MAX_HERE];
    static struct ca_side ca;

    set_up_made("2048");
    snprintf(path, sizeof path, "%s/ek.pem", f.tpm.folder);
    enrolment.ek_certificate = path;
    for (unsigned i = 0; i < 2; i++) {
        write_certificate(path, i == 0 ? RATLS_EK_L2 : RATLS_EK_H2);
        ca_asked(&ca, &enrolment);
        expect_request(&ca, i == 0 ? "L-2" : "H-2");
        expect_answered(&ca, &enrolment);
        ca_done(&ca);
    }
}

/* What is kept survives, is nobody else's, and a new request takes the place of both. */
Test(enrolment, kept)
{
    const struct ratls_enrolment enrolment = enrolment_of("H-3");
    static struct ca_side ca, second;
    struct ratls_error err = {0};
    char path[PATH_MAX_HERE];
    uint8_t *kept = NULL;
    struct stat info;
    size_t len = 0;

    set_up_made("2048");
    ca_asked(&ca, &enrolment);
    snprintf(path, sizeof path, "%s/enroll/request", f.state);
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 07777, 0600, "%o", info.st_mode);
    expect_answered(&ca, &enrolment);
    snprintf(path, sizeof path, "%s/enroll", f.state);
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 07777, 0700, "%o", info.st_mode);

    ca_asked(&second, &enrolment);
    cr_expect(!ratls_slice_equal(ca.request.nonce, second.request.nonce));
    assert_ok(ratls_enroll_kept(f.state, RATLS_ENROLL_KEPT_REQUEST, &kept, &len, &err), &err);
    cr_expect(ratls_slice_equal(ratls_slice(kept, len), request_of(&second)));
    free(kept);
    assert_ok(ratls_enroll_kept(f.state, RATLS_ENROLL_KEPT_CHALLENGE, &kept, &len, &err), &err);
    cr_expect(kept == NULL && len == 0);
    ca_done(&ca);
    ca_done(&second);
}

/* The CA finds the MAC with what it keeps of the token. */
Test(enrolment, token)
{
    struct ratls_enrolment enrolment = enrolment_of("H-3");
    const uint8_t token[RATLS_ENROLL_TOKEN_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint8_t digest[32], mac[RATLS_ENROLL_MAC_LEN];
    char text[RATLS_ENROLL_TOKEN_TEXT_LEN + 1], path[PATH_MAX_HERE];
    struct ratls_error err = {0};
    static struct ca_side ca;
    FILE *file;

    set_up_made("2048");
    ratls_enroll_token_write(token, text);
    snprintf(path, sizeof path, "%s/token", f.tpm.folder);
    cr_assert((file = fopen(path, "w")) != NULL && fprintf(file, "%s\n", text) > 0 &&
              fclose(file) == 0 && chmod(path, 0600) == 0);
    enrolment.token_file = path;
    ca_asked(&ca, &enrolment);
    cr_expect(ratls_slice_equal(ca.request.token_id, ratls_slice(token, 8)));
    assert_ok(ratls_sha256(slice_of(text), digest, &err), &err);
    assert_ok(ratls_enroll_token_mac(ratls_slice(digest, 32), request_of(&ca), mac, &err), &err);
    cr_expect(ratls_slice_equal(ca.request.token_mac, ratls_slice(mac, sizeof mac)));
    ca_done(&ca);
}

/* A key that is sealed to PCRs enrols where it may be used, and nowhere else. */
Test(enrolment, sealed_key)
{
    const struct ratls_enrolment enrolment = enrolment_of("L-1");
    struct seal_scene_authority authority;
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX];
    struct ratls_error err = {0};
    static struct ca_side ca;
    size_t len = 0;

    set_up_bare("2048");
    authority = seal_scene_authority_new("authority", "EC");
    seal_scene_init(&authority, false);
    ca_asked(&ca, &enrolment);
    ca_challenge_ak(&ca);
    assert_fails(
        ratls_enrolment_answer(&enrolment, request_of(&ca), challenge_of(&ca), answer, &len, &err),
        RATLS_TPM, &err, "is sealed, and no state of this machine was authorised");
    seal_scene_authorize_now(&authority, "now");
    expect_answered(&ca, &enrolment);
    EVP_PKEY_free(authority.key);
    ca_done(&ca);
}
