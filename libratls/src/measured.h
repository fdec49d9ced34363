/*
 * The measured state of a machine in 32 bytes: which key, which boot, which PCR values. A server
 * writes it into its tickets, and lets them lapse when it is another (WIRE.md, 5.2).
 */
#ifndef RATLS_MEASURED_H
#define RATLS_MEASURED_H

#include "crypto.h"

#define RATLS_MEASURED_LEN 32

struct ratls_measured {
    struct ratls_slice signer; /* qualifiedSigner of quotes: which attestation key */
    uint32_t reset_count;      /* TPM 2.0 Part 2, 10.11.1 (TPMS_CLOCK_INFO) */
    uint32_t restart_count;
    struct ratls_slice pcr_values; /* of a selection, in the order of a quote */
};

RATLS_MUST_CHECK enum ratls_status
ratls_measured_digest(const struct ratls_measured *measured,
                      uint8_t ret_digest[static RATLS_MEASURED_LEN], struct ratls_error *err);

/* The state that a quote (TPMS_ATTEST) with these values shows; likewise one in evidence.
 * RATLS_MALFORMED if there is none that can be read. */
RATLS_MUST_CHECK enum ratls_status
ratls_measured_quote(struct ratls_slice attest, struct ratls_slice pcr_values,
                     uint8_t ret_digest[static RATLS_MEASURED_LEN], struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_measured_evidence(struct ratls_slice evidence, uint8_t ret_digest[static RATLS_MEASURED_LEN],
                        struct ratls_error *err);

#endif
