/* New connections of ratlsd: how many there may be. */
#ifndef RATLS_AGENTD_ACCEPTOR_H
#define RATLS_AGENTD_ACCEPTOR_H

#include "agent.h"

/* As sd-event's functions: below 0 if it failed. */
int ratls_agentd_add_listener(struct ratls_agentd *agent);
/* If it was paused, for want of a file descriptor. */
void ratls_agentd_resume_listener(struct ratls_agentd *agent);
/* Closes it; may be called again. */
void ratls_agentd_stop_listener(struct ratls_agentd *agent);

/* Raises the limit of file descriptors as far as it goes; how many sessions that is enough for. */
size_t ratls_agentd_session_max(void);

#endif
