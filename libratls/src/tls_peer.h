/*
 * The address that a program's TLS connection goes to, and another connection there. The kernel is
 * asked, for nobody else knows: neither the program nor the peer says it.
 */
#ifndef RATLS_TLS_PEER_H
#define RATLS_TLS_PEER_H

#include <net/if.h>
#include <openssl/types.h>
#include <stdint.h>
#include <sys/socket.h>

#include <ratls/error.h>

#include "bytes.h"

/*
 * With what decides which way connections go: one that a program binds to a tunnel has a reason to.
 */
struct ratls_peer {
    struct sockaddr_storage address;
    socklen_t len;               /* 0: not known */
    int protocol;                /* of its sockets: SO_PROTOCOL */
    struct sockaddr_storage own; /* address at this end, without a port */
    socklen_t own_len;           /* 0: none that could be bound, as of UNIX sockets */
    char device[IFNAMSIZ];       /* SO_BINDTODEVICE; "": any */
    int mark;                    /* SO_MARK */
};

/* Of a connected stream socket. False if it is none, or its other end has no address. */
bool ratls_peer_of_socket(int fd, struct ratls_peer *ret_peer);

/*
 * Of the socket below an SSL. Many programs do not show OpenSSL their socket; then the one of this
 * process is taken over which exactly the bytes came that the SSL has read. tls_read: how many
 * these are, from the first byte of its handshake on. RATLS_USAGE if there is none, or more than
 * one address, or if other bytes went before those of TLS (a proxy, STARTTLS): a connection to the
 * same address would then not be one to the same server.
 */
RATLS_MUST_CHECK enum ratls_status ratls_peer_find(const SSL *ssl, uint64_t tls_read,
                                                   struct ratls_peer *ret_peer,
                                                   struct ratls_error *err);

#define RATLS_SOCKETS_MAX 16 /* as many handshakes of one process that came equally far */

struct ratls_sockets {
    int fds[RATLS_SOCKETS_MAX];
    size_t count; /* may be more than there was room for */
};

/*
 * The same, and which sockets it may be on: more than one if the program does not show its socket,
 * and several to that address have read as much.
 */
RATLS_MUST_CHECK enum ratls_status ratls_peer_find_sockets(const SSL *ssl, uint64_t tls_read,
                                                           struct ratls_peer *ret_peer,
                                                           struct ratls_sockets *ret_sockets,
                                                           struct ratls_error *err);

/* CLOCK_BOOTTIME, which goes on while the machine sleeps; deadlines are times of it. */
int64_t ratls_peer_now_ms(void);

/* A connected socket that does not block, by the same way; the caller closes *ret_fd. */
RATLS_MUST_CHECK enum ratls_status ratls_peer_connect(const struct ratls_peer *peer,
                                                      int64_t deadline_ms, int *ret_fd,
                                                      struct ratls_error *err);
/* All bytes, or RATLS_IO. Raises no SIGPIPE. */
RATLS_MUST_CHECK enum ratls_status ratls_peer_send(int fd, struct ratls_slice bytes,
                                                   int64_t deadline_ms, struct ratls_error *err);
/* Some bytes, at least one, at most cap; RATLS_IO also if the peer has closed the connection. */
RATLS_MUST_CHECK enum ratls_status ratls_peer_receive(int fd, uint8_t *out, size_t cap,
                                                      int64_t deadline_ms, size_t *ret_len,
                                                      struct ratls_error *err);

#endif
