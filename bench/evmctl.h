/* The same work by evmctl of ima-evm-utils, for comparison. */
#ifndef RATLS_BENCH_EVMCTL_H
#define RATLS_BENCH_EVMCTL_H

#include "bytes.h"

struct evmctl {
    char list[32]; /* files below /tmp */
    char pcrs[32];
};

/* Writes the files: a list with SHA-1 digests, and the PCR 10 of the SHA-256 bank. */
bool evmctl_open(struct evmctl *evmctl, struct ratls_slice list, struct ratls_slice pcr);
void evmctl_close(const struct evmctl *evmctl);
/* Its CPU time in microseconds; below 0 if it is not installed or does not match the PCR. */
double evmctl_us(const struct evmctl *evmctl);

#endif
