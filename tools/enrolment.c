/* Request and answer: what the TPM has to do with them. */
#include "enrolment.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "activate.h"
#include "crypto.h"
#include "ek_template.h"
#include "enroll_ek.h"
#include "enroll_names.h"
#include "enroll_state.h"
#include "enroll_token_file.h"
#include "fail.h"

#define SECRET_LEN 32 /* in the credential */

static enum ratls_status open_tpm(const struct ratls_enrolment *enrolment,
                                  const struct ratls_ak_state *state, struct ratls_tpm *ret_tpm,
                                  struct ratls_error *err)
{
    const char *tcti = enrolment->tcti;

    if (tcti == NULL && state->tcti[0] != '\0')
        tcti = state->tcti;
    return ratls_tpm_open(tcti, ret_tpm, err);
}

/* ---- request ---- */

static enum ratls_status write_once(const struct ratls_enroll_request *request,
                                    uint8_t out[static RATLS_ENROLL_REQUEST_MAX], size_t *ret_len,
                                    struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_REQUEST_MAX);

    ratls_enroll_request_write(request, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT,
                          "the certificates of the endorsement key are longer than a request may "
                          "be: each 8192 bytes, all of it %d",
                          RATLS_ENROLL_REQUEST_MAX);
    *ret_len = ratls_writer_slice(&w).len;
    return RATLS_OK;
}

/* The MAC is over the request without a token: so it is written twice. */
static enum ratls_status write_request(struct ratls_enroll_request *request,
                                       const struct ratls_enroll_token *token,
                                       uint8_t out[static RATLS_ENROLL_REQUEST_MAX],
                                       size_t *ret_len, struct ratls_error *err)
{
    uint8_t mac[RATLS_ENROLL_MAC_LEN];
    size_t len = 0;
    enum ratls_status status = write_once(request, out, &len, err);

    if (status == RATLS_OK && token != NULL) {
        status = ratls_enroll_token_mac(ratls_slice(token->sha256, sizeof token->sha256),
                                        ratls_slice(out, len), mac, err);
        request->token_id = ratls_slice(token->id, sizeof token->id);
        request->token_mac = ratls_slice(mac, sizeof mac);
        if (status == RATLS_OK)
            status = write_once(request, out, &len, err);
    }
    if (status == RATLS_OK)
        *ret_len = len;
    return status;
}

/* A key that is gone could not answer: better said now. */
static enum ratls_status check_ak(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                  struct ratls_error *err)
{
    struct ratls_ak ak;
    enum ratls_status status = ratls_ak_load(tpm, state, &ak, err);

    if (status == RATLS_OK)
        ratls_ak_unload(tpm, &ak);
    return status;
}

static enum ratls_status find_keys(const struct ratls_enrolment *enrolment,
                                   const struct ratls_ak_state *state,
                                   struct ratls_enroll_ek *ret_ek, struct ratls_error *err)
{
    struct ratls_tpm tpm = {0};
    enum ratls_status status = open_tpm(enrolment, state, &tpm, err);

    if (status == RATLS_OK)
        status = check_ak(&tpm, state, err);
    if (status == RATLS_OK)
        status = ratls_enroll_ek_find(&tpm, enrolment->ek, enrolment->ek_certificate, ret_ek, err);
    ratls_tpm_close(&tpm);
    return status;
}

static enum ratls_status
make_request(const struct ratls_enrolment *enrolment, const struct ratls_enroll_names *names,
             const struct ratls_enroll_token *token, const struct ratls_ak_state *state,
             uint8_t out[static RATLS_ENROLL_REQUEST_MAX], size_t *ret_len, struct ratls_error *err)
{
    struct ratls_enroll_request request = {.name_count = names->count};
    uint8_t nonce[RATLS_ENROLL_NONCE_LEN];
    struct ratls_enroll_ek ek;
    enum ratls_status status = ratls_random(nonce, sizeof nonce, err);

    if (status == RATLS_OK)
        status = find_keys(enrolment, state, &ek, err);
    if (status != RATLS_OK)
        return status;
    for (size_t i = 0; i < names->count; i++)
        request.names[i] = ratls_slice(names->texts[i], strlen(names->texts[i]));
    request.nonce = ratls_slice(nonce, sizeof nonce);
    request.ek_template = ek.profile->id;
    request.ek_public = ratls_slice(ek.area, ek.area_len);
    memcpy(request.ek_certificates, ek.certificates, sizeof request.ek_certificates);
    request.ek_certificate_count = ek.certificate_count;
    request.ak_public = ratls_slice(state->public_area, state->public_len);
    status = write_request(&request, token, out, ret_len, err);
    ratls_enroll_ek_done(&ek);
    return status;
}

/* 4 KiB of names are too much for one frame beside the rest. */
static enum ratls_status request_names(const struct ratls_enrolment *enrolment,
                                       const struct ratls_enroll_token *token,
                                       const struct ratls_ak_state *state,
                                       uint8_t out[static RATLS_ENROLL_REQUEST_MAX],
                                       size_t *ret_len, struct ratls_error *err)
{
    struct ratls_enroll_names *names = calloc(1, sizeof *names);
    enum ratls_status status;

    if (names == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_enroll_names_read(enrolment->names, enrolment->name_count, names, err);
    if (status == RATLS_OK)
        status = make_request(enrolment, names, token, state, out, ret_len, err);
    free(names);
    return status;
}

enum ratls_status ratls_enrolment_request(const struct ratls_enrolment *enrolment,
                                          uint8_t out[static RATLS_ENROLL_REQUEST_MAX],
                                          size_t *ret_len, struct ratls_error *err)
{
    const bool has_token = enrolment->token_file != NULL;
    struct ratls_enroll_token token = {{0}, {0}};
    struct ratls_ak_state state = {0};
    size_t len = 0;
    enum ratls_status status = ratls_ak_state_load(enrolment->state_dir, &state, err);

    if (status == RATLS_OK && has_token)
        status = ratls_enroll_token_load(enrolment->token_file, &token, err);
    if (status == RATLS_OK)
        status = request_names(enrolment, has_token ? &token : NULL, &state, out, &len, err);
    if (status == RATLS_OK)
        status = ratls_enroll_keep(enrolment->state_dir, RATLS_ENROLL_KEPT_REQUEST,
                                   ratls_slice(out, len), err);
    if (status == RATLS_OK)
        *ret_len = len;
    OPENSSL_cleanse(&token, sizeof token);
    ratls_ak_state_clear(&state);
    return status;
}

/* ---- answer ---- */

/* Both messages as they are, and what was read from them. */
struct exchange {
    struct ratls_slice request_bytes, challenge_bytes;
    struct ratls_enroll_request request;
    struct ratls_enroll_challenge challenge;
    const struct ratls_ek_profile *profile;
};

static enum ratls_status read_exchange(struct exchange *x, const struct ratls_ak_state *state,
                                       struct ratls_error *err)
{
    uint8_t digest[32];
    enum ratls_status status;

    if (!ratls_enroll_request_read(x->request_bytes, &x->request))
        return ratls_fail(err, RATLS_MALFORMED, "the request is none");
    if (!ratls_enroll_challenge_read(x->challenge_bytes, &x->challenge))
        return ratls_fail(
            err, RATLS_MALFORMED,
            "this is no challenge of a CA: 'ratls ca challenge' writes one for a request");
    status = ratls_sha256(x->request_bytes, digest, err);
    if (status != RATLS_OK)
        return status;
    if (!ratls_slice_equal(x->challenge.request_sha256, ratls_slice(digest, sizeof digest)))
        return ratls_fail(err, RATLS_REJECTED,
                          "the challenge is for another request than the one that was sent last: "
                          "answer with that request (--request FILE), or ask anew");
    if (!ratls_slice_equal(x->request.ak_public,
                           ratls_slice(state->public_area, state->public_len)))
        return ratls_fail(err, RATLS_REJECTED,
                          "the request is for another attestation key than that of the state "
                          "folder, which was replaced: ask anew");
    x->profile = ratls_ek_profile(x->request.ek_template);
    return RATLS_OK;
}

/* Wipes the secret: only the key of the answer's MAC is needed. */
static enum ratls_status derive_key(uint8_t secret[static RATLS_ACTIVATE_MAX], size_t len,
                                    uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                    struct ratls_error *err)
{
    enum ratls_status status;

    if (len == SECRET_LEN)
        status = ratls_enroll_answer_key(ratls_slice(secret, len), out, err);
    else
        status = ratls_fail(err, RATLS_MALFORMED,
                            "the secret in the challenge has %zu bytes, not %d", len, SECRET_LEN);
    OPENSSL_cleanse(secret, RATLS_ACTIVATE_MAX);
    return status;
}

static enum ratls_status open_challenge(struct ratls_tpm *tpm, const struct exchange *x,
                                        struct ratls_ak *ak,
                                        uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                        struct ratls_error *err)
{
    uint8_t area[RATLS_EK_AREA_MAX], secret[RATLS_ACTIVATE_MAX];
    ESYS_TR ek = ESYS_TR_NONE;
    bool is_made = false;
    size_t len = 0;
    enum ratls_status status = ratls_ek_open(tpm, x->profile, &ek, &is_made, area, &len, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_slice_equal(ratls_slice(area, len), x->request.ek_public))
        status = ratls_fail(err, RATLS_REJECTED,
                            "the TPM has another endorsement key (%s) than that of the request: it "
                            "is another TPM, or its seed was changed; ask anew",
                            x->profile->name);
    if (status == RATLS_OK)
        status = ratls_activate(tpm, x->profile, ek, ak, x->challenge.credential_blob,
                                x->challenge.encrypted_secret, secret, &len, err);
    if (is_made)
        Esys_FlushContext(tpm->esys, ek);
    else
        Esys_TR_Close(tpm->esys, &ek);
    return status == RATLS_OK ? derive_key(secret, len, out, err) : status;
}

/* Apart from its callers, for what it has on the stack. */
static enum ratls_status __attribute__((noinline))
write_answer(struct ratls_tpm *tpm, const struct exchange *x, struct ratls_ak *ak,
             const uint8_t key[static RATLS_ENROLL_MAC_LEN], struct ratls_writer *w,
             struct ratls_error *err)
{
    uint8_t transcript[RATLS_ENROLL_TRANSCRIPT_LEN], mac[RATLS_ENROLL_MAC_LEN], extra_data[32];
    uint8_t attest[RATLS_TPM_STRUCTURE_MAX], signature[RATLS_TPM_STRUCTURE_MAX];
    struct ratls_writer attest_w = ratls_writer(attest, sizeof attest);
    struct ratls_writer signature_w = ratls_writer(signature, sizeof signature);
    struct ratls_enroll_answer answer;
    enum ratls_status status =
        ratls_enroll_transcript(x->request_bytes, x->challenge_bytes, transcript, err);

    if (status == RATLS_OK)
        status = ratls_enroll_mac(ratls_slice(key, RATLS_ENROLL_MAC_LEN), transcript, mac, err);
    if (status == RATLS_OK)
        status = ratls_enroll_extra_data(transcript, extra_data, err);
    if (status == RATLS_OK)
        status = ratls_enroll_quote(tpm, ak, extra_data, &attest_w, &signature_w, err);
    if (status != RATLS_OK)
        return status;
    answer = (struct ratls_enroll_answer){.id = x->challenge.id,
                                          .mac = ratls_slice(mac, sizeof mac),
                                          .attest = ratls_writer_slice(&attest_w),
                                          .signature = ratls_writer_slice(&signature_w)};
    ratls_enroll_answer_write(&answer, w);
    return w->failed ? ratls_fail(err, RATLS_LIMIT, "the answer is too long") : RATLS_OK;
}

static enum ratls_status answer_challenge(const struct ratls_enrolment *enrolment,
                                          const struct exchange *x,
                                          const struct ratls_ak_state *state,
                                          struct ratls_writer *w, struct ratls_error *err)
{
    uint8_t key[RATLS_ENROLL_MAC_LEN];
    struct ratls_tpm tpm = {0};
    struct ratls_ak ak;
    enum ratls_status status = open_tpm(enrolment, state, &tpm, err);

    if (status == RATLS_OK)
        status = ratls_ak_load(&tpm, state, &ak, err);
    if (status != RATLS_OK)
        goto out;
    status = open_challenge(&tpm, x, &ak, key, err);
    if (status == RATLS_OK)
        status = write_answer(&tpm, x, &ak, key, w, err);
    OPENSSL_cleanse(key, sizeof key);
    ratls_ak_unload(&tpm, &ak);
out:
    ratls_tpm_close(&tpm);
    return status;
}

enum ratls_status ratls_enrolment_answer(const struct ratls_enrolment *enrolment,
                                         struct ratls_slice request, struct ratls_slice challenge,
                                         uint8_t out[static RATLS_ENROLL_ANSWER_MAX],
                                         size_t *ret_len, struct ratls_error *err)
{
    struct exchange x = {.request_bytes = request, .challenge_bytes = challenge};
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_ANSWER_MAX);
    struct ratls_ak_state state = {0};
    enum ratls_status status = ratls_ak_state_load(enrolment->state_dir, &state, err);

    if (status == RATLS_OK)
        status = read_exchange(&x, &state, err);
    if (status == RATLS_OK)
        status = answer_challenge(enrolment, &x, &state, &w, err);
    if (status == RATLS_OK)
        status =
            ratls_enroll_keep(enrolment->state_dir, RATLS_ENROLL_KEPT_CHALLENGE, challenge, err);
    if (status == RATLS_OK)
        *ret_len = ratls_writer_slice(&w).len;
    ratls_ak_state_clear(&state);
    return status;
}
