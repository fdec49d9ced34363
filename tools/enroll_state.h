/*
 * What a machine keeps of an enrolment that is not over: request and challenge as they were sent
 * and received, in the folder `enroll` of its state folder, for its owner only.
 */
#ifndef RATLS_TOOL_ENROLL_STATE_H
#define RATLS_TOOL_ENROLL_STATE_H

#include <ratls/error.h>

#include "bytes.h"

enum ratls_enroll_kept {
    RATLS_ENROLL_KEPT_REQUEST,
    RATLS_ENROLL_KEPT_CHALLENGE,
};

/* At once or not at all. A request takes the place of the older one and of its challenge. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_keep(const char *state_dir,
                                                     enum ratls_enroll_kept what,
                                                     struct ratls_slice bytes,
                                                     struct ratls_error *err);

/* *ret_len is 0, and *ret_bytes NULL, if there is none. The caller frees *ret_bytes with free(). */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_kept(const char *state_dir,
                                                     enum ratls_enroll_kept what,
                                                     uint8_t **ret_bytes, size_t *ret_len,
                                                     struct ratls_error *err);

/* Both. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_forget(const char *state_dir,
                                                       struct ratls_error *err);

#endif
