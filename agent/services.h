/*
 * The services for which ratlsd attests: one attester for each name, all of one key and one TPM.
 * They stay while the process lives, so that questions and counts outlive a change of the rules.
 */
#ifndef RATLS_AGENTD_SERVICES_H
#define RATLS_AGENTD_SERVICES_H

#include <ratls/attester_tpm.h>

#include "config.h"

#define RATLS_AGENTD_NAMES_MAX 256 /* their counts must fit into one answer: WIRE.md, 6 */

struct ratls_agentd_service {
    char name[RATLS_SERVICE_MAX + 1];
    struct ratls_attester *attester; /* owned */
    uint64_t evidence;               /* how often it was given */
};

struct ratls_agentd_services {
    struct ratls_attester *first; /* of which the others are made; owned */
    size_t count;
    struct ratls_agentd_service *items[RATLS_AGENTD_NAMES_MAX]; /* owned */
};

/* Adds what the rules name. RATLS_USAGE if there are too many: then some may be there. */
RATLS_MUST_CHECK enum ratls_status
ratls_agentd_services_add(struct ratls_agentd_services *services,
                          const struct ratls_agentd_config *config, struct ratls_error *err);
void ratls_agentd_services_clear(struct ratls_agentd_services *services);

/*
 * What a rule gives to one who asks for this name, "" for the first; NULL: the rule has it not.
 */
struct ratls_agentd_service *ratls_agentd_services_find(struct ratls_agentd_services *services,
                                                        const struct ratls_agentd_rule *rule,
                                                        const char *name);

#endif
