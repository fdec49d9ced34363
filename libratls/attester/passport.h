/*
 * An attestation result of this machine, for clients that rely on its verifier (WIRE.md, 12). It is
 * in a file that whoever fetches results replaces, and is read each time that it is sent: so a new
 * one counts at once, in every process, and none has to be watched.
 */
#ifndef RATLS_ATTESTER_PASSPORT_H
#define RATLS_ATTESTER_PASSPORT_H

#include <ratls/error.h>
#include <ratls/result.h>

#include "bytes.h"

/*
 * Reads the file into buffer. RATLS_IO or RATLS_MALFORMED, and an empty slice, if there is none
 * that can be sent: no error of the machine, for whether one is needed is the verifier's business.
 */
RATLS_MUST_CHECK enum ratls_status ratls_passport_read(const char *path,
                                                       uint8_t buffer[static RATLS_RESULT_MAX + 1],
                                                       struct ratls_slice *ret_result,
                                                       struct ratls_error *err);

#endif
