/* The names of a request in the form and the order that they have there (WIRE.md, 14.1). */
#ifndef RATLS_TOOL_ENROLL_NAMES_H
#define RATLS_TOOL_ENROLL_NAMES_H

#include <openssl/types.h>

#include "enroll_message.h"
#include "policy_names.h"

struct ratls_enroll_names {
    size_t count;
    char texts[RATLS_ENROLL_NAMES_MAX][RATLS_NAME_SIZE]; /* ascending, none twice */
};

/* Both fill *names, which is big; after a failure it is of no use. */

/* RATLS_USAGE, with the name, for one that cannot be asked for, and for none or too many. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_names_read(const struct ratls_slice *texts,
                                                           size_t count,
                                                           struct ratls_enroll_names *names,
                                                           struct ratls_error *err);

/* DNS names and IP addresses of a certificate; RATLS_REJECTED if one is none that a request has. */
RATLS_MUST_CHECK enum ratls_status
ratls_enroll_names_of_certificate(const X509 *certificate, struct ratls_enroll_names *names,
                                  struct ratls_error *err);

bool ratls_enroll_names_equal(const struct ratls_enroll_names *a,
                              const struct ratls_enroll_names *b);

/* "a, b", cut to fit. */
void ratls_enroll_names_text(const struct ratls_enroll_names *names, char *out, size_t cap);

#endif
