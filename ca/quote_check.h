/*
 * The quote in an answer: made by the attestation key, now, about this request and this challenge.
 * It selects no PCR; what it shows beside that is the firmware that the TPM runs.
 */
#ifndef RATLS_CA_QUOTE_CHECK_H
#define RATLS_CA_QUOTE_CHECK_H

#include "enroll_check.h"

struct ratls_quote_question {
    const struct ratls_enrollee *enrollee;
    struct ratls_slice attest, signature;
    const uint8_t *extra_data; /* 32 bytes: ratls_enroll_extra_data() */
};

/* A defect is said in `answer`; without one, *ret_firmware is the TPM's firmwareVersion. */
RATLS_MUST_CHECK enum ratls_status ratls_quote_check(const struct ratls_quote_question *question,
                                                     struct ratls_ca_answer *answer,
                                                     uint64_t *ret_firmware,
                                                     struct ratls_error *err);

#endif
