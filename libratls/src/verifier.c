/* Appraisal without TLS: <ratls/verifier.h>. */
#include <ratls/verifier.h>

#include "appraise.h"
#include "fail.h"

enum ratls_status ratls_appraise(const struct ratls_policy *policy,
                                 const struct ratls_expectation *expectation,
                                 const uint8_t *evidence, size_t evidence_len,
                                 struct ratls_report **ret_report, struct ratls_error *ret_error)
{
    struct ratls_submission submission = {.expectation = expectation,
                                          .present = true,
                                          .evidence = ratls_slice(evidence, evidence_len)};
    struct ratls_rules *rules;

    if (policy == NULL || expectation == NULL || ret_report == NULL ||
        (evidence == NULL && evidence_len > 0))
        return ratls_fail(ret_error, RATLS_USAGE, "appraisal: an argument is NULL");
    rules = expectation->role == RATLS_ROLE_CLIENT
                ? ratls_policy_client_rules(policy, expectation->server_name)
                : ratls_policy_rules(policy, expectation->server_name);
    if (rules == NULL)
        return ratls_policy_fail_unlisted(policy, expectation->role, expectation->server_name,
                                          ret_error);
    submission.tls_version = expectation->tls_version;
    submission.present = evidence_len > 0;
    return ratls_appraise_new(rules, &submission, ret_report, ret_error);
}
