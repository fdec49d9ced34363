/* The first entry of an IMA list: a digest of what the firmware and boot loader left in the PCRs.
 */
#ifndef RATLS_IMA_BOOT_H
#define RATLS_IMA_BOOT_H

#include "crypto_hasher.h"
#include "ima.h"

#define RATLS_IMA_BOOT_PCRS 10

/*
 * Linux 5.8 and later, ima_calc_boot_aggregate(): the digest, by the hash of the bank, of its PCRs
 * 0 to 9; of PCRs 0 to 7 in the SHA-1 bank. Only values that were quoted, or that the quote covers
 * by a replayed log, are worth asking with.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ima_boot_aggregate(uint16_t bank, const struct ratls_slice pcrs[static RATLS_IMA_BOOT_PCRS],
                         uint8_t *out, struct ratls_error *err);

/* Whether the entry is called boot_aggregate; also kernels that were started by kexec add one. */
bool ratls_ima_is_boot_aggregate(const struct ratls_ima_entry *entry);

/*
 * *ret_matches: whether the entry is a boot_aggregate, no violation, by the hash of this bank, and
 * has the digest that these PCRs give.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ima_match_boot(const struct ratls_ima_entry *entry, uint16_t bank,
                     const struct ratls_slice pcrs[static RATLS_IMA_BOOT_PCRS], bool *ret_matches,
                     struct ratls_error *err);

#endif
