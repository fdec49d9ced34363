/*
 * Those who want the same of the TPM share what it answers: each of them is a job, all together are
 * a batch. A batch waits until the TPM is free, and closes when the TPM's thread takes it; never on
 * a timer. The worker's lock guards all of this, but for what is the thread's.
 */
#ifndef RATLS_ATTESTER_BATCH_H
#define RATLS_ATTESTER_BATCH_H

#include <ratls/attester_tpm.h>

#include "deadline.h"
#include "merkle.h"
#include "quote.h"
#include "ring.h"
#include "state_keeper.h"

/* What a caller gets: a quote, and the path from its leaf to what was quoted (WIRE.md, 5). */
struct ratls_quoted {
    struct ratls_merkle_path path;
    struct ratls_quote *quote; /* a reference; NULL: there is nothing here */
};

void ratls_quoted_clear(struct ratls_quoted *quoted);

enum ratls_job_kind {
    RATLS_JOB_QUOTE,
    RATLS_JOB_STATE, /* a digest of the measured state (measured.h) */
};

struct ratls_want {
    enum ratls_job_kind kind;
    struct ratls_pcr_selection selection;
};

/* Small, for there may be 65 536: all that a quote has is in its batch. */
struct ratls_job {
    struct ratls_ring peers;   /* in its batch; then among those that are to be called */
    struct ratls_ring by_age;  /* among those that are to be called one day */
    struct ratls_batch *batch; /* a reference */
    void (*done)(void *arg);   /* NULL: is not called: somebody waits, or will post it */
    void *arg;
    struct timespec deadline;
    unsigned deadline_ms;
    uint32_t leaf_index; /* once the batch was taken */
    bool is_late;        /* the deadline came first */
    uint8_t leaf[RATLS_QUALIFYING_LEN];
};

struct ratls_batch {
    struct ratls_want want; /* the first member: the search compares it */
    atomic_uint references; /* of each job, and of the queue or of who took it */
    struct ratls_ring by_age;
    struct ratls_ring posted; /* jobs that are to be called */
    struct ratls_ring others; /* jobs that are not */
    size_t count;             /* of both, and not late */
    struct timespec deadline; /* of the job that came last */
    unsigned deadline_ms;
    pthread_cond_t finished;
    bool is_ahead; /* it is served also if nobody waits: a state that is to be at hand */
    bool is_taken;
    bool is_done;

    /* From when it is taken until it is done the thread's; then nothing changes any more. */
    size_t leaf_count;
    uint8_t (*nodes)[RATLS_QUALIFYING_LEN]; /* merkle.h */
    unsigned retries;                       /* answers that asked for patience */
    enum ratls_status status;
    struct ratls_error error;
    struct ratls_quote *quote;
    struct ratls_known_state state; /* that was read, or that the quote shows; or none */
};

void ratls_batch_free(struct ratls_batch *batch); /* a reference */

/* The batches that wait for the TPM, the oldest first. */
struct ratls_batches {
    struct ratls_ring by_age;
    void *by_want; /* of tsearch(3): clients choose the PCRs, and so how many batches there are */
    bool was_oldest;
};

void ratls_batches_init(struct ratls_batches *batches);
/* The batch for what is wanted, made if there is none. NULL: no memory. */
struct ratls_batch *ratls_batches_join(struct ratls_batches *batches,
                                       const struct ratls_want *want);
/* Takes a batch out, with the reference to it. */
void ratls_batches_remove(struct ratls_batches *batches, struct ratls_batch *batch);
/*
 * Takes the next one out: in turn the oldest, so that nobody waits for ever, and the largest, so
 * that who asks for odd selections, as many as he likes, takes half of the quotes at most.
 */
struct ratls_batch *ratls_batches_take(struct ratls_batches *batches); /* NULL: none waits */

#endif
