/*
 * What an IMA list gives in each bank, by both ways in which kernels extend banks other than that
 * of the list, and where on the way a PCR 10 that somebody read was reached: for people.
 */
#ifndef RATLS_TOOL_IMA_TALLY_H
#define RATLS_TOOL_IMA_TALLY_H

#include "ima_aggregate.h"
#include "ima_file.h"
#include "pcr_values.h"

#define RATLS_IMA_BANKS 4 /* SHA-1, SHA-256, SHA-384, SHA-512 */

struct ratls_ima_way {
    uint16_t alg;
    bool is_padded;   /* as before Linux 5.8: SHA-1 digests with zeros behind them */
    bool is_known;    /* false: an entry has no data to compute a digest of */
    uint64_t reached; /* after this entry PCR 10 was as expected; 0: never */
    struct ratls_pcr_bank_values pcrs;
};

struct ratls_ima_tally {
    uint64_t entries;
    uint64_t violations;
    uint64_t template_errors;
    uint64_t first_template_error;
    uint64_t unchecked; /* no data in the file to compute the digest of */
    uint64_t signatures;
    struct ratls_ima_aggregate aggregate;
    uint16_t list_alg; /* of the digests in the list; 0 if none is known */
    struct ratls_bank_hash hashes[RATLS_IMA_BANKS];
    struct ratls_ima_way native[RATLS_IMA_BANKS];
    struct ratls_ima_way padded[RATLS_IMA_BANKS]; /* is_known only if the list is of SHA-1 */
    const struct ratls_pcr_values *expected;      /* or NULL */
};

/* list_alg: of the digests in the list. The caller frees with ratls_ima_tally_free(). */
RATLS_MUST_CHECK enum ratls_status ratls_ima_tally_new(uint16_t list_alg,
                                                       const struct ratls_pcr_values *expected,
                                                       struct ratls_ima_tally **ret_tally,
                                                       struct ratls_error *err);
void ratls_ima_tally_free(struct ratls_ima_tally *tally);

/* Counts and extends one entry. *ret_template_error: its digest is not that of its data. */
RATLS_MUST_CHECK enum ratls_status ratls_ima_tally_add(struct ratls_ima_tally *tally,
                                                       const struct ratls_ima_line *line,
                                                       bool *ret_template_error,
                                                       struct ratls_error *err);

#endif
