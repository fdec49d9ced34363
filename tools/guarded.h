/* A server that a guarded program has connections to. */
#ifndef RATLS_TOOL_GUARDED_H
#define RATLS_TOOL_GUARDED_H

#include <stdio.h>
#include <sys/types.h>

#include "guard.h"
#include "held_socket.h"
#include "tls_announce.h"

struct ratls_guarded_socket {
    struct ratls_guarded_socket *next;
    struct ratls_held_socket held;
};

struct ratls_guarded {
    struct ratls_guarded *next;
    struct ratls_announcement first; /* what it was announced as */
    struct ratls_guarded_socket *sockets;
    pid_t vigil; /* a process of ours; 0: over */
    FILE *why;   /* what it says when the server falls */
    bool has_fallen;
    int64_t killed_ms; /* of processes whose sockets cannot be ended: when to kill them; 0: none */
};

/* The connection of an announcement is watched from now on; false if that cannot be. */
bool ratls_guarded_take(struct ratls_guard *guard, const struct ratls_announcement *announcement,
                        pid_t pid);

/* The vigil over this server has ended: unless nobody uses it any more, the server has fallen. */
void ratls_guarded_fall(struct ratls_guard *guard, struct ratls_guarded *server);

/* Forgets connections that are gone, and servers without any. */
void ratls_guarded_sweep(struct ratls_guard *guard);

#endif
