/* What agent_attester.c and agent_state.c share: an attester that asks an agent, from inside. */
#ifndef RATLS_AGENT_ATTESTER_PARTS_H
#define RATLS_AGENT_ATTESTER_PARTS_H

#include <ratls/attester_agent.h>

#include <stdatomic.h>

#include "agent_link.h"
#include "agent_socket.h"

struct ratls_agent_attester {
    struct ratls_attester base;
    atomic_uint references;
    _Atomic(struct ratls_agent_link *) link; /* of this process or, after a fork, of its parent */

    /* From here on nothing changes after ratls_agent_attester_new(). */
    char path[RATLS_AGENT_PATH_MAX + 1];
    char service[RATLS_SERVICE_MAX + 1];
    unsigned deadline_ms;
};

/* agent_attester.c: of this process. */
RATLS_MUST_CHECK enum ratls_status ratls_agent_attester_link(struct ratls_agent_attester *self,
                                                             struct ratls_agent_link **ret_link,
                                                             struct ratls_error *err);

/* agent_state.c: all members that are about the state. */
void ratls_agent_attester_add_state(struct ratls_attester *interface);
/* Evidence that was asked for at that time shows a state, too. */
void ratls_agent_attester_see(struct ratls_agent_link *link,
                              const struct ratls_pcr_selection *selection,
                              const struct timespec *begun, struct ratls_slice evidence);

#endif
