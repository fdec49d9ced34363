#include "ak.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "fail.h"
#include "seals.h"

#define HANDLE_FIRST 0x81018000u
#define HANDLE_LAST 0x8101ffffu
#define RSA_BITS 2048

#define NO_SESSION ESYS_TR_NONE /* a slot for a session that is not used */

/* A sealed key: no use by its secret alone, but what the authority has approved (seal.h). */
static enum ratls_status seal_template(const struct ratls_ak_state *state, TPMT_PUBLIC *area,
                                       struct ratls_error *err)
{
    if (state->seals == NULL)
        return RATLS_OK;
    area->objectAttributes &= ~(TPMA_OBJECT)TPMA_OBJECT_USERWITHAUTH;
    area->authPolicy.size = RATLS_SEAL_DIGEST_LEN;
    return ratls_seal_auth_policy(state->seals->authority.name, &state->seals->selection,
                                  area->authPolicy.buffer, err);
}

static TPM2B_PUBLIC build_template(const struct ratls_ak_state *state)
{
    TPM2B_PUBLIC template = {
        .publicArea = {
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |
                                TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                TPMA_OBJECT_NODA,
        }};
    TPMT_PUBLIC *area = &template.publicArea;

    if (state->algorithm == RATLS_AK_RSA_2048) {
        area->type = TPM2_ALG_RSA;
        area->parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
        area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
        area->parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
        area->parameters.rsaDetail.keyBits = RSA_BITS;
        area->unique.rsa.size = RSA_BITS / 8;
        memcpy(area->unique.rsa.buffer, state->unique, sizeof state->unique);
        return template;
    }
    area->type = TPM2_ALG_ECC;
    area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
    area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
    area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    /* Both coordinates in full length, as in the EK templates: every TPM takes those. */
    area->unique.ecc.x.size = sizeof state->unique;
    area->unique.ecc.y.size = sizeof state->unique;
    memcpy(area->unique.ecc.x.buffer, state->unique, sizeof state->unique);
    return template;
}

/*
 * Part 1, 19.6.4. The key quotes only for who knows this value: else every user of the TPM could
 * have it sign statements about sessions of his own (WIRE.md, 5).
 */
static TPM2B_AUTH auth_of(const struct ratls_ak_state *state)
{
    TPM2B_AUTH auth = {.size = sizeof state->auth};

    memcpy(auth.buffer, state->auth, sizeof state->auth);
    return auth;
}

static enum ratls_status set_auth(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                  ESYS_TR key, struct ratls_error *err)
{
    TPM2B_AUTH auth = auth_of(state);
    TSS2_RC rc = Esys_TR_SetAuth(tpm->esys, key, &auth);

    OPENSSL_cleanse(&auth, sizeof auth);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "the authorization of the attestation key", err);
    return RATLS_OK;
}

/* The same TPM makes the same key of the same template, as long as it was not cleared. */
static enum ratls_status make_primary(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                      ESYS_TR *ret_key, TPM2B_PUBLIC **ret_public,
                                      struct ratls_error *err)
{
    TPM2B_PUBLIC template = build_template(state);
    TPM2B_SENSITIVE_CREATE sensitive = {.sensitive.userAuth = auth_of(state)};
    const TPM2B_DATA no_outside_info = {0};
    const TPML_PCR_SELECTION no_pcrs = {0};
    enum ratls_status status = seal_template(state, &template.publicArea, err);
    TSS2_RC rc;

    if (status != RATLS_OK)
        return status;
    rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, NO_SESSION,
                            NO_SESSION, &sensitive, &template, &no_outside_info, &no_pcrs,
                            ret_key, ret_public, NULL, NULL, NULL);
    OPENSSL_cleanse(&sensitive, sizeof sensitive);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "making the attestation key", err);
    return RATLS_OK;
}

static enum ratls_status read_name(struct ratls_tpm *tpm, ESYS_TR key,
                                   uint8_t out[static RATLS_AK_NAME_LEN], struct ratls_error *err)
{
    TPM2B_NAME *name = NULL;
    TSS2_RC rc = Esys_TR_GetName(tpm->esys, key, &name);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "the Name of the attestation key", err);
    /* Another length is another hash, so another key: all zeros are nobody's Name. */
    memset(out, 0, RATLS_AK_NAME_LEN);
    if (name->size == RATLS_AK_NAME_LEN)
        memcpy(out, name->name, RATLS_AK_NAME_LEN);
    Esys_Free(name);
    return RATLS_OK;
}

static enum ratls_status find_free_handle(struct ratls_tpm *tpm, uint32_t *ret_handle,
                                          struct ratls_error *err)
{
    uint32_t handle = HANDLE_FIRST;

    while (handle <= HANDLE_LAST) {
        TPMS_CAPABILITY_DATA *data = NULL;
        TPMI_YES_NO more;
        UINT32 i;
        TSS2_RC rc;

        /* The handles in use, ascending, from this one on. */
        rc = Esys_GetCapability(tpm->esys, NO_SESSION, NO_SESSION, NO_SESSION, TPM2_CAP_HANDLES,
                                handle, TPM2_MAX_CAP_HANDLES, &more, &data);
        if (rc != TSS2_RC_SUCCESS)
            return ratls_tpm_fail(tpm, rc, "looking for a free persistent handle", err);
        for (i = 0; i < data->data.handles.count && data->data.handles.handle[i] == handle; i++)
            handle++;
        more = more && i == data->data.handles.count && i > 0;
        Esys_Free(data);
        if (!more && handle <= HANDLE_LAST) {
            *ret_handle = handle;
            return RATLS_OK;
        }
    }
    return ratls_fail(err, RATLS_TPM, "no persistent handle between 0x%x and 0x%x is free",
                      HANDLE_FIRST, HANDLE_LAST);
}

static enum ratls_status make_persistent(struct ratls_tpm *tpm, ESYS_TR key, uint32_t *ret_handle,
                                         struct ratls_error *err)
{
    ESYS_TR persistent = ESYS_TR_NONE;
    uint32_t handle = 0;
    enum ratls_status status = find_free_handle(tpm, &handle, err);
    TSS2_RC rc;

    if (status != RATLS_OK)
        return status;
    rc = Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, NO_SESSION,
                           NO_SESSION, handle, &persistent);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "making the attestation key persistent", err);
    *ret_handle = handle;
    return RATLS_OK;
}

enum ratls_status ratls_ak_create(struct ratls_tpm *tpm, bool persistent,
                                  struct ratls_ak_state *state, struct ratls_error *err)
{
    ESYS_TR key = ESYS_TR_NONE;
    TPM2B_PUBLIC *public = NULL;
    enum ratls_status status = make_primary(tpm, state, &key, &public, err);
    size_t len = 0;
    TSS2_RC rc;

    if (status != RATLS_OK)
        return status;
    rc = Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, state->public_area,
                                     sizeof state->public_area, &len);
    if (rc != TSS2_RC_SUCCESS) {
        status = ratls_tpm_fail(tpm, rc, "the public area of the attestation key", err);
        goto out;
    }
    state->public_len = len;
    status = read_name(tpm, key, state->name, err);
    state->handle = 0;
    if (status == RATLS_OK && persistent)
        status = make_persistent(tpm, key, &state->handle, err);
out:
    Esys_Free(public);
    Esys_FlushContext(tpm->esys, key);
    return status;
}

static enum ratls_status open_persistent(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                         ESYS_TR *ret_key, struct ratls_error *err)
{
    TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, state->handle, NO_SESSION, NO_SESSION, NO_SESSION,
                                       ret_key);

    if (rc == TSS2_RC_SUCCESS)
        return RATLS_OK;
    if (!ratls_tpm_no_object(rc))
        return ratls_tpm_fail(tpm, rc, "loading the attestation key", err);
    tpm->last_rc = rc;
    return ratls_fail(
        err, RATLS_TPM,
        "the TPM has no key at handle 0x%08x: if the key was replaced, reload or restart this "
        "program; else the TPM was cleared, or is another: make a new key with ratls init "
        "--replace",
        state->handle);
}

enum ratls_status ratls_ak_load(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                struct ratls_ak *ret_ak, struct ratls_error *err)
{
    struct ratls_ak ak = {.state = state, .key = ESYS_TR_NONE};
    uint8_t name[RATLS_AK_NAME_LEN];
    TPM2B_PUBLIC *public = NULL;
    enum ratls_status status;

    if (state->handle != 0)
        status = open_persistent(tpm, state, &ak.key, err);
    else
        status = make_primary(tpm, state, &ak.key, &public, err);
    Esys_Free(public);
    if (status != RATLS_OK)
        return status;
    status = read_name(tpm, ak.key, name, err);
    if (status == RATLS_OK && memcmp(name, state->name, sizeof name) != 0)
        status =
            ratls_fail(err, RATLS_TPM,
                       "the TPM's attestation key is not that of the state folder: the TPM was "
                       "cleared, or is another one; make a new key with ratls init --replace");
    if (status == RATLS_OK)
        status = set_auth(tpm, state, ak.key, err);
    if (status != RATLS_OK) {
        ratls_ak_unload(tpm, &ak);
        return status;
    }
    *ret_ak = ak;
    return RATLS_OK;
}

void ratls_ak_unload(struct ratls_tpm *tpm, struct ratls_ak *ak)
{
    if (ak->state->handle == 0)
        Esys_FlushContext(tpm->esys, ak->key);
    else
        Esys_TR_Close(tpm->esys, &ak->key);
    ak->key = ESYS_TR_NONE;
}

enum ratls_status ratls_ak_remove(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                  struct ratls_error *err)
{
    struct ratls_ak ak = {.key = ESYS_TR_NONE};
    ESYS_TR removed = ESYS_TR_NONE;
    TSS2_RC rc;

    if (state->handle == 0 || ratls_ak_load(tpm, state, &ak, NULL) != RATLS_OK)
        return RATLS_OK;
    rc = Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, ak.key, ESYS_TR_PASSWORD, NO_SESSION,
                           NO_SESSION, state->handle, &removed);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "removing the old attestation key", err);
    return RATLS_OK;
}
