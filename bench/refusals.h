/* What it costs to refuse: the appraisal alone, of a drop-in. */
#ifndef RATLS_BENCH_REFUSALS_H
#define RATLS_BENCH_REFUSALS_H

#include "handshake_ways.h"

enum refusal {
    REFUSAL_CUT,      /* the evidence lacks its last byte */
    REFUSAL_CHANGED,  /* the quote is no TPMS_ATTEST, all else is right */
    REFUSAL_STRANGER, /* good evidence by a key that the policy does not know */
    REFUSALS
};

extern const char *const refusal_names[REFUSALS];

/* CPU time of one, the median of a round. Ends the program if the evidence is not refused so. */
double refusal_us(const struct ways *ways, enum refusal refusal);

#endif
