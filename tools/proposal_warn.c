#include <stdio.h>

#include "policy_lint.h"
#include "proposal.h"

void ratls_proposal_warn(const struct ratls_proposal *proposal)
{
    const struct ratls_policy_draft *draft = &proposal->draft;
    struct ratls_reader values = ratls_reader(draft->values);
    char words[RATLS_LINT_VALUE_MAX];
    unsigned count = 0;

    for (size_t i = 0; i < draft->bank_count; i++) {
        const size_t len = ratls_tpm_hash_len(draft->banks[i].hash_alg);

        for (unsigned j = 0; j < RATLS_PCR_COUNT; j++) {
            if ((draft->banks[i].pcrs & UINT32_C(1) << j) != 0 &&
                ratls_policy_lint_value(j, ratls_read_bytes(&values, len), words) && count++ == 0)
                fprintf(stderr, "warning: %s\n", words);
        }
    }
    if (count > 1)
        fprintf(stderr, "warning: so it is with %u more PCRs: `ratls policy lint` lists them\n",
                count - 1);
}
