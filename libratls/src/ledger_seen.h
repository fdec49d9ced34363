/*
 * The highest clock and counters of each attestation key that any process with this folder has
 * accepted: what goes back behind them is refused, also by a process that has just begun. As with
 * all of the ledger: any thread, and RATLS_IO if the file is not to be had (ledger.h).
 */
#ifndef RATLS_LEDGER_SEEN_H
#define RATLS_LEDGER_SEEN_H

#include "ledger.h"
#include "tpm_counters.h"

/* More than these, and the one that has not moved for longest goes. */
#define RATLS_LEDGER_SEEN_MAX 65536

RATLS_MUST_CHECK enum ratls_status ratls_ledger_find_seen(struct ratls_ledger *ledger,
                                                          struct ratls_slice ak_name,
                                                          struct ratls_tpm_counters *ret_counters,
                                                          bool *ret_found, struct ratls_error *err);
/* Only after the quote was accepted. What is there and is not before them stays. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_put_seen(struct ratls_ledger *ledger,
                                                         struct ratls_slice ak_name,
                                                         const struct ratls_tpm_counters *counters,
                                                         struct ratls_error *err);
/* For a TPM that was cleared and has made the same key again. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_forget_seen(struct ratls_ledger *ledger,
                                                            struct ratls_slice ak_name,
                                                            bool *ret_found,
                                                            struct ratls_error *err);

#endif
