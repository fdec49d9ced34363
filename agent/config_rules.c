#include "config_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "names.h"

#define WAITING_DEFAULT 4096
#define RATE_MAX 1000000
#define AT_MAX 64

enum ratls_status ratls_agentd_read_number(const struct ratls_source *source, const char *key,
                                           const char *value, unsigned max, unsigned *ret,
                                           struct ratls_error *err)
{
    unsigned long number = 0;

    if (value == NULL)
        return RATLS_OK;
    if (!ratls_agentd_read_digits(value, max, &number) || number == 0)
        return ratls_source_fail(source, err, key, "must be a number, 1 to %u", max);
    *ret = (unsigned)number;
    return RATLS_OK;
}

/* A place such as "clients[0].rate". */
static const char *at(char out[static AT_MAX], size_t index, const char *key)
{
    (void)snprintf(out, AT_MAX, "clients[%zu]%s%s", index, key[0] == '\0' ? "" : ".", key);
    return out;
}

static enum ratls_status read_who(const struct ratls_source *source, size_t index,
                                  const struct ratls_agentd_document_client *client,
                                  struct ratls_agentd_rule *rule, struct ratls_error *err)
{
    const char *name = client->user != NULL ? client->user : client->group;
    const char *key = client->user != NULL ? "user" : "group";
    char place[AT_MAX];

    if ((client->user == NULL) == (client->group == NULL))
        return ratls_source_fail(source, err, at(place, index, ""),
                                 "needs either user or group, and not both");
    rule->is_group = client->group != NULL;
    if (ratls_agentd_find_id(name, rule->is_group, &rule->id))
        return RATLS_OK;
    return ratls_source_fail(source, err, at(place, index, key),
                             "no %s of the name %.64s on this machine", key, name);
}

static bool is_service(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= RATLS_SERVICE_MAX && ratls_slice_is_printable(ratls_slice(name, len));
}

static enum ratls_status read_services(const struct ratls_source *source, size_t index,
                                       const struct ratls_agentd_document_client *client,
                                       struct ratls_agentd_rule *rule, struct ratls_error *err)
{
    char place[AT_MAX];

    if (client->services_count == 0)
        return ratls_source_fail(source, err, at(place, index, "services"),
                                 "an empty list: name what this %s may attest as, such as "
                                 "[default]",
                                 rule->is_group ? "group" : "user");
    for (size_t i = 0; i < client->services_count; i++) {
        const char *name = client->services[i];

        (void)snprintf(place, sizeof place, "clients[%zu].services[%zu]", index, i);
        if (!is_service(name))
            return ratls_source_fail(source, err, place,
                                     "a service is 1 to %d characters of printable ASCII",
                                     RATLS_SERVICE_MAX);
        for (size_t k = 0; k < i; k++)
            if (strcmp(rule->services[k], name) == 0)
                return ratls_source_fail(source, err, place, "the same service twice");
        memcpy(rule->services[i], name, strlen(name) + 1);
    }
    rule->service_count = client->services_count;
    return RATLS_OK;
}

static enum ratls_status read_rule(const struct ratls_source *source, size_t index,
                                   const struct ratls_agentd_document_client *client,
                                   struct ratls_agentd_config *config, struct ratls_error *err)
{
    struct ratls_agentd_rule *rule = &config->rules[index];
    char place[AT_MAX];
    enum ratls_status status = read_who(source, index, client, rule, err);

    rule->waiting = WAITING_DEFAULT;
    if (status == RATLS_OK)
        status = read_services(source, index, client, rule, err);
    if (status == RATLS_OK)
        status = ratls_agentd_read_number(source, at(place, index, "rate"), client->rate, RATE_MAX,
                                          &rule->rate, err);
    if (status == RATLS_OK)
        status = ratls_agentd_read_number(source, at(place, index, "waiting"), client->waiting,
                                          RATLS_AGENTD_QUEUE_MAX, &rule->waiting, err);
    if (status != RATLS_OK)
        return status;
    for (size_t i = 0; i < index; i++)
        if (config->rules[i].is_group == rule->is_group && config->rules[i].id == rule->id)
            return ratls_source_fail(source, err, at(place, index, ""),
                                     "never counts: clients[%zu] is for the same %s", i,
                                     rule->is_group ? "group" : "user");
    return RATLS_OK;
}

enum ratls_status ratls_agentd_read_rules(const struct ratls_source *source,
                                          const struct ratls_agentd_document *document,
                                          struct ratls_agentd_config *config,
                                          struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (document->clients_count == 0)
        return ratls_source_fail(source, err, "clients",
                                 "an empty list: nobody could attest; add a rule for the user of "
                                 "your server, such as {user: www-data, services: [default]}");
    config->rules = calloc(document->clients_count, sizeof *config->rules);
    if (config->rules == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    config->rule_count = document->clients_count;
    for (size_t i = 0; i < config->rule_count && status == RATLS_OK; i++)
        status = read_rule(source, i, &document->clients[i], config, err);
    return status;
}
