/* Messages of an enrolment as files: NAME.req, NAME.chal, NAME.ans; and certificates, NAME.crt. */
#ifndef RATLS_TOOL_CA_FILES_H
#define RATLS_TOOL_CA_FILES_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_CA_PATH_MAX 1024

/*
 * Where the answer to a file goes, unless `out` says it: the same name, with `ending` instead of
 * `ending_in`, if it has that. RATLS_USAGE if it is too long.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_out_path(const char *in, const char *ending_in,
                                                     const char *ending, const char *out,
                                                     char ret_path[static RATLS_CA_PATH_MAX],
                                                     struct ratls_error *err);

/*
 * Writes what a CA answered with, a challenge as it is, or the certificates of a result as PEM.
 * *ret_until is when it ends: the challenge, or the first certificate. A file that is there is
 * replaced: nothing is lost, for the same can be asked for again.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_write_challenge(const char *path,
                                                            struct ratls_slice message,
                                                            int64_t *ret_until,
                                                            struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_ca_write_result(const char *path,
                                                         struct ratls_slice message,
                                                         int64_t *ret_until,
                                                         struct ratls_error *err);
/* The same of one certificate (DER). */
RATLS_MUST_CHECK enum ratls_status
ratls_ca_write_certificate(const char *path, struct ratls_slice der, struct ratls_error *err);

#endif
