/*
 * Two connections (ratls/connection.h) in one process with the test between them: it carries every
 * byte, sees it, and may keep it back. What fails in the set-up prints why and aborts.
 */
#ifndef RATLS_TEST_CONNECTION_PAIR_H
#define RATLS_TEST_CONNECTION_PAIR_H

#include <ratls/connection.h>

#include "tls_pair.h"

enum pair_transport {
    PAIR_MEMORY,      /* memory BIOs on both sides */
    PAIR_NONBLOCKING, /* sockets that do not block */
    PAIR_BLOCKING,    /* the client's blocks: move it in a thread of its own */
    PAIR_TRANSPORTS,
};

struct pair_side {
    struct ratls_connection *connection;
    SSL *ssl;                /* the connection's: what a program kept, and should not use */
    int far;                 /* the test's end of its socket; -1: memory */
    BIO *in, *out;           /* memory; the SSL's */
    struct tls_bytes sent;   /* every byte that it put on the wire */
    struct tls_bytes held;   /* of them, what was not carried yet */
    bool is_cut;             /* nothing of it is carried any more */
    size_t chunk;            /* carried at a time; 0: all there is */
    enum ratls_outcome last; /* of its handshake, or tick */
    unsigned accepted, renewed, ended; /* events */
    struct tls_bytes received;         /* data that pair_read() got */
};

struct connection_pair {
    enum pair_transport transport;
    int patience_ms; /* with an attester that works, when nothing else moves; 0: none */
    struct pair_side client, server;
};

/* Options may be NULL; on_event and arg are the pair's. */
struct connection_pair *pair_new(SSL_CTX *client, SSL_CTX *server, enum pair_transport transport,
                                 const struct ratls_connection_options *client_options,
                                 const struct ratls_connection_options *server_options);
enum pair_half { PAIR_BOTH, PAIR_CLIENT, PAIR_SERVER };

/* Only this side is a connection; the other one's SSL is the test's: plain_peer.h. */
struct connection_pair *pair_new_half(SSL_CTX *client, SSL_CTX *server,
                                      enum pair_transport transport, enum pair_half half);
void pair_free(struct connection_pair *pair);

/* Once each way. False: there was nothing to carry. */
bool pair_carry(struct connection_pair *pair);
/* Handshakes (tick when done) of both sides and what they send, until nothing moves. */
void pair_settle(struct connection_pair *pair);
/* pair_settle(); true: both are done. */
bool pair_open(struct connection_pair *pair);
/* What one side writes and the other reads, both settled: the outcome of the write. */
enum ratls_outcome pair_send(struct connection_pair *pair, struct pair_side *from,
                             const char *text);

/*
 * The clock of leases. It stands with the test's own: moved on by hand, so that a test of minutes
 * takes none. Needs the library ratls_test_clock.
 */
void clock_move(int64_t ms);

#endif
