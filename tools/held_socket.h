/* Sockets that other processes hold: whether they still do, and how their connections are ended. */
#ifndef RATLS_TOOL_HELD_SOCKET_H
#define RATLS_TOOL_HELD_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ratls_held_socket {
    pid_t pid;      /* a process that holds it, */
    int fd;         /* there */
    int pidfd;      /* of the process */
    uint64_t inode; /* of the socket */
    bool is_hidden; /* the process does not let us look at its files */
};

/*
 * Of a process that is there and waits for us. False if it does not hold this socket. Cleared by
 * the caller.
 */
bool ratls_held_socket_begin(pid_t pid, int fd, uint64_t inode, struct ratls_held_socket *ret);
void ratls_held_socket_clear(struct ratls_held_socket *socket);

/*
 * Whether any process still holds the socket: programs hand connections on to their children. Of a
 * hidden one, whether its process is there.
 */
bool ratls_held_socket_alive(struct ratls_held_socket *socket);

/*
 * Ends the connection, both ways and at once; what waits to be sent is dropped. False, with the
 * reason in errno, if this process may not.
 */
bool ratls_held_socket_end(const struct ratls_held_socket *socket);

/* In its place, a signal to the process. */
void ratls_held_socket_signal(const struct ratls_held_socket *socket, int signal);

#endif
