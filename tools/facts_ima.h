/* The facts of an IMA list. */
#ifndef RATLS_TOOL_FACTS_IMA_H
#define RATLS_TOOL_FACTS_IMA_H

#include "facts.h"
#include "ima.h"

#define RATLS_IMA_DIGEST_MIN 32 /* SHA-256: a policy names nothing weaker */

struct ratls_ima_counts {
    uint64_t entries; /* that were looked at */
    uint64_t violations;
    uint64_t weak; /* without a digest that a list can hold: none, SHA-1, or of fs-verity */
};

/* The algorithm of the digests in a whole list (TPM_ALG_ID); 0 if it is no list. */
uint16_t ratls_ima_choose_alg(struct ratls_slice list);

/*
 * A fact for each file, also with a weak digest, of the first entries_max entries. boot_aggregate
 * and violations are none. RATLS_MALFORMED if the list ends in something that is no entry.
 */
RATLS_MUST_CHECK enum ratls_status ratls_facts_of_ima(struct ratls_slice list, uint16_t list_alg,
                                                      uint64_t entries_max,
                                                      struct ratls_facts *facts,
                                                      struct ratls_ima_counts *ret_counts,
                                                      struct ratls_error *err);

#endif
