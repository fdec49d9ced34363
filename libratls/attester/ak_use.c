#include "ak_use.h"

#include "ak_sealed.h"
#include "fail.h"

/*
 * Any PCR that moves between the policy and the command spoils the policy (Part 3, 23.7), also one
 * that the key is not sealed to: while Linux IMA measures many files that happens often.
 */
#define TRIES_MAX 20

static bool is_of_seal(const struct ratls_ak *ak, enum ratls_ak_role role)
{
    /* The ADMIN role takes the secret, for adminWithPolicy is clear: Part 1, 19.2.2. */
    return ak->state->seals != NULL && role == RATLS_AK_SIGNS;
}

static enum ratls_status fail(struct ratls_tpm *tpm, TSS2_RC rc,
                              const struct ratls_ak_command *command, struct ratls_error *err)
{
    const TSS2_RC code = ratls_tpm_code(rc);

    if (code != TPM2_RC_BAD_AUTH && code != TPM2_RC_AUTH_FAIL)
        return ratls_tpm_fail(tpm, rc, command->what, err);
    tpm->last_rc = rc;
    return ratls_fail(
        err, RATLS_TPM,
        "%s: the TPM refuses the authorization (0x%x): is `auth` in ak.conf that of the "
        "attestation key?",
        command->what, rc);
}

static enum ratls_status use_session(struct ratls_tpm *tpm, const struct ratls_ak *ak,
                                     const struct ratls_ak_command *command, ESYS_TR *session,
                                     struct ratls_error *err)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        enum ratls_status status = ratls_ak_authorize(tpm, ak, session, err);
        TSS2_RC rc;

        if (status != RATLS_OK)
            return status;
        rc = command->run(tpm->esys, ak->key, *session, command->arg);
        if (rc == TSS2_RC_SUCCESS)
            return RATLS_OK;
        tpm->last_rc = rc;
        if (ratls_tpm_code(rc) != TPM2_RC_PCR_CHANGED)
            return fail(tpm, rc, command, err);
    }
    return ratls_fail(
        err, RATLS_TPM,
        "%s: a PCR changed %d times in a row, each time before the sealed attestation "
        "key was used",
        command->what, TRIES_MAX);
}

/*
 * No session stays in the TPM between two uses: without a resource manager all processes share the
 * few that it has room for, mostly three.
 */
static enum ratls_status use_sealed(struct ratls_tpm *tpm, const struct ratls_ak *ak,
                                    const struct ratls_ak_command *command, struct ratls_error *err)
{
    ESYS_TR session = ESYS_TR_NONE;
    enum ratls_status status = use_session(tpm, ak, command, &session, err);

    if (status == RATLS_OK)
        Esys_TR_Close(tpm->esys, &session); /* the command has ended it */
    else if (session != ESYS_TR_NONE)
        Esys_FlushContext(tpm->esys, session);
    return status;
}

enum ratls_status ratls_ak_use(struct ratls_tpm *tpm, struct ratls_ak *ak,
                               const struct ratls_ak_command *command, struct ratls_error *err)
{
    TSS2_RC rc;

    if (is_of_seal(ak, command->role))
        return use_sealed(tpm, ak, command, err);
    /* The key's secret as a password: an HMAC session would cost five quotes. */
    rc = command->run(tpm->esys, ak->key, ESYS_TR_PASSWORD, command->arg);
    return rc == TSS2_RC_SUCCESS ? RATLS_OK : fail(tpm, rc, command, err);
}
