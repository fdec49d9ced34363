/* The attester of this machine, for commands that need evidence of their own. */
#ifndef RATLS_TOOL_LOCAL_H
#define RATLS_TOOL_LOCAL_H

#include <ratls/attester_tpm.h>

#include "tpm_wire.h"

#define RATLS_STATE_DEFAULT "/var/lib/ratls"

struct ratls_local_key {
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t name_len;
};

RATLS_MUST_CHECK enum ratls_status ratls_local_key_read(const char *state_dir,
                                                        struct ratls_local_key *ret_key,
                                                        struct ratls_error *err);

/* Evidence of this machine, at most RATLS_EVIDENCE_MAX bytes; shows progress on a terminal. */
RATLS_MUST_CHECK enum ratls_status ratls_local_attest(const struct ratls_tpm_options *options,
                                                      const struct ratls_attest_request *request,
                                                      uint8_t *out, size_t *ret_len,
                                                      struct ratls_error *err);

#define RATLS_LOCAL_TCTI_MAX 256

/* The TCTI that the state folder remembers; "": the default of tpm2-tss. */
RATLS_MUST_CHECK enum ratls_status ratls_local_tcti(const char *state_dir,
                                                    char out[static RATLS_LOCAL_TCTI_MAX],
                                                    struct ratls_error *err);

/* The selection that `text` says; NULL: if_none, as far as the TPM has allocated it. */
RATLS_MUST_CHECK enum ratls_status ratls_local_selection(const char *text, const char *if_none,
                                                         const struct ratls_tpm_options *options,
                                                         struct ratls_pcr_selection *ret_selection,
                                                         struct ratls_error *err);

#endif
