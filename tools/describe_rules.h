/* Parts of ratls_describe_policy(). */
#ifndef RATLS_TOOL_DESCRIBE_RULES_H
#define RATLS_TOOL_DESCRIBE_RULES_H

#include "rules.h"
#include "view.h"

/* Files, and how many digests each has. */
void ratls_describe_references(struct ratls_view *v, const char *key, const char *label,
                               const struct ratls_references *references);
/* Nothing if the policy does not ask for them. */
void ratls_describe_boot_rules(struct ratls_view *v, const struct ratls_boot_rules *boot);
void ratls_describe_result_rules(struct ratls_view *v, const struct ratls_result_rules *results);
void ratls_describe_ima_rules(struct ratls_view *v, const struct ratls_ima_rules *ima);

#endif
