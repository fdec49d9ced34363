/* The socket of an agent (WIRE.md, 13), as who asks sees it. */
#ifndef RATLS_AGENT_SOCKET_H
#define RATLS_AGENT_SOCKET_H

#include <ratls/error.h>

#define RATLS_AGENT_PATH_MAX 107 /* bytes of sun_path, without its NUL: unix(7) */

/*
 * A socket that never blocks, connected to a process that may be trusted with the path: root, this
 * user, or the one user who may write to its folder, with folders of root alone above it. Does not
 * wait. The caller closes *ret_fd.
 */
RATLS_MUST_CHECK enum ratls_status ratls_agent_connect(const char *path, int *ret_fd,
                                                       struct ratls_error *err);

#endif
