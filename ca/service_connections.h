/*
 * Connections of the service of a CA: each has so much time for each request, however it spends it.
 * A peer that sends a byte now and then is not idle, so the HTTP server would never end it.
 */
#ifndef RATLS_CA_SERVICE_CONNECTIONS_H
#define RATLS_CA_SERVICE_CONNECTIONS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define RATLS_CONNECTION_MS 10000      /* for a request to come, and an answer to be taken */
#define RATLS_CONNECTION_OURS_MS 60000 /* the same while what has come waits for us */

enum ratls_connection_state {
    RATLS_CONNECTION_NEW,     /* nothing is known of a first request */
    RATLS_CONNECTION_ASKING,  /* a request has begun */
    RATLS_CONNECTION_WORKING, /* it is there, and we are at it */
    RATLS_CONNECTION_TAKING,  /* the peer has the answer to take */
    RATLS_CONNECTION_IDLE,    /* it has taken it */
};

struct ratls_connection {
    LIST_ENTRY(ratls_connection) link;
    int fd;
    enum ratls_connection_state state;
    int64_t since_ms; /* when the time for the request or answer began */
    bool is_cut;
};

struct ratls_connections {
    pthread_mutex_t lock;
    LIST_HEAD(, ratls_connection) all;
    size_t count;
    uint64_t cut; /* since the beginning */
};

void ratls_connections_init(struct ratls_connections *connections);
void ratls_connections_clear(struct ratls_connections *connections);

/* From any thread. NULL if memory is short: then nobody watches it. */
struct ratls_connection *ratls_connections_enter(struct ratls_connections *connections, int fd,
                                                 int64_t now_ms);
/* Before the socket is closed. Accepts NULL, as the next one does. */
void ratls_connections_leave(struct ratls_connections *connections,
                             struct ratls_connection *connection);
void ratls_connections_set(struct ratls_connections *connections,
                           struct ratls_connection *connection, enum ratls_connection_state state,
                           int64_t now_ms);

/*
 * Ends those that have taken too long; who has not sent all of a request gets `late` first, as far
 * as the socket takes it. The number of those that got it.
 */
size_t ratls_connections_cut_late(struct ratls_connections *connections, int64_t now_ms,
                                  const char *late);
/* Ends those that wait for nothing, and returns how many are left. */
size_t ratls_connections_cut_idle(struct ratls_connections *connections);

/* How many there are, and how many were ended because of their time. */
size_t ratls_connections_count(struct ratls_connections *connections, uint64_t *ret_cut);

#endif
