/*
 * A stand-in for a TPM behind the real worker of an attester: the linker puts these functions
 * before those that talk to one (CMakeLists.txt). It takes as long as a fast chip, so that batches
 * are what they are behind one; what it costs to sign is known, and no cost of ours.
 */
#ifndef RATLS_BENCH_NULL_TPM_H
#define RATLS_BENCH_NULL_TPM_H

#include <ratls/attester_tpm.h>

#include "fake_tpm.h"

#define NULL_TPM_MS 25 /* of a quote */

/* An attester over this TPM, of which there is one at a time; both are the caller's. */
struct ratls_attester *null_tpm_attester(struct fake_tpm *tpm);
/* CPU time of the signatures since it was asked last. */
double null_tpm_take_us(void);

#endif
