/* The configuration, read again. */
#ifndef RATLS_AGENTD_RELOAD_H
#define RATLS_AGENTD_RELOAD_H

#include "agent.h"

/* The old one stays if the new one is wrong, which is logged. */
void ratls_agentd_reload(struct ratls_agentd *agent);

#endif
