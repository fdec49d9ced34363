/*
 * What firmware and kernel do to a TPM while they write their logs: extends the PCRs of a software
 * TPM as a log says, by TPM2_PCR_Extend, in all banks of the log at once. Nothing is computed that
 * the TPM computes: a quote of it is an oracle for the replay of the log.
 */
#ifndef RATLS_TEST_EXTEND_H
#define RATLS_TEST_EXTEND_H

#include <stdbool.h>

#include "bytes.h"
#include "ima_replay.h"

/*
 * False, with the reason on stderr: the log is refused by the strict walk, begins at another
 * locality than 0, or the TPM refuses.
 */
bool extend_boot_log(const char *tcti, struct ratls_slice log);

/*
 * The entries of binary_runtime_measurements (SHA-1 digests) from an offset on. mode: what the
 * kernel extends in banks other than SHA-1; NATIVE or PADDED.
 */
bool extend_ima_list(const char *tcti, struct ratls_slice list, uint64_t offset,
                     enum ratls_ima_mode mode);

#endif
