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

/* agent_asked.c: a question to the agent that nobody waits for; part of a job of the interface. */
struct ratls_agent_asked {
    struct ratls_agent_attester *attester; /* a reference */
    struct ratls_agent_link *link;         /* of the process that asked */
    struct ratls_agent_job *question;
};

/* Behind a success the caller posts it; behind a failure nothing is left of it. */
RATLS_MUST_CHECK enum ratls_status ratls_agent_asked_prepare(struct ratls_agent_attester *self,
                                                             struct ratls_agent_question *question,
                                                             struct ratls_agent_asked *ret_asked,
                                                             struct ratls_error *err);
/* Frees the question, whatever is returned. what: "the evidence", for the error behind a fork(). */
RATLS_MUST_CHECK enum ratls_status ratls_agent_asked_take(struct ratls_agent_asked *asked,
                                                          const char *what, uint8_t **ret_payload,
                                                          size_t *ret_len, struct ratls_error *err);
void ratls_agent_asked_cancel(struct ratls_agent_asked *asked);
/* Behind take or cancel: the link may go with it. */
void ratls_agent_asked_end(struct ratls_agent_asked *asked);

/* agent_state.c: all members that are about the state. */
void ratls_agent_attester_add_state(struct ratls_attester *interface);
/* Evidence that was asked for at that time shows a state, too. */
void ratls_agent_attester_see(struct ratls_agent_link *link,
                              const struct ratls_pcr_selection *selection,
                              const struct timespec *begun, struct ratls_slice evidence);

#endif
