/*
 * PCR 11 goes on after the firmware's log: systemd extends it with the phases of the system's start
 * (systemd.io/TPM2_PCR_MEASUREMENTS), and writes that into no log of firmware.
 */
#ifndef RATLS_BOOT_PHASES_H
#define RATLS_BOOT_PHASES_H

#include "crypto_hasher.h"

#define RATLS_BOOT_PHASES_PCR 11

/*
 * Whether a PCR with this value becomes the quoted one by none, one or more of the phases, in their
 * order. Both are of the bank of the hasher.
 */
RATLS_MUST_CHECK enum ratls_status ratls_boot_phases(struct ratls_hasher *hasher,
                                                     struct ratls_slice value,
                                                     struct ratls_slice quoted, bool *ret_same,
                                                     struct ratls_error *err);
#endif
