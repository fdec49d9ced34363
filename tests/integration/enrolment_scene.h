/* A machine that enrols, of the parts of the tool, and a CA that has nothing but the messages. */
#ifndef RATLS_TEST_ENROLMENT_SCENE_H
#define RATLS_TEST_ENROLMENT_SCENE_H

#include "attester_fixture.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "credential.h"
#include "ek_certificate.h"
#include "enrolment.h"
#include "made_tpm.h"

#define PATH_MAX_HERE (PATH_LEN + 32)

/* What a CA keeps of one enrolment. */
struct ca_side {
    uint8_t request_bytes[RATLS_ENROLL_REQUEST_MAX];
    size_t request_len;
    struct ratls_enroll_request request;
    const struct ratls_ek_profile *profile;
    struct ratls_ek_certificate ek;
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    uint8_t secret[32];
    uint8_t challenge[RATLS_ENROLL_CHALLENGE_MAX];
    size_t challenge_len;
};

static inline struct ratls_slice slice_of(const char *text)
{
    return ratls_slice(text, strlen(text));
}

static inline struct ratls_slice request_of(const struct ca_side *ca)
{
    return ratls_slice(ca->request_bytes, ca->request_len);
}

static inline struct ratls_slice challenge_of(const struct ca_side *ca)
{
    return ratls_slice(ca->challenge, ca->challenge_len);
}

/* A TPM of a maker, without a key in f.state. */
static inline void set_up_bare(const char *rsa_bits)
{
    setenv("TSS2_LOG", "all+NONE", 1);
    cr_assert(made_tpm_start(&f.tpm, rsa_bits));
    snprintf(f.state, sizeof f.state, "%s/state", f.tpm.folder);
}

/* With one. */
static inline void set_up_made(const char *rsa_bits)
{
    set_up_bare(rsa_bits);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
}

static const struct ratls_slice scene_names[] = {
    {(const uint8_t *)"www.bank.test", 13},
    {(const uint8_t *)"Bank.TEST", 9},
    {(const uint8_t *)"192.0.2.7", 9},
};

static inline struct ratls_enrolment enrolment_of(const char *ek)
{
    return (struct ratls_enrolment){.state_dir = f.state,
                                    .ek = ek,
                                    .names = scene_names,
                                    .name_count = sizeof scene_names / sizeof scene_names[0]};
}

/* The CA reads what the machine wrote. */
static inline void ca_read(struct ca_side *ca)
{
    struct ratls_error err = {0};
    struct ratls_tpm_public ak;

    cr_assert(ratls_enroll_request_read(request_of(ca), &ca->request));
    ca->profile = ratls_ek_profile(ca->request.ek_template);
    assert_ok(ratls_ek_certificate_read(ca->request.ek_certificates[0], &ca->ek, &err), &err);
    cr_assert(ratls_tpm_read_public(ca->request.ak_public, &ak));
    assert_ok(ratls_tpm_name(&ak, ca->ak_name, &ca->ak_name_len, &err), &err);
    memset(ca->secret, 9, sizeof ca->secret);
}

static inline void ca_asked(struct ca_side *ca, const struct ratls_enrolment *enrolment)
{
    struct ratls_error err = {0};

    assert_ok(ratls_enrolment_request(enrolment, ca->request_bytes, &ca->request_len, &err), &err);
    ca_read(ca);
}

/* The challenge for this Name. */
static inline void ca_challenge(struct ca_side *ca, struct ratls_slice name)
{
    const struct ratls_credential_wish wish = {.profile = ca->profile,
                                               .key = ca->ek.key,
                                               .area = ca->request.ek_public,
                                               .name = name,
                                               .value = ratls_slice(ca->secret, 32)};
    struct ratls_writer w = ratls_writer(ca->challenge, sizeof ca->challenge);
    uint8_t digest[32], id[RATLS_ENROLL_ID_LEN] = {1, 2, 3};
    struct ratls_credential credential;
    struct ratls_error err = {0};

    assert_ok(ratls_make_credential(&wish, &credential, &err), &err);
    assert_ok(ratls_sha256(request_of(ca), digest, &err), &err);
    ratls_enroll_challenge_write(
        &(struct ratls_enroll_challenge){
            .id = ratls_slice(id, sizeof id),
            .request_sha256 = ratls_slice(digest, sizeof digest),
            .expires = 2000000000,
            .credential_blob = ratls_slice(credential.blob, credential.blob_len),
            .encrypted_secret = ratls_slice(credential.secret, credential.secret_len)},
        &w);
    cr_assert(!w.failed);
    ca->challenge_len = ratls_writer_slice(&w).len;
}

static inline void ca_challenge_ak(struct ca_side *ca)
{
    ca_challenge(ca, ratls_slice(ca->ak_name, ca->ak_name_len));
}

static inline void ca_done(struct ca_side *ca)
{
    ratls_ek_certificate_done(&ca->ek);
}

#endif
