/*
 * What the service of a CA refuses before the CA is asked, on its way into the audit log. Anybody
 * can cause such refusals, and each record costs the store a write: so there are only so many in a
 * minute, and the rest is a number.
 */
#ifndef RATLS_CA_SERVICE_RECORDS_H
#define RATLS_CA_SERVICE_RECORDS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define RATLS_SERVICE_RECORDS_PER_MINUTE 60
#define RATLS_SERVICE_RECORD_MAX 160

struct ratls_service_record {
    int64_t at; /* seconds since 1970-01-01 UTC */
    char text[RATLS_SERVICE_RECORD_MAX];
};

struct ratls_service_records {
    pthread_mutex_t lock;
    int64_t minute_ms;     /* began then */
    unsigned in_minute;    /* taken in it */
    unsigned beyond;       /* and not taken any more */
    uint64_t beyond_total; /* of all minutes */
    size_t first, count;
    struct ratls_service_record items[2 * RATLS_SERVICE_RECORDS_PER_MINUTE];
};

void ratls_service_records_init(struct ratls_service_records *records);
void ratls_service_records_clear(struct ratls_service_records *records);

/* From any thread. now_ms is of a clock that nobody sets. */
void ratls_service_records_note(struct ratls_service_records *records, int64_t now, int64_t now_ms,
                                unsigned status, const char *reason, const char *detail);
/* The oldest one, and of a minute that is over, how many more there were. False: none. */
bool ratls_service_records_next(struct ratls_service_records *records, int64_t now, int64_t now_ms,
                                struct ratls_service_record *ret);
uint64_t ratls_service_records_beyond(struct ratls_service_records *records);

#endif
