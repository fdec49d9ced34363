/*
 * What can be said of a request for enrolment by its bytes, the configuration and the roots alone:
 * whether the endorsement key is one of a maker's TPM, whether the attestation key is one, and
 * whether its names may be asked for here at all. Whose they are is not known here: approve.h.
 */
#ifndef RATLS_CA_ENROLL_CHECK_H
#define RATLS_CA_ENROLL_CHECK_H

#include "ca.h"
#include "config.h"
#include "ek_check.h"
#include "enroll_message.h"
#include "tpm_wire.h"

struct ratls_enroll_question {
    struct ratls_slice body; /* of the request */
    const struct ratls_ca_config *config;
    const struct ratls_roots *roots;
    int64_t now;
};

/* Who asks. Borrows from the request; what is behind a defect may be empty. */
struct ratls_enrollee {
    uint8_t sha256[32]; /* of the request */
    struct ratls_enroll_request request;
    const struct ratls_ek_profile *profile;
    struct ratls_ek_answer ek;
    struct ratls_tpm_public ak;
    EVP_PKEY *ak_key;
    uint8_t ak_name[RATLS_TPM_NAME_MAX]; /* computed here: none is ever received */
    size_t ak_name_len;
};

/*
 * A defect is said in `answer`, which else stays as it is. The caller ends *ret_enrollee with
 * ratls_enrollee_done() in any case, unless an error is returned.
 */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_check(const struct ratls_enroll_question *question,
                                                      struct ratls_ca_answer *answer,
                                                      struct ratls_enrollee *ret_enrollee,
                                                      struct ratls_error *err);
void ratls_enrollee_done(struct ratls_enrollee *enrollee);

#define RATLS_CA_NAMES_TEXT_MAX 512

/* The names of a request, separated by one space each, cut to fit. */
void ratls_ca_names_text(const struct ratls_enroll_request *request,
                         char out[static RATLS_CA_NAMES_TEXT_MAX]);

#endif
