/* The certificate that an enrolment left in a state folder. */
#ifndef RATLS_TOOL_ENROLLED_H
#define RATLS_TOOL_ENROLLED_H

#include <stdbool.h>

#include <ratls/error.h>

#include "enroll_names.h"

struct ratls_enrolled {
    bool is_there; /* a certificate, of the attestation key that is there now; else all is 0 */
    int64_t not_before, not_after; /* seconds since 1970-01-01 UTC */
    struct ratls_enroll_names names;
};

/* Fails if there is no attestation key. The caller frees *ret_enrolled with free(). */
RATLS_MUST_CHECK enum ratls_status ratls_enrolled_read(const char *state_dir,
                                                       struct ratls_enrolled **ret_enrolled,
                                                       struct ratls_error *err);

/* Whether it is valid, and for more than a third of its life. */
bool ratls_enrolled_is_fresh(const struct ratls_enrolled *enrolled, int64_t now);

#endif
