#include "activate.h"

#include <openssl/crypto.h>
#include <string.h>

#include "ak_use.h"
#include "fail.h"
#include "quote.h"

#define NO_SESSION ESYS_TR_NONE
#define SECRET_PARAMETER 2 /* of TPM2_ActivateCredential */

/* PolicyA (profile, 2.2.1.5.2): who may use the endorsement hierarchy may use the key. */
static enum ratls_status satisfy_policy(struct ratls_tpm *tpm,
                                        const struct ratls_ek_profile *profile,
                                        ESYS_TR *ret_session, struct ratls_error *err)
{
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    ESYS_TR session = ESYS_TR_NONE;
    TSS2_RC rc =
        Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, NO_SESSION, NO_SESSION,
                              NO_SESSION, NULL, TPM2_SE_POLICY, &none, profile->name_alg, &session);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "a policy session", err);
    rc = Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, NO_SESSION,
                           NO_SESSION, NULL, NULL, NULL, 0, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS) {
        Esys_FlushContext(tpm->esys, session);
        return ratls_tpm_fail(tpm, rc, "the authorization of the endorsement hierarchy", err);
    }
    *ret_session = session;
    return RATLS_OK;
}

/* The high range can be used with its empty password (userWithAuth), the low one cannot. */
static enum ratls_status authorize_ek(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                      ESYS_TR *ret_session, struct ratls_error *err)
{
    *ret_session = ESYS_TR_PASSWORD;
    return profile->is_high ? RATLS_OK : satisfy_policy(tpm, profile, ret_session, err);
}

/*
 * The seed is encrypted to the endorsement key: an RSA key notices that it is not for it, with ECC
 * every key finds some seed. Seed and Name of the attestation key enter the HMAC over the blob.
 */
static const char *find_reason(const struct ratls_ek_profile *profile, TSS2_RC rc)
{
    const bool is_rsa = profile->rsa_bits > 0;
    const unsigned parameter = ratls_tpm_parameter(rc);

    /* libtpms says so where others say TPM_RC_VALUE: of OAEP that cannot be decoded. */
    if (parameter == SECRET_PARAMETER || (is_rsa && (rc & ~TSS2_RC_LAYER_MASK) == TPM2_RC_FAILURE))
        return "another endorsement key (another TPM, or another template)";
    if (parameter == 0)
        return NULL;
    return is_rsa ? "another attestation key"
                  : "another endorsement key or another attestation key";
}

/* What the TPM is asked. */
struct question {
    ESYS_TR ek, ek_session;
    TPM2B_ID_OBJECT blob;
    TPM2B_ENCRYPTED_SECRET secret;
    TPM2B_DIGEST *opened;
};

static TSS2_RC ask_activation(ESYS_CONTEXT *esys, ESYS_TR ak, ESYS_TR session, void *arg)
{
    struct question *question = arg;

    return Esys_ActivateCredential(esys, ak, question->ek, session, question->ek_session,
                                   NO_SESSION, &question->blob, &question->secret,
                                   &question->opened);
}

static enum ratls_status activate(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                  struct ratls_ak *ak, struct question *question,
                                  struct ratls_error *err)
{
    const struct ratls_ak_command command = {RATLS_AK_ACTIVATES, "opening the challenge",
                                             ask_activation, question};
    enum ratls_status status = authorize_ek(tpm, profile, &question->ek_session, err);
    struct ratls_error why = {0};
    const char *whose;

    if (status != RATLS_OK)
        return status;
    tpm->last_rc = TSS2_RC_SUCCESS;
    status = ratls_ak_use(tpm, ak, &command, &why);
    /* Used or not, it is there still: ESYS asks for that (continueSession). */
    if (question->ek_session != ESYS_TR_PASSWORD)
        Esys_FlushContext(tpm->esys, question->ek_session);
    if (status == RATLS_OK)
        return RATLS_OK;
    whose = find_reason(profile, tpm->last_rc);
    if (whose == NULL)
        return ratls_fail(err, status, "%s", why.text);
    return ratls_fail(err, RATLS_REJECTED,
                      "the TPM does not open this challenge (0x%x): it was made for %s, or was "
                      "changed on its way",
                      tpm->last_rc, whose);
}

enum ratls_status ratls_activate(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                 ESYS_TR ek, struct ratls_ak *ak, struct ratls_slice blob,
                                 struct ratls_slice secret, uint8_t out[static RATLS_ACTIVATE_MAX],
                                 size_t *ret_len, struct ratls_error *err)
{
    struct question question = {.ek = ek, .blob.size = (UINT16)blob.len};
    enum ratls_status status;

    if (blob.len > sizeof question.blob.credential || secret.len > sizeof question.secret.secret)
        return ratls_fail(err, RATLS_MALFORMED, "the challenge is longer than those of any TPM");
    memcpy(question.blob.credential, blob.p, blob.len);
    memcpy(question.secret.secret, secret.p, secret.len);
    question.secret.size = (UINT16)secret.len;
    status = activate(tpm, profile, ak, &question, err);
    if (status != RATLS_OK)
        return status;
    memcpy(out, question.opened->buffer, question.opened->size);
    *ret_len = question.opened->size;
    OPENSSL_cleanse(question.opened, sizeof *question.opened);
    Esys_Free(question.opened);
    return RATLS_OK;
}

enum ratls_status ratls_enroll_quote(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                     const uint8_t extra_data[static 32],
                                     struct ratls_writer *attest, struct ratls_writer *signature,
                                     struct ratls_error *err)
{
    const TPML_PCR_SELECTION none = {0};
    struct ratls_raw_quote quote;
    enum ratls_status status = ratls_quote_sign(tpm, ak, &none, extra_data, &quote, err);

    if (status != RATLS_OK)
        return status;
    ratls_write_bytes(attest, ratls_slice(quote.attest->attestationData, quote.attest->size));
    ratls_write_bytes(signature, ratls_slice(quote.signature, quote.signature_len));
    Esys_Free(quote.attest);
    return RATLS_OK;
}
