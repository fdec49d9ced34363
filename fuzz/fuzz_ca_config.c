/* Target: ratls_ca_config_read. What is accepted keeps its limits, and what is refused says why. */
#include <string.h>

#include "config.h"
#include "fuzz.h"

static void check_names(char *const *names, size_t count, size_t max)
{
    FUZZ_CHECK(count >= 1 && count <= max);
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(strlen(names[i]) >= 1 && strlen(names[i]) <= 255);
}

static void check_rule(const struct ratls_ca_config *config, const struct ratls_ca_rule *rule)
{
    check_names(rule->names, rule->name_count, RATLS_CA_RULE_NAMES_MAX);
    for (size_t i = 0; i < rule->name_count; i++)
        FUZZ_CHECK(ratls_ca_name_fits(config->names, config->name_count,
                                      ratls_slice(rule->names[i], strlen(rule->names[i]))));
}

static void check_config(const struct ratls_ca_config *config)
{
    FUZZ_CHECK(config->store != NULL && config->roots != NULL);
    FUZZ_CHECK(config->issuer_count >= 1 && config->issuer_count <= RATLS_CA_ISSUERS_MAX);
    for (size_t i = 0; i < config->issuer_count; i++)
        FUZZ_CHECK(config->issuers[i].certificate != NULL && config->issuers[i].key != NULL);
    FUZZ_CHECK(config->validity_s > 0 && config->crl_lifetime_s > 0);
    FUZZ_CHECK(config->challenge_lifetime_s > 0 && config->challenge_lifetime_files_s > 0);
    FUZZ_CHECK(config->limits.requests_per_minute > 0 && config->limits.per_ek_per_hour > 0);
    FUZZ_CHECK(config->limits.waiting > 0 && config->limits.connections > 0);
    FUZZ_CHECK(config->algorithms != 0);
    check_names(config->names, config->name_count, RATLS_CA_NAMES_MAX);
    for (size_t i = 0; i < config->rule_count; i++)
        check_rule(config, &config->rules[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_ca_config *config = NULL;
    struct ratls_error error = {.status = RATLS_OK};
    enum ratls_status status =
        ratls_ca_config_read("/f/ca.yaml", ratls_slice(data, size), &config, &error);

    FUZZ_CHECK((status == RATLS_OK) == (config != NULL));
    FUZZ_CHECK(status == RATLS_OK || error.text[0] != '\0');
    if (config != NULL)
        check_config(config);
    ratls_ca_config_free(config);
    return 0;
}
