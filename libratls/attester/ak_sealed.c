#include "ak_sealed.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "crypto.h"
#include "fail.h"
#include "pcrs.h"
#include "seals.h"

#define NO_SESSION ESYS_TR_NONE
#define TRIES_MAX 8 /* a state that was left, a ticket that is old, a PCR that moved */

/* ---- the session ---- */

/* A command that succeeds ends it, as continueSession is clear: Part 2, 8.4 (TPMA_SESSION). */
static TSS2_RC start_session(struct ratls_tpm *tpm, ESYS_TR *ret_session)
{
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    TSS2_RC rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, NO_SESSION,
                                       NO_SESSION, NO_SESSION, NULL, TPM2_SE_POLICY, &none,
                                       TPM2_ALG_SHA256, ret_session);

    if (rc != TSS2_RC_SUCCESS) {
        *ret_session = ESYS_TR_NONE;
        return rc;
    }
    return Esys_TRSess_SetAttributes(tpm->esys, *ret_session, 0, TPMA_SESSION_CONTINUESESSION);
}

static enum ratls_status begin_session(struct ratls_tpm *tpm, ESYS_TR *session,
                                       struct ratls_error *err)
{
    TSS2_RC rc = *session == ESYS_TR_NONE
                     ? start_session(tpm, session)
                     : Esys_PolicyRestart(tpm->esys, *session, NO_SESSION, NO_SESSION, NO_SESSION);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "a policy session for the attestation key", err);
    return RATLS_OK;
}

/* ---- the authority's signature ---- */

static enum ratls_status load_authority(struct ratls_tpm *tpm,
                                        const struct ratls_seal_authority *authority,
                                        ESYS_TR *ret_key, struct ratls_error *err)
{
    TPM2B_PUBLIC public = {.size = 0};
    size_t offset = 0;
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(authority->area, authority->area_len, &offset,
                                               &public.publicArea);

    /* A ticket of the null hierarchy would be good for nothing: Part 3, 20.1. */
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_LoadExternal(tpm->esys, NO_SESSION, NO_SESSION, NO_SESSION, NULL, &public,
                               ESYS_TR_RH_ENDORSEMENT, ret_key);
    return rc == TSS2_RC_SUCCESS ? RATLS_OK
                                 : ratls_tpm_fail(tpm, rc, "loading the key of the authority", err);
}

static enum ratls_status get_ticket(struct ratls_tpm *tpm,
                                    const struct ratls_seal_authority *authority,
                                    struct ratls_sealed_state *state, struct ratls_error *err)
{
    uint8_t message[RATLS_SEAL_MESSAGE_LEN];
    TPM2B_DIGEST digest = {.size = RATLS_SEAL_DIGEST_LEN};
    TPMT_TK_VERIFIED *ticket = NULL;
    TPMT_SIGNATURE signature;
    ESYS_TR key = ESYS_TR_NONE;
    size_t offset = 0;
    enum ratls_status status = ratls_seal_message(&state->seal, message, err);
    TSS2_RC rc;

    if (status == RATLS_OK)
        status = ratls_sha256(ratls_slice(message, sizeof message), digest.buffer, err);
    if (status == RATLS_OK)
        status = load_authority(tpm, authority, &key, err);
    if (status != RATLS_OK)
        return status;
    rc = Tss2_MU_TPMT_SIGNATURE_Unmarshal(state->seal.signature.p, state->seal.signature.len,
                                          &offset, &signature);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_VerifySignature(tpm->esys, key, NO_SESSION, NO_SESSION, NO_SESSION, &digest,
                                  &signature, &ticket);
    Esys_FlushContext(tpm->esys, key);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "verifying the signature of the authority", err);
    state->ticket = *ticket;
    state->has_ticket = true;
    Esys_Free(ticket);
    return RATLS_OK;
}

/* ---- the policy ---- */

static TSS2_RC approve_pcrs(struct ratls_tpm *tpm, ESYS_TR session,
                            const struct ratls_pcr_selection *selection,
                            const struct ratls_sealed_state *state)
{
    TPM2B_DIGEST digest = {.size = RATLS_SEAL_DIGEST_LEN};
    TPML_PCR_SELECTION pcrs;
    TSS2_RC rc;

    memcpy(digest.buffer, state->pcr_digest, sizeof state->pcr_digest);
    ratls_tpm_selection_out(selection, &pcrs);
    rc = Esys_PolicyPCR(tpm->esys, session, NO_SESSION, NO_SESSION, NO_SESSION, &digest, &pcrs);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_PolicyAuthValue(tpm->esys, session, NO_SESSION, NO_SESSION, NO_SESSION);
    return rc;
}

static TSS2_RC approve_policy(struct ratls_tpm *tpm, ESYS_TR session,
                              const struct ratls_seals *seals,
                              const struct ratls_sealed_state *state)
{
    const struct ratls_seal_authority *authority = &seals->authority;
    TPM2B_DIGEST approved = {.size = RATLS_SEAL_DIGEST_LEN};
    TPM2B_NONCE ref = {.size = RATLS_SEAL_DIGEST_LEN};
    TPM2B_NAME name = {.size = RATLS_SEAL_NAME_LEN};

    if (ratls_seal_policy_ref(&seals->selection, ref.buffer, NULL) != RATLS_OK)
        return TSS2_ESYS_RC_MEMORY;
    memcpy(approved.buffer, state->policy, sizeof state->policy);
    memcpy(name.name, authority->name, sizeof authority->name);
    return Esys_PolicyAuthorize(tpm->esys, session, NO_SESSION, NO_SESSION, NO_SESSION, &approved,
                                &ref, &name, &state->ticket);
}

/* The state that the machine is in, if it was authorised. */
static enum ratls_status find_state(struct ratls_tpm *tpm, struct ratls_seals *seals,
                                    struct ratls_error *err)
{
    bool is_found = false;
    size_t len = 0;
    enum ratls_status status =
        ratls_pcrs_read(tpm, &seals->selection, seals->values, sizeof seals->values, &len, err);

    if (status == RATLS_OK)
        status = ratls_seals_find(seals, ratls_slice(seals->values, len), &is_found, err);
    if (status == RATLS_OK && !is_found)
        status = ratls_seals_refuse(seals, ratls_slice(seals->values, len), err);
    return status;
}

/*
 * One try. RATLS_REJECTED: the state is another one by now, or the TPM does not know its ticket any
 * more; *err has no text then.
 */
static enum ratls_status try_state(struct ratls_tpm *tpm, struct ratls_seals *seals,
                                   ESYS_TR *session, struct ratls_error *err)
{
    struct ratls_sealed_state *state;
    bool is_ticket_old;
    enum ratls_status status = RATLS_OK;
    TSS2_RC rc;

    ratls_seals_refresh(seals);
    if (seals->fits == seals->count)
        status = find_state(tpm, seals, err);
    if (status != RATLS_OK)
        return status;
    state = &seals->states[seals->fits];
    is_ticket_old = state->has_ticket;
    if (!state->has_ticket)
        status = get_ticket(tpm, &seals->authority, state, err);
    if (status == RATLS_OK)
        status = begin_session(tpm, session, err);
    if (status != RATLS_OK)
        return status;
    rc = approve_pcrs(tpm, *session, &seals->selection, state);
    if (ratls_tpm_code(rc) == TPM2_RC_VALUE) {
        tpm->last_rc = rc;
        seals->fits = seals->count;
        return RATLS_REJECTED;
    }
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "the policy of the attestation key", err);
    rc = approve_policy(tpm, *session, seals, state);
    if (rc == TSS2_RC_SUCCESS)
        return RATLS_OK;
    state->has_ticket = false;
    if (is_ticket_old && ratls_tpm_code(rc) == TPM2_RC_VALUE)
        return RATLS_REJECTED;
    return ratls_tpm_fail(tpm, rc, "the authorization by the authority", err);
}

enum ratls_status ratls_ak_authorize(struct ratls_tpm *tpm, const struct ratls_ak *ak,
                                     ESYS_TR *session, struct ratls_error *err)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        enum ratls_status status = try_state(tpm, ak->state->seals, session, err);

        if (status != RATLS_REJECTED)
            return status;
    }
    return ratls_fail(err, RATLS_TPM,
                      "the PCRs that the attestation key is sealed to changed %d times in a row",
                      TRIES_MAX);
}
