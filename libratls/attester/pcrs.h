/* Platform configuration registers: which there are, and their values. */
#ifndef RATLS_ATTESTER_PCRS_H
#define RATLS_ATTESTER_PCRS_H

#include "tpm.h"

/* The banks (SHA-256, SHA-384, SHA-512) and PCRs that are allocated. */
RATLS_MUST_CHECK enum ratls_status ratls_pcrs_allocated(struct ratls_tpm *tpm,
                                                        struct ratls_pcr_selection *ret_selection,
                                                        struct ratls_error *err);

/*
 * The values of a selection, bank after bank, ascending by index: the order in which TPM2_Quote
 * digests them (TPM 2.0 Part 2, 10.12.4). At most cap bytes.
 */
RATLS_MUST_CHECK enum ratls_status ratls_pcrs_read(struct ratls_tpm *tpm,
                                                   const struct ratls_pcr_selection *selection,
                                                   uint8_t *out, size_t cap, size_t *ret_len,
                                                   struct ratls_error *err);

/*
 * How often a PCR was changed since the TPM was reset, for a look whether one was; it does not
 * count those that a system may reset (TPM 2.0 Part 3, TPM2_PCR_Read).
 */
RATLS_MUST_CHECK enum ratls_status
ratls_pcrs_update_counter(struct ratls_tpm *tpm, uint32_t *ret_counter, struct ratls_error *err);

#endif
