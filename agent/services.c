#include "services.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

static struct ratls_agentd_service *find_name(const struct ratls_agentd_services *services,
                                              const char *name)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->items[i]->name, name) == 0)
            return services->items[i];
    return NULL;
}

static enum ratls_status add_name(struct ratls_agentd_services *services, const char *name,
                                  struct ratls_error *err)
{
    struct ratls_agentd_service *service;
    enum ratls_status status;

    if (find_name(services, name) != NULL)
        return RATLS_OK;
    if (services->count == RATLS_AGENTD_NAMES_MAX)
        return ratls_fail(err, RATLS_USAGE, "more than %d services", RATLS_AGENTD_NAMES_MAX);
    service = calloc(1, sizeof *service);
    if (service == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(service->name, name, strlen(name) + 1);
    status = ratls_tpm_attester_of_service(services->first, name, &service->attester, err);
    if (status == RATLS_OK)
        services->items[services->count++] = service;
    else
        free(service);
    return status;
}

enum ratls_status ratls_agentd_services_add(struct ratls_agentd_services *services,
                                            const struct ratls_agentd_config *config,
                                            struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; i < config->rule_count; i++)
        for (size_t k = 0; k < config->rules[i].service_count && status == RATLS_OK; k++)
            status = add_name(services, config->rules[i].services[k], err);
    return status;
}

void ratls_agentd_services_clear(struct ratls_agentd_services *services)
{
    for (size_t i = 0; i < services->count; i++) {
        services->items[i]->attester->free(services->items[i]->attester);
        free(services->items[i]);
    }
    if (services->first != NULL)
        services->first->free(services->first);
    *services = (struct ratls_agentd_services){.count = 0};
}

struct ratls_agentd_service *ratls_agentd_services_find(struct ratls_agentd_services *services,
                                                        const struct ratls_agentd_rule *rule,
                                                        const char *name)
{
    for (size_t i = 0; i < rule->service_count; i++)
        if (name[0] == '\0' || strcmp(rule->services[i], name) == 0)
            return find_name(services, rule->services[i]);
    return NULL;
}
