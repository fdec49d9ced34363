/* How far a TPM has come: TPM 2.0 Part 1, 36. */
#ifndef RATLS_TPM_COUNTERS_H
#define RATLS_TPM_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* As in Part 2, 10.11.1 (TPMS_CLOCK_INFO). */
struct ratls_tpm_counters {
    uint32_t reset_count;
    uint32_t restart_count;
    uint64_t clock_ms;
};

/* A reset counts resetCount up, a restart restartCount; the clock runs between them. */
static inline bool ratls_tpm_counters_are_same_boot(const struct ratls_tpm_counters *a,
                                                    const struct ratls_tpm_counters *b)
{
    return a->reset_count == b->reset_count && a->restart_count == b->restart_count;
}

/* All three are read as one number that only grows. */
static inline bool ratls_tpm_counters_before(const struct ratls_tpm_counters *a,
                                             const struct ratls_tpm_counters *b)
{
    if (a->reset_count != b->reset_count)
        return a->reset_count < b->reset_count;
    if (a->restart_count != b->restart_count)
        return a->restart_count < b->restart_count;
    return a->clock_ms < b->clock_ms;
}

#endif
