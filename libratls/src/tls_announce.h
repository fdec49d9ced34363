/*
 * What a verifying client tells of each connection to whoever watches beside it (`ratls exec
 * --watch`): over a UNIX socket, once the server is accepted, before the handshake goes on. Both
 * ends are of one installation and one user: this is no format for others.
 */
#ifndef RATLS_TLS_ANNOUNCE_H
#define RATLS_TLS_ANNOUNCE_H

#include "channel.h"
#include "tls_machine.h"
#include "tls_peer.h"

#define RATLS_ANNOUNCEMENT_MAGIC 0x72617732u /* "raw2"; another whenever the struct changes */
#define RATLS_ANNOUNCEMENT_TAKEN 1 /* the byte that answers it: the connection is watched */

struct ratls_announcement {
    uint32_t magic;
    uint32_t len;          /* of this struct */
    uint32_t extension;    /* number of the TLS extension */
    uint32_t socket_count; /* 1 .. RATLS_SOCKETS_MAX: one of them is that of the connection */
    int fds[RATLS_SOCKETS_MAX];
    uint64_t inodes[RATLS_SOCKETS_MAX];
    struct ratls_peer peer;
    uint32_t has_sni;                        /* 0: the program only verifies the name */
    char server_name[RATLS_SERVER_NAME_MAX]; /* that the policy was chosen by; "": none */
    struct ratls_machine machine;
    uint64_t age_ms; /* of the verdict: since the evidence was asked for, or its time stamp made */
};

/* Whether the bytes are one: sizes, counts and strings, not who sent it. */
bool ratls_announcement_valid(const struct ratls_announcement *announcement);

/*
 * Announces the connection of an accepted SSL at a path, and waits until it is watched; an error if
 * that cannot be had within 5 s. Leaves errno as it was.
 */
RATLS_MUST_CHECK enum ratls_status ratls_announce(const SSL *ssl, const char *path,
                                                  struct ratls_error *err);

#endif
