/* The rules in ratlsd.yaml: for config.c. */
#ifndef RATLS_AGENTD_CONFIG_RULES_H
#define RATLS_AGENTD_CONFIG_RULES_H

#include "config.h"
#include "config_document.h"

/* A number from 1 to max, without leading zeros. *ret stays as it is if there is none. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_read_number(const struct ratls_source *source,
                                                            const char *key, const char *value,
                                                            unsigned max, unsigned *ret,
                                                            struct ratls_error *err);

/* Into config->rules, which config owns. */
RATLS_MUST_CHECK enum ratls_status
ratls_agentd_read_rules(const struct ratls_source *source,
                        const struct ratls_agentd_document *document,
                        struct ratls_agentd_config *config, struct ratls_error *err);

#endif
