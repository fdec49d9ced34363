/* Certificates as makers of TPMs and collectors of their roots hand them out: one or many. */
#ifndef RATLS_CA_ROOTS_FILE_H
#define RATLS_CA_ROOTS_FILE_H

#include <ratls/error.h>

#include "bytes.h"

/* Is told each certificate (DER) of a file. Stops the reading with any status but RATLS_OK. */
typedef enum ratls_status ratls_roots_take(void *arg, struct ratls_slice der,
                                           struct ratls_error *err);

/* Whether it looks like certificates: PEM, or a SEQUENCE in DER. */
bool ratls_roots_is_file(struct ratls_slice file);

/*
 * PEM with any number of certificates, between which other blocks and texts are passed over; or the
 * DER of one. Whether it is a certificate at all, who takes it finds out. *ret_whole: there was
 * nothing that is broken as PEM; all before it was told.
 */
RATLS_MUST_CHECK enum ratls_status ratls_roots_read(struct ratls_slice file, ratls_roots_take *take,
                                                    void *arg, bool *ret_whole,
                                                    struct ratls_error *err);

#endif
