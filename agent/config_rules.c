#include "config_rules.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define WAITING_DEFAULT 4096
#define RATE_MAX 1000000
#define NUMBER_DIGITS_MAX 10    /* of an id_t */
#define ID_MAX (UINT32_MAX - 1) /* the last one stands for none: setresuid(2) */
#define AT_MAX 64

/* False for anything but digits without a leading zero. */
static bool read_digits(const char *text, unsigned long max, unsigned long *ret)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > NUMBER_DIGITS_MAX || text[digits] != '\0' ||
        (text[0] == '0' && digits > 1))
        return false;
    *ret = strtoul(text, NULL, 10);
    return *ret <= max;
}

enum ratls_status ratls_agentd_read_number(const struct ratls_source *source, const char *key,
                                           const char *value, unsigned max, unsigned *ret,
                                           struct ratls_error *err)
{
    unsigned long number = 0;

    if (value == NULL)
        return RATLS_OK;
    if (!read_digits(value, max, &number) || number == 0)
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

/* A number needs no entry in a database. */
static bool find_id(const char *name, bool is_group, id_t *ret_id)
{
    const struct passwd *user;
    const struct group *group;
    unsigned long number;

    if (read_digits(name, ID_MAX, &number)) {
        *ret_id = (id_t)number;
        return true;
    }
    if (is_group) {
        group = getgrnam(name);
        if (group != NULL)
            *ret_id = group->gr_gid;
        return group != NULL;
    }
    user = getpwnam(name);
    if (user != NULL)
        *ret_id = user->pw_uid;
    return user != NULL;
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
    if (find_id(name, rule->is_group, &rule->id))
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
    for (size_t i = 0; i < client->services_count; i++) {
        const char *name = client->services[i];
        char place[AT_MAX];

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

    config->rules = calloc(document->clients_count, sizeof *config->rules);
    if (config->rules == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    config->rule_count = document->clients_count;
    for (size_t i = 0; i < config->rule_count && status == RATLS_OK; i++)
        status = read_rule(source, i, &document->clients[i], config, err);
    return status;
}
