/* Answers of a session: for session*.c. */
#ifndef RATLS_AGENTD_SESSION_SEND_H
#define RATLS_AGENTD_SESSION_SEND_H

#include "session.h"

/* Nothing may be unsent. False: the connection is over. */
bool ratls_agentd_session_send(struct ratls_agentd_session *session,
                               const struct ratls_agent_answer *answer);
/* The same of an error. */
bool ratls_agentd_session_refuse(struct ratls_agentd_session *session, uint64_t id,
                                 const struct ratls_error *error);

#endif
