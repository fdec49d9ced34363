/*
 * Where the service of a CA answers: what a request of HTTP is about goes in, what is said to it
 * comes out. It knows nothing of sockets.
 */
#ifndef RATLS_CA_SERVICE_DESK_H
#define RATLS_CA_SERVICE_DESK_H

#include "ca_seats.h"
#include "http_head.h"
#include "http_reply.h"
#include "rate.h"
#include "service_connections.h"
#include "service_counts.h"
#include "service_records.h"

/* What is no request costs less: so many of it for each request that may come. */
#define RATLS_SERVICE_READS 10

struct ratls_service_desk {
    struct ratls_ca_seats *seats; /* borrowed, as the connections are */
    struct ratls_connections *connections;
    size_t connections_max;
    void (*log)(int level, const char *text); /* one line; level as in syslog(3) */
    struct ratls_service_counts counts;
    struct ratls_service_records records;
    pthread_mutex_t rate_lock;
    struct ratls_rate rate;
    struct ratls_bucket reads;
};

/* A time by two clocks. */
struct ratls_service_time {
    int64_t now;    /* seconds since 1970-01-01 UTC */
    int64_t now_ms; /* of a clock that nobody sets */
};

struct ratls_service_time ratls_service_time(void);

/* Fields above `counts` are set by the caller before. */
void ratls_service_desk_init(struct ratls_service_desk *desk, struct ratls_service_time time);
void ratls_service_desk_clear(struct ratls_service_desk *desk);
/* Takes over the limits of a configuration that was read again. */
void ratls_service_desk_reload(struct ratls_service_desk *desk, struct ratls_service_time time);

/*
 * All below may be called by as many threads at once as there are seats. The caller ends *ret_reply
 * with ratls_http_reply_done().
 */
void ratls_service_desk_answer(struct ratls_service_desk *desk,
                               const struct ratls_http_route *route, struct ratls_slice body,
                               struct ratls_service_time time, struct ratls_http_reply *ret_reply);
/* For one whose head is not good. */
void ratls_service_desk_refuse(struct ratls_service_desk *desk,
                               const struct ratls_http_route *route,
                               const struct ratls_http_refusal *refusal,
                               struct ratls_service_time time, struct ratls_http_reply *ret_reply);
/* Counts one, and keeps it for the audit log, that was refused without an answer of ours. */
void ratls_service_desk_note(struct ratls_service_desk *desk, unsigned status, const char *reason,
                             const char *detail, struct ratls_service_time time);
/* Writes what was refused into the audit log. */
void ratls_service_desk_write_records(struct ratls_service_desk *desk,
                                      struct ratls_service_time time);

#endif
