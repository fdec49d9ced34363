/*
 * Endorsement keys of a TPM: their certificates, as far as the maker put them into the TPM, and the
 * keys themselves, which the TPM makes again of their templates.
 */
#ifndef RATLS_ATTESTER_EK_H
#define RATLS_ATTESTER_EK_H

#include "ek_list.h"
#include "tpm.h"

/*
 * All that have a certificate in NV memory, in the order of the templates. RATLS_TPM if there is
 * none. The caller frees with ratls_eks_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_eks_read(struct ratls_tpm *tpm, struct ratls_eks *ret_eks,
                                                  struct ratls_error *err);

/* The same for one template: none, if there is no certificate in its index. */
RATLS_MUST_CHECK enum ratls_status ratls_eks_read_one(struct ratls_tpm *tpm,
                                                      const struct ratls_ek_profile *profile,
                                                      struct ratls_eks *ret_eks,
                                                      struct ratls_error *err);

/* Adds the certificates of CAs that are in NV memory to an *eks that has none yet. */
RATLS_MUST_CHECK enum ratls_status
ratls_eks_read_chain(struct ratls_tpm *tpm, struct ratls_eks *eks, struct ratls_error *err);

/*
 * The key of a template: the one that lies at its handle, if it is that, else a new primary of the
 * same seed; nonce and template in NV memory count (profile, 2.2.1.5). *ret_key is flushed with
 * Esys_FlushContext() if *ret_made. Writes its TPMT_PUBLIC.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ek_open(struct ratls_tpm *tpm,
                                                 const struct ratls_ek_profile *profile,
                                                 ESYS_TR *ret_key, bool *ret_made,
                                                 uint8_t area[static RATLS_EK_AREA_MAX],
                                                 size_t *ret_len, struct ratls_error *err);

/* The TPMT_PUBLIC of that key alone. */
RATLS_MUST_CHECK enum ratls_status ratls_ek_read_area(struct ratls_tpm *tpm,
                                                      const struct ratls_ek_profile *profile,
                                                      uint8_t area[static RATLS_EK_AREA_MAX],
                                                      size_t *ret_len, struct ratls_error *err);

#endif
