/*
 * Where makers have the certificates of endorsement keys that are not in their TPMs. Nothing is
 * fetched: the address is for people, and the certificate is checked wherever it came from.
 */
#ifndef RATLS_TOOL_ENROLL_ONLINE_H
#define RATLS_TOOL_ENROLL_ONLINE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_ENROLL_URL_MAX 128

/* manufacturer: TPM_PT_MANUFACTURER; area: of the key. "" if its maker has no such place. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_online_url(uint32_t manufacturer,
                                                           struct ratls_slice area,
                                                           char out[static RATLS_ENROLL_URL_MAX],
                                                           struct ratls_error *err);

#endif
