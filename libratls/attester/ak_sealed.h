/* The policy session of a sealed attestation key: seal.h. For ak_use.c alone. */
#ifndef RATLS_ATTESTER_AK_SEALED_H
#define RATLS_ATTESTER_AK_SEALED_H

#include "ak.h"

/*
 * Makes *session, begun if it is ESYS_TR_NONE, fit for one command: TPM2_PolicyPCR,
 * PolicyAuthValue, PolicyAuthorize of the state that the machine is in. The command ends it if it
 * succeeds; else it is the caller's to flush, also after a failure here. RATLS_TPM, with the PCRs
 * that differ, if the state was not authorised.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_authorize(struct ratls_tpm *tpm,
                                                      const struct ratls_ak *ak, ESYS_TR *session,
                                                      struct ratls_error *err);

#endif
