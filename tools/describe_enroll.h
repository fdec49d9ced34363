/* What `show` says about endorsement keys, and about the messages of an enrolment. */
#ifndef RATLS_TOOL_DESCRIBE_ENROLL_H
#define RATLS_TOOL_DESCRIBE_ENROLL_H

#include <openssl/types.h>

#include "ek_certificate.h"
#include "view.h"

/* Who made the TPM, and which it is, as a certificate says. */
void ratls_describe_maker(struct ratls_view *v, const struct ratls_ek_certificate *ek);

/* The same in a section of its own, if the certificate says that it is about a TPM. */
void ratls_describe_tpm_of_certificate(struct ratls_view *v, const X509 *certificate);

/* "enroll-request" and so on, and a title for people; NULL if it is no message of an enrolment. */
const char *ratls_enroll_message_type(struct ratls_slice bytes, const char **ret_title);
/* Nothing, if it is none. */
void ratls_describe_enroll_message(struct ratls_view *v, struct ratls_slice bytes);

#endif
