/*
 * What somebody wants of the TPM, and the queue of it. The worker's lock guards both: the thread of
 * the TPM works on copies, so that whoever waits may leave at any time.
 */
#ifndef RATLS_ATTESTER_JOB_H
#define RATLS_ATTESTER_JOB_H

#include "deadline.h"
#include "measured.h"
#include "merkle.h"
#include "quote.h"

/* What a caller gets: a quote, and the path from its leaf to what was quoted (WIRE.md, 5). */
struct ratls_quoted {
    struct ratls_merkle_path path;
    struct ratls_quote quote;
};

enum ratls_job_kind {
    RATLS_JOB_QUOTE,
    RATLS_JOB_STATE, /* a digest of the measured state (measured.h) */
};

/* Belongs to who made it. */
struct ratls_job {
    struct ratls_job *next;
    enum ratls_job_kind kind;
    pthread_cond_t finished; /* for one who waits */
    void (*done)(void *arg); /* for one who does not; NULL: somebody waits */
    void *arg;
    struct timespec deadline;
    unsigned deadline_ms;
    bool is_done;
    struct ratls_pcr_selection selection;
    uint8_t leaf[RATLS_QUALIFYING_LEN];
    size_t leaf_index;        /* among those that share a quote, while it is made */
    enum ratls_status status; /* from here on: once it is done */
    struct ratls_error error;
    struct ratls_quoted quoted;
    uint8_t state[RATLS_MEASURED_LEN];
};

/* Without leaf; NULL if memory is short. */
struct ratls_job *ratls_job_new(enum ratls_job_kind kind,
                                const struct ratls_pcr_selection *selection, unsigned deadline_ms);
void ratls_job_free(struct ratls_job *job);

struct ratls_queue {
    struct ratls_job *first;
    struct ratls_job *last;
    size_t count;
};

void ratls_queue_append(struct ratls_queue *queue, struct ratls_job *job);
/* Moves the first job, and all others that want the same of the same PCRs, to the end of batch. */
void ratls_queue_take_alike(struct ratls_queue *queue, struct ratls_queue *batch);
struct ratls_job *ratls_queue_take(struct ratls_queue *queue);             /* NULL: it is empty */
bool ratls_queue_remove(struct ratls_queue *queue, struct ratls_job *job); /* false: not in it */

#endif
