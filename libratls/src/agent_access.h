/* Why this process may not connect to the socket of an agent, in words that say what to do. */
#ifndef RATLS_AGENT_ACCESS_H
#define RATLS_AGENT_ACCESS_H

#include <ratls/error.h>

/* connect() said EACCES. Returns RATLS_IO. Reads /etc/passwd and /etc/group, and asks nobody. */
enum ratls_status ratls_agent_fail_access(const char *path, struct ratls_error *err);

#endif
