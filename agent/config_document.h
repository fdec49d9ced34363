/* ratlsd.yaml as libcyaml loads it: every value of the right kind, none of them checked. */
#ifndef RATLS_AGENTD_CONFIG_DOCUMENT_H
#define RATLS_AGENTD_CONFIG_DOCUMENT_H

#include <stdint.h>

#include "yaml_load.h"

/* Numbers are text: 010 must not become 8. */
struct ratls_agentd_document_client {
    char *user;
    char *group;
    char **services;
    uint32_t services_count;
    char *rate;
    char *waiting;
};

struct ratls_agentd_document {
    char *state;
    char *tcti;
    char *boot_log;
    char *ima_list;
    char *result;
    char *epoch;
    char *epoch_seconds;
    char *socket;
    char *socket_group;
    char *socket_mode;
    char *user;
    char *metrics;
    char *queue;
    struct ratls_agentd_document_client *clients;
    uint32_t clients_count;
};

RATLS_MUST_CHECK enum ratls_status
ratls_agentd_document_load(const struct ratls_source *source,
                           struct ratls_agentd_document **ret_document, struct ratls_error *err);
void ratls_agentd_document_free(struct ratls_agentd_document *document); /* accepts NULL */

#endif
