/* Where `ratls ca serve` listens: at a socket of systemd, or at one of its own. */
#ifndef RATLS_TOOL_CA_LISTEN_H
#define RATLS_TOOL_CA_LISTEN_H

#include "unix_place.h"

#define RATLS_CA_LISTEN_DEFAULT "unix:/run/ratls/ca.sock"

/*
 * A listening stream socket that does not block; the caller closes it. where: "unix:" and a path,
 * or a loopback address and a port, as 127.0.0.1:8080 or [::1]:8080; NULL: that of systemd, if it
 * passed one, else RATLS_CA_LISTEN_DEFAULT. group: of the socket in the file system, or NULL.
 * *ret_mark: what was made in the file system, for ratls_unix_remove(); nothing if it is systemd's.
 * RATLS_USAGE, with the reason, for any other place.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_listen(const char *where, const char *group,
                                                   int *ret_fd, struct ratls_unix_mark *ret_mark,
                                                   struct ratls_error *err);

#endif
