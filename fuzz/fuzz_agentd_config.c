/*
 * Target: ratls_agentd_config_read. What is accepted keeps its limits, and what is refused says
 * why.
 */
#include <string.h>

#include "config.h"
#include "fuzz.h"

static void check_rule(const struct ratls_agentd_rule *rule)
{
    FUZZ_CHECK(rule->service_count >= 1 && rule->service_count <= RATLS_AGENTD_SERVICES_MAX);
    FUZZ_CHECK(rule->waiting >= 1 && rule->waiting <= RATLS_AGENTD_QUEUE_MAX);
    for (size_t i = 0; i < rule->service_count; i++) {
        const size_t len = strlen(rule->services[i]);

        FUZZ_CHECK(len >= 1 && len <= RATLS_SERVICE_MAX);
        FUZZ_CHECK(ratls_slice_is_printable(ratls_slice(rule->services[i], len)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_agentd_config *config = NULL;
    struct ratls_error error = {.status = RATLS_OK};
    enum ratls_status status =
        ratls_agentd_config_read("f.yaml", ratls_slice(data, size), &config, &error);

    FUZZ_CHECK((status == RATLS_OK) == (config != NULL));
    FUZZ_CHECK(status == RATLS_OK || error.text[0] != '\0');
    if (config != NULL) {
        FUZZ_CHECK(config->state[0] == '/' && config->socket[0] == '/');
        FUZZ_CHECK(config->queue >= 1 && config->queue <= RATLS_AGENTD_QUEUE_MAX);
        FUZZ_CHECK(config->rule_count >= 1 && config->rule_count <= RATLS_AGENTD_RULES_MAX);
        for (size_t i = 0; i < config->rule_count; i++)
            check_rule(&config->rules[i]);
    }
    ratls_agentd_config_free(config);
    return 0;
}
