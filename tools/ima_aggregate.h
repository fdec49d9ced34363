/* The first entry of an IMA list beside PCRs that somebody read: for people. */
#ifndef RATLS_TOOL_IMA_AGGREGATE_H
#define RATLS_TOOL_IMA_AGGREGATE_H

#include "ima_file.h"
#include "pcr_values.h"

/* What boot_aggregate of a list says; value.len 0: the list does not begin with one. */
struct ratls_ima_aggregate {
    uint16_t alg; /* TPM_ALG_ID */
    size_t len;
    uint8_t value[RATLS_BANK_DIGEST_MAX];
};

/* Of the first entry. */
struct ratls_ima_aggregate ratls_ima_aggregate(const struct ratls_ima_line *first);

enum ratls_ima_origin {
    RATLS_IMA_ORIGIN_UNKNOWN, /* there is no boot_aggregate, or not all of the PCRs */
    RATLS_IMA_ORIGIN_SAME,    /* it is over these PCRs, of one of the banks */
    RATLS_IMA_ORIGIN_OTHER,
};

/*
 * PCRs 0 to 7, or to 9, of any bank, by the hash of the entry: kernels differ in both (before
 * Linux 5.8 it was over the SHA-1 bank).
 */
enum ratls_ima_origin ratls_ima_origin(const struct ratls_ima_aggregate *aggregate,
                                       const struct ratls_pcr_values *pcrs);

#endif
