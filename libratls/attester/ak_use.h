/*
 * The one place through which an attestation key is used. What a key wants before it works is the
 * key's business: today its secret, for a key that is sealed to PCRs (ratls-seal(1)) a policy
 * session as well. So nobody else gives an attestation key a session.
 *
 * To use the key in a command: a function that makes the ESYS call with the session in the key's
 * place, and ratls_ak_use() around it.
 *
 *     static TSS2_RC certify(ESYS_CONTEXT *esys, ESYS_TR ak, ESYS_TR session, void *arg)
 *     {
 *         struct wish *wish = arg;
 *
 *         return Esys_Certify(esys, wish->key, ak, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, ...);
 *     }
 *
 *     const struct ratls_ak_command command = {RATLS_AK_SIGNS, "certifying", certify, &wish};
 *
 *     status = ratls_ak_use(tpm, &ak, &command, err);
 */
#ifndef RATLS_ATTESTER_AK_USE_H
#define RATLS_ATTESTER_AK_USE_H

#include "ak.h"

/* What the key does in the command: TPM 2.0 Part 1, 19.2 (authorization roles). */
enum ratls_ak_role {
    RATLS_AK_SIGNS,     /* USER: TPM2_Quote; TPM2_Certify, where it is signHandle */
    RATLS_AK_ACTIVATES, /* ADMIN: TPM2_ActivateCredential, where it is activateHandle */
};

struct ratls_ak_command {
    enum ratls_ak_role role;
    const char *what; /* for an error: "quoting" */
    /*
     * Makes the call, with `session` for the key, and returns its code. Called again if the TPM
     * wants that, so it has nothing left over when it failed: ESYS gives results on success only.
     */
    TSS2_RC (*run)(ESYS_CONTEXT *esys, ESYS_TR key, ESYS_TR session, void *arg);
    void *arg;
};

/* RATLS_TPM if the TPM refused: then err says what, and tpm->last_rc has the code. */
RATLS_MUST_CHECK enum ratls_status ratls_ak_use(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                                const struct ratls_ak_command *command,
                                                struct ratls_error *err);

#endif
