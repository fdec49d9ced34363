/* A path at which a service of ours has its socket, and no other program does. */
#ifndef RATLS_TOOL_UNIX_PLACE_H
#define RATLS_TOOL_UNIX_PLACE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include <ratls/error.h>

struct ratls_unix_place {
    const char *path;
    int type;            /* SOCK_STREAM or SOCK_SEQPACKET */
    gid_t gid;           /* (gid_t)-1: that of the process */
    const char *gid_key; /* where the administrator wrote it */
    mode_t mode;
};

/* What was made at a path. */
struct ratls_unix_mark {
    struct sockaddr_un address; /* its path; "" if there is nothing to remove */
    dev_t device;
    ino_t inode;
};

/* False if the path is too long for a socket. */
bool ratls_unix_address(const char *path, struct sockaddr_un *ret_address);

/*
 * A socket at this path that does not block, and does not listen yet: the caller does that, and
 * closes it. The socket of a process that is gone is replaced, that of one which lives is not. A
 * lock beside it is held for as long as the process lives.
 */
RATLS_MUST_CHECK enum ratls_status ratls_unix_bind(const struct ratls_unix_place *place,
                                                   int *ret_fd, struct ratls_error *err);

/* Remembers the socket that ratls_unix_bind() has just made at this path. */
void ratls_unix_mark(const char *path, struct ratls_unix_mark *ret_mark);
/* Removes it at the end, unless something else is in its place by now. Accepts one that is all 0.
 */
void ratls_unix_remove(const struct ratls_unix_mark *mark);

#endif
