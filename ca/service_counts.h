/* What the service of a CA counts, and says of it in Prometheus' text format (version 0.0.4). */
#ifndef RATLS_CA_SERVICE_COUNTS_H
#define RATLS_CA_SERVICE_COUNTS_H

#include <pthread.h>

#include <ratls/error.h>

#include "http_route.h"

#define RATLS_SERVICE_CODES 24   /* of HTTP that are counted apart; the others are "other" */
#define RATLS_SERVICE_REASONS 64 /* the same of reasons of refusals */

struct ratls_service_counts {
    pthread_mutex_t lock;
    uint64_t answers[RATLS_HTTP_ACTIONS][RATLS_SERVICE_CODES];
    uint64_t us[RATLS_HTTP_ACTIONS]; /* microseconds of work */
    struct {
        const char *reason; /* a constant */
        uint64_t count;
    } refused[RATLS_SERVICE_REASONS];
    uint64_t reloads_failed;
    uint64_t records_failed; /* the store did not take them */
};

/* Gauges, and what others count. */
struct ratls_service_now {
    size_t connections, connections_max;
    uint64_t connections_cut; /* too slow */
    uint64_t records_beyond;  /* refusals that are in the audit log as a number only */
};

void ratls_service_counts_init(struct ratls_service_counts *counts);
void ratls_service_counts_clear(struct ratls_service_counts *counts);

/* From any thread. reason: a constant, "" if it was not refused. */
void ratls_service_count(struct ratls_service_counts *counts, enum ratls_http_action action,
                         unsigned status, const char *reason, uint64_t us);
void ratls_service_count_reload_failed(struct ratls_service_counts *counts);
void ratls_service_count_record_failed(struct ratls_service_counts *counts);

/* The caller frees *ret_text. */
RATLS_MUST_CHECK enum ratls_status ratls_service_counts_text(struct ratls_service_counts *counts,
                                                             const struct ratls_service_now *now,
                                                             char **ret_text, size_t *ret_len,
                                                             struct ratls_error *err);

#endif
