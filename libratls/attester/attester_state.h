/*
 * The measured state without waiting for it: begin_state, take_state and cancel_state of struct
 * ratls_attester (attester.h), and how old it was when it was asked for. The attester is one of
 * ratls_tpm_attester_new().
 */
#ifndef RATLS_ATTESTER_ATTESTER_STATE_H
#define RATLS_ATTESTER_ATTESTER_STATE_H

#include <ratls/attester_tpm.h>

RATLS_MUST_CHECK enum ratls_status ratls_state_begin(struct ratls_attester *attester,
                                                     const struct ratls_pcr_selection *selection,
                                                     void (*done)(void *arg), void *arg,
                                                     struct ratls_state_job **ret_job,
                                                     struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_state_take(struct ratls_state_job *job,
                                                    uint8_t ret_digest[32], unsigned *ret_age_ms,
                                                    struct ratls_error *err);
void ratls_state_cancel(struct ratls_state_job *job);

#endif
