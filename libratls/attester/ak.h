/*
 * The attestation key: a restricted signing key, primary in the endorsement hierarchy, which signs
 * nothing but what the TPM made itself (TPM 2.0 Part 1, 31.5.2).
 */
#ifndef RATLS_ATTESTER_AK_H
#define RATLS_ATTESTER_AK_H

#include "ak_state.h"
#include "tpm.h"

/* A key that is loaded. It is used through ratls_ak_use() alone: ak_use.h. */
struct ratls_ak {
    const struct ratls_ak_state *state; /* borrowed */
    ESYS_TR key;
};

/*
 * Makes the key of state->algorithm and state->unique, and fills in name and public area. If
 * persistent, also state->handle, the first free one.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_create(struct ratls_tpm *tpm, bool persistent,
                                                   struct ratls_ak_state *state,
                                                   struct ratls_error *err);
/*
 * The key of a state folder, for use until the TPM is closed; the state must stay as long.
 * RATLS_TPM if the TPM has another key there, or makes another one: it was cleared, or is another
 * TPM.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_load(struct ratls_tpm *tpm,
                                                 const struct ratls_ak_state *state,
                                                 struct ratls_ak *ret_ak, struct ratls_error *err);
/* Gives back what ratls_ak_load() took of the TPM's memory. */
void ratls_ak_unload(struct ratls_tpm *tpm, struct ratls_ak *ak);

/* Removes a persistent key from the TPM, if it still is the one of the state; else does nothing. */
RATLS_MUST_CHECK enum ratls_status
ratls_ak_remove(struct ratls_tpm *tpm, const struct ratls_ak_state *state, struct ratls_error *err);

#endif
