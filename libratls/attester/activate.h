/*
 * What a machine answers to a CA (WIRE.md, 14): it opens a credential, which only the TPM with this
 * endorsement key can, and only while this attestation key is loaded (TPM 2.0 Part 1, 24); and it
 * quotes no PCRs, to show that the key signs, which firmware the TPM has, and its counters.
 */
#ifndef RATLS_ATTESTER_ACTIVATE_H
#define RATLS_ATTESTER_ACTIVATE_H

#include "ak.h"
#include "ek_template.h"

#define RATLS_ACTIVATE_MAX 64 /* a digest of SHA-512 */

/*
 * TPM2_ActivateCredential (Part 3, 12.5). ek: of this profile; ak: from ratls_ak_load(). blob and
 * secret: the content of TPM2B_ID_OBJECT and of TPM2B_ENCRYPTED_SECRET, from the CA.
 * RATLS_MALFORMED if the TPM does not open them: they are for another endorsement key or
 * attestation key, or were changed. The caller wipes out[].
 */
RATLS_MUST_CHECK enum ratls_status
ratls_activate(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile, ESYS_TR ek,
               struct ratls_ak *ak, struct ratls_slice blob, struct ratls_slice secret,
               uint8_t out[static RATLS_ACTIVATE_MAX], size_t *ret_len, struct ratls_error *err);

/* Writes TPMS_ATTEST and TPMT_SIGNATURE, each of at most RATLS_TPM_STRUCTURE_MAX bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_quote(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                                      const uint8_t extra_data[static 32],
                                                      struct ratls_writer *attest,
                                                      struct ratls_writer *signature,
                                                      struct ratls_error *err);

#endif
