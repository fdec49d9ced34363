/*
 * The firmware's log as it crosses the network (WIRE.md, 3.1): a crypto-agile log itself, with the
 * digests of one bank, and with the data of those events only that a policy can judge by them. The
 * verdict on it is the verdict on the whole log: both go through the same walk.
 *
 * Every event keeps its number. Its data is kept if it is a text, of at most RATLS_BOOT_TEXT_MAX
 * bytes in PCR 8 and 12; or if the digest is over it, of authorities (PCR 7), and of whatever is
 * not longer than RATLS_BOOT_SHORT_MAX, as the variable SecureBoot is; and that of StartupLocality.
 */
#ifndef RATLS_BOOT_COMPACT_H
#define RATLS_BOOT_COMPACT_H

#include <ratls/error.h>

#include "eventlog.h"

#define RATLS_BOOT_TEXT_MAX 2048 /* COMMAND_LINE_SIZE of Linux on x86 */
#define RATLS_BOOT_SHORT_MAX 80  /* room for what firmware measures as such, and for SecureBoot */

/*
 * RATLS_MALFORMED if the log is none, or has not this bank; RATLS_LIMIT if the result were longer
 * than RATLS_BOOT_LOG_MAX of evidence.h. The caller frees *ret_log with free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_boot_compact(struct ratls_slice log, uint16_t bank,
                                                      uint8_t **ret_log, size_t *ret_len,
                                                      struct ratls_error *err);

#endif
