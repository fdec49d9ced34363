/* From the checks of a report to the trustworthiness vector of draft-ietf-rats-ar4si (2.3.4). */
#ifndef RATLS_RESULT_VECTOR_H
#define RATLS_RESULT_VECTOR_H

#include "findings.h"
#include "result.h"

/*
 * Nothing is claimed that the appraisal does not support. *ret_status is not better than the worst
 * claim, and contraindicated if the report refuses. The report has facts.
 */
void ratls_result_vector(const struct ratls_report *report, int8_t ret_trust[RATLS_TRUST_COUNT],
                         enum ratls_tier *ret_status);

#endif
