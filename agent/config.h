/* The configuration of ratlsd: ratlsd.yaml(5). */
#ifndef RATLS_AGENTD_CONFIG_H
#define RATLS_AGENTD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <ratls/attester.h>
#include <ratls/error.h>

#include "bytes.h"
#include "peer.h"

#define RATLS_AGENTD_CONFIG_DEFAULT "/etc/ratls/ratlsd.yaml"
#define RATLS_AGENTD_SOCKET_DEFAULT "/run/ratls/agent.sock"
#define RATLS_AGENTD_RULES_MAX 64
#define RATLS_AGENTD_SERVICES_MAX 16 /* of one rule */
#define RATLS_AGENTD_QUEUE_MAX 65536 /* leaves of one quote: WIRE.md, 3 */

/* What the processes of a user, or of a group's members, may ask for. */
struct ratls_agentd_rule {
    bool is_group;
    id_t id;
    size_t service_count;
    char services[RATLS_AGENTD_SERVICES_MAX][RATLS_SERVICE_MAX + 1]; /* the first is the default */
    unsigned rate;    /* questions for the TPM of one user, in a second; 0: any number */
    unsigned waiting; /* questions of one user that wait, at a time */
};

/* Texts are NULL where the file has none; paths are absolute. */
struct ratls_agentd_config {
    char *state;
    char *tcti;
    char *boot_log; /* "": none is sent */
    char *ima_list; /* likewise */
    char *result;
    char *epoch;
    unsigned epoch_s; /* 0: the default */
    char *socket;     /* never NULL */
    gid_t socket_gid; /* of a socket that ratlsd makes itself; the next as well */
    mode_t socket_mode;
    char *user;
    char *metrics;
    unsigned queue; /* questions that wait, of all users */
    size_t rule_count;
    struct ratls_agentd_rule *rules;
};

/*
 * RATLS_USAGE with file, line and column for what is wrong; users and groups are looked up. The
 * caller frees *ret_config.
 */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_config_load(const char *path,
                                                            struct ratls_agentd_config **ret_config,
                                                            struct ratls_error *err);
/* The same of a text; path is for messages. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_config_read(const char *path,
                                                            struct ratls_slice text,
                                                            struct ratls_agentd_config **ret_config,
                                                            struct ratls_error *err);
void ratls_agentd_config_free(struct ratls_agentd_config *config); /* accepts NULL */

/* The first rule that is for this peer; NULL: nothing is allowed to it. */
const struct ratls_agentd_rule *ratls_agentd_config_match(const struct ratls_agentd_config *config,
                                                          const struct ratls_agentd_peer *peer);

#endif
