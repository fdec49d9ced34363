/* A connection to a TPM through ESYS. Used by one thread at a time. */
#ifndef RATLS_ATTESTER_TPM_CONNECTION_H
#define RATLS_ATTESTER_TPM_CONNECTION_H

#include <stdbool.h>
#include <tss2/tss2_esys.h>

#include <ratls/attester.h>

struct ratls_tpm {
    ESYS_CONTEXT *esys;
    TSS2_TCTI_CONTEXT *tcti;
    TSS2_RC last_rc; /* of the last call that failed; decides what ratls_tpm_is_...() say */
};

/* tcti: a configuration for tss2-tctildr, or NULL for its default. The caller closes *ret_tpm. */
RATLS_MUST_CHECK enum ratls_status ratls_tpm_open(const char *tcti, struct ratls_tpm *ret_tpm,
                                                  struct ratls_error *err);
void ratls_tpm_close(struct ratls_tpm *tpm); /* also accepts one that is closed */
bool ratls_tpm_is_open(const struct ratls_tpm *tpm);

/* RATLS_TPM with what failed, the code in words, and what to do next. Remembers rc in tpm. */
enum ratls_status ratls_tpm_fail(struct ratls_tpm *tpm, TSS2_RC rc, const char *what,
                                 struct ratls_error *err);

/* The TPM or its device only asks for patience: the same command may succeed in a moment. */
bool ratls_tpm_is_busy(const struct ratls_tpm *tpm);
/* The connection, or what was loaded through it, can no longer be relied upon: close it. */
bool ratls_tpm_is_broken(const struct ratls_tpm *tpm);
/*
 * A code of the TPM without layer, and without the bits that only say which parameter, handle or
 * session was meant (TPM 2.0 Part 2, 6.6); the whole code if another layer than the TPM made it.
 */
TSS2_RC ratls_tpm_code(TSS2_RC rc);
/* rc says that there is no object with that handle. */
bool ratls_tpm_no_object(TSS2_RC rc);
/* Which parameter of the command the TPM refuses; 0: none, the error is another. */
unsigned ratls_tpm_parameter(TSS2_RC rc);

/* Which boot it is: resetCount and restartCount, as an endorsement key would sign them. */
RATLS_MUST_CHECK enum ratls_status ratls_tpm_read_counters(struct ratls_tpm *tpm,
                                                           uint32_t *ret_reset,
                                                           uint32_t *ret_restart,
                                                           struct ratls_error *err);

/* TPM_PT_MANUFACTURER: a vendor ID of the TCG, such as 0x494e5443 ("INTC"). */
RATLS_MUST_CHECK enum ratls_status ratls_tpm_read_manufacturer(struct ratls_tpm *tpm,
                                                               uint32_t *ret_manufacturer,
                                                               struct ratls_error *err);

/* A selection as the TPM wants it, with three octets of bitmap for each bank. */
void ratls_tpm_selection_out(const struct ratls_pcr_selection *selection, TPML_PCR_SELECTION *out);

#endif
