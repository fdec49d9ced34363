/*
 * Values of PCRs from a file: as tpm2_pcrread writes them, as JSON ({"sha256": {"0": "00"}}, alone
 * or as member "pcrs", as `ratls show --json` has it of a log), or the entries `pcrs` of a policy.
 */
#ifndef RATLS_TOOL_PCR_FILE_H
#define RATLS_TOOL_PCR_FILE_H

#include "pcr_values.h"

/*
 * path: for words. RATLS_USAGE if the text is none of these, or gives a PCR two values: a policy
 * may allow many, a state has one. The caller frees with free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_pcr_file_read(const char *path, struct ratls_slice text,
                                                       struct ratls_pcr_values **ret_values,
                                                       struct ratls_error *err);

/* The values of a selection, in its order; RATLS_USAGE if one is missing. */
RATLS_MUST_CHECK enum ratls_status
ratls_pcr_file_select(const char *path, const struct ratls_pcr_values *values,
                      const struct ratls_pcr_selection *selection, uint8_t *out, size_t cap,
                      size_t *ret_len, struct ratls_error *err);

#endif
