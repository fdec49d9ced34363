/* TPM2_Quote, with the values of the PCRs that it is about. */
#ifndef RATLS_ATTESTER_QUOTE_H
#define RATLS_ATTESTER_QUOTE_H

#include "evidence.h"
#include "tpm.h"

#define RATLS_QUALIFYING_LEN 32

struct ratls_quote {
    uint8_t attest[RATLS_TPM_STRUCTURE_MAX]; /* TPMS_ATTEST: the signed bytes */
    size_t attest_len;
    uint8_t signature[RATLS_TPM_STRUCTURE_MAX]; /* TPMT_SIGNATURE */
    size_t signature_len;
    uint8_t pcr_values[RATLS_PCR_VALUES_MAX];
    size_t pcr_values_len;
};

/*
 * The PCR values that were read last. PCRs seldom move and a TPM is slow to read: as long as what
 * it quotes is the digest of these values, they need not be read again. Initialise with {0}.
 */
struct ratls_pcr_memory {
    struct ratls_pcr_selection selection;
    uint8_t values[RATLS_PCR_VALUES_MAX];
    size_t len; /* 0: none */
};

/*
 * A quote by `key` over exactly this selection, and values that its digest covers. A PCR that
 * moves in between means another try; after some tries RATLS_TPM.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_quote_make(struct ratls_tpm *tpm, ESYS_TR key, const struct ratls_pcr_selection *selection,
                 const uint8_t qualifying[RATLS_QUALIFYING_LEN], struct ratls_pcr_memory *memory,
                 struct ratls_quote *ret_quote, struct ratls_error *err);

#endif
