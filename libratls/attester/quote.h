/* TPM2_Quote, with the values of the PCRs that it is about. */
#ifndef RATLS_ATTESTER_QUOTE_H
#define RATLS_ATTESTER_QUOTE_H

#include <stdatomic.h>

#include "deadline.h"
#include "evidence.h"
#include "ak.h"

#define RATLS_QUALIFYING_LEN 32

/* Never changes: all evidence that one quote is for borrows from it. */
struct ratls_quote {
    atomic_uint references;
    struct ratls_slice attest;     /* TPMS_ATTEST: the signed bytes */
    struct ratls_slice signature;  /* TPMT_SIGNATURE */
    struct ratls_slice pcr_values; /* in the order of the selection */
    struct timespec begun;         /* the TPM was asked for it: it shows no earlier state */
    uint8_t bytes[];               /* of these three */
};

struct ratls_quote *ratls_quote_up_ref(struct ratls_quote *quote);
void ratls_quote_free(struct ratls_quote *quote); /* accepts NULL */

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
 * A quote by `ak` over exactly this selection, and values that its digest covers. A PCR that
 * moves in between means another try; after some tries RATLS_TPM. The caller frees *ret_quote.
 */
RATLS_MUST_CHECK enum ratls_status ratls_quote_make(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                                    const struct ratls_pcr_selection *selection,
                                                    const uint8_t qualifying[RATLS_QUALIFYING_LEN],
                                                    struct ratls_pcr_memory *memory,
                                                    struct ratls_quote **ret_quote,
                                                    struct ratls_error *err);

/* What TPM2_Quote gives. */
struct ratls_raw_quote {
    TPM2B_ATTEST *attest; /* freed with Esys_Free() */
    uint8_t signature[RATLS_TPM_STRUCTURE_MAX];
    size_t signature_len;
};

/* A quote over a selection, which may be empty; what it says is not looked at. */
RATLS_MUST_CHECK enum ratls_status
ratls_quote_sign(struct ratls_tpm *tpm, struct ratls_ak *ak, const TPML_PCR_SELECTION *selection,
                 const uint8_t qualifying[static RATLS_QUALIFYING_LEN],
                 struct ratls_raw_quote *ret_quote, struct ratls_error *err);

#endif
