/* One caller who waits for a quote, and the queue of them. The worker's lock guards both. */
#ifndef RATLS_ATTESTER_JOB_H
#define RATLS_ATTESTER_JOB_H

#include <pthread.h>
#include <time.h>

#include "merkle.h"
#include "quote.h"

/* What a caller gets: a quote, and the path from its leaf to what was quoted (WIRE.md, 5). */
struct ratls_quoted {
    struct ratls_merkle_path path;
    struct ratls_quote quote;
};

/*
 * Belongs to the caller while it is in the queue and when it is done. In between it is the
 * thread's, which frees it if the caller left meanwhile.
 */
struct ratls_job {
    struct ratls_job *next;
    pthread_cond_t finished;
    struct timespec deadline;
    unsigned deadline_ms;
    bool is_done;
    bool is_abandoned;
    struct ratls_pcr_selection selection;
    uint8_t leaf[RATLS_QUALIFYING_LEN];
    enum ratls_status status; /* from here on: once it is done */
    struct ratls_error error;
    struct ratls_quoted quoted;
};

/* NULL if memory is short. */
struct ratls_job *ratls_job_new(const struct ratls_pcr_selection *selection,
                                const uint8_t leaf[RATLS_QUALIFYING_LEN], unsigned deadline_ms);
void ratls_job_free(struct ratls_job *job);

struct ratls_queue {
    struct ratls_job *first;
    struct ratls_job *last;
    size_t count;
};

void ratls_queue_append(struct ratls_queue *queue, struct ratls_job *job);
/* Moves the first job, and all others that want the same PCRs, to the end of batch. */
void ratls_queue_take_alike(struct ratls_queue *queue, struct ratls_queue *batch);
struct ratls_job *ratls_queue_take(struct ratls_queue *queue);             /* NULL: it is empty */
bool ratls_queue_remove(struct ratls_queue *queue, struct ratls_job *job); /* false: not in it */

/* Waits are measured by a clock that nobody sets: CLOCK_MONOTONIC. */
struct timespec ratls_time_from_now(unsigned ms);
bool ratls_time_is_past(const struct timespec *t);
bool ratls_cond_init(pthread_cond_t *cond);

#endif
