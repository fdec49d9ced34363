/* The facts of a policy, and what of a machine's it does not allow. */
#ifndef RATLS_TOOL_FACTS_POLICY_H
#define RATLS_TOOL_FACTS_POLICY_H

#include "facts.h"
#include "observation.h"
#include "rules.h"

RATLS_MUST_CHECK enum ratls_status ratls_facts_of_policy(const struct ratls_rules *rules,
                                                         struct ratls_facts *facts,
                                                         struct ratls_error *err);

/*
 * Copies what a machine showed, the policy asks about, and does not allow: what an update would
 * have to add.
 */
RATLS_MUST_CHECK enum ratls_status ratls_facts_missing(const struct ratls_rules *rules,
                                                       const struct ratls_observation *o,
                                                       struct ratls_facts *ret_missing,
                                                       struct ratls_error *err);

/* The reference values of a topic; NULL if it has none. */
const struct ratls_references *ratls_rules_references(const struct ratls_rules *rules,
                                                      enum ratls_topic topic);

#endif
