/*
 * A TLS server on a real socket, with a thread for each connection. Connection 0 is the first that
 * comes. What a program on it does: it reads, and answers nothing. What fails in the set-up prints
 * why and aborts.
 */
#ifndef RATLS_TEST_TCP_SERVER_H
#define RATLS_TEST_TCP_SERVER_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define TCP_CONNECTIONS_MAX 400

enum tcp_manner {
    TCP_SERVE,
    TCP_SILENT,   /* accepts, and says nothing */
    TCP_CLOSE,    /* accepts, and closes at once */
    TCP_TRICKLE,  /* serves, but a byte at a time, with 50 ms between them */
    TCP_GREETING, /* says a line before it expects TLS, as SMTP does */
};

struct tcp_server;

struct tcp_connection {
    struct tcp_server *server;
    unsigned number;
    int fd;
    size_t received; /* bytes of application data */
};

struct tcp_server {
    SSL_CTX *ctx;       /* borrowed */
    SSL_CTX *later_ctx; /* borrowed; NULL: the same */
    enum tcp_manner first;
    enum tcp_manner later; /* of the connections from number later_from on */
    unsigned later_from;   /* 1 */
    int listener;
    struct sockaddr_storage address;
    socklen_t address_len;
    char folder[32]; /* of a UNIX socket */
    atomic_uint count;
    pthread_t acceptor;
    pthread_t threads[TCP_CONNECTIONS_MAX];
    struct tcp_connection connections[TCP_CONNECTIONS_MAX];
};

/* On the loopback address (AF_INET, AF_INET6), or in a folder of its own (AF_UNIX). */
struct tcp_server *tcp_server_new(SSL_CTX *ctx, int family);
/* Waits for all connections: the test has closed its ends. */
void tcp_server_free(struct tcp_server *server);
/* A socket that is connected to it. */
int tcp_server_connect(const struct tcp_server *server);

#endif
