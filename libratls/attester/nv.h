/* What a TPM keeps in its NV memory. */
#ifndef RATLS_ATTESTER_NV_H
#define RATLS_ATTESTER_NV_H

#include "bytes.h"
#include "tpm.h"

#define RATLS_NV_INDICES_MAX 64
#define RATLS_NV_MAX 8192 /* certificates and templates have less than 2048 bytes */

/* The indices that are defined from first to last, ascending; at most RATLS_NV_INDICES_MAX. */
RATLS_MUST_CHECK enum ratls_status ratls_nv_list(struct ratls_tpm *tpm, uint32_t first,
                                                 uint32_t last,
                                                 uint32_t out[static RATLS_NV_INDICES_MAX],
                                                 size_t *ret_count, struct ratls_error *err);

/*
 * All of an index, which everybody may read, or the owner without a password. RATLS_TPM if it was
 * never written; RATLS_LIMIT beyond RATLS_NV_MAX. The caller frees *ret_bytes with free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_nv_read(struct ratls_tpm *tpm, uint32_t index,
                                                 uint8_t **ret_bytes, size_t *ret_len,
                                                 struct ratls_error *err);

#endif
