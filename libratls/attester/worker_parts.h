/* What the files worker*.c share: a worker from inside. */
#ifndef RATLS_ATTESTER_WORKER_PARTS_H
#define RATLS_ATTESTER_WORKER_PARTS_H

#include <sys/types.h>

#include "ak.h"
#include "worker.h"

/* One of the worker's threads. */
struct ratls_helper {
    pthread_t thread;
    pthread_cond_t wake;
    pthread_cond_t exited;
    bool is_running; /* it was started */
    bool has_exited;
};

struct ratls_worker {
    pid_t process;
    size_t queue_max;
    pthread_mutex_t lock; /* of what follows, up to the blank line */
    unsigned users;       /* the owner, and each thread that runs: the last one frees all */
    struct ratls_batches batches;
    struct ratls_batch *batch;  /* the thread of the TPM is at it, without the lock; or NULL */
    size_t waiting;             /* jobs of all these batches that are not late */
    struct timespec busy_limit; /* after it the TPM is taken for stuck */
    unsigned busy_limit_ms;
    struct ratls_state_keeper states;
    unsigned ahead_ms; /* how long the TPM may take for one that is read ahead of need */
    struct ratls_tpm_counts counts; /* but for `waiting` */
    bool is_stopping;
    struct ratls_helper tpm_thread; /* talks to the TPM */
    struct ratls_helper caller;     /* calls those who do not wait: worker_caller.c */
    struct ratls_ring by_age;       /* all of these whose call is to come, the oldest first */
    struct ratls_ring over;         /* those who are to be called now */
    const struct ratls_job *called; /* which of them is being called; NULL: none */
    unsigned cancellers;            /* who wait for it to return: */
    pthread_cond_t returned;
    bool is_timed; /* the caller wakes by itself when the next deadline passes */

    struct ratls_tpm tpm; /* from here on only the thread's */
    struct ratls_ak ak;   /* its key is ESYS_TR_NONE: not loaded */
    struct ratls_pcr_memory memory;
    struct ratls_ak_state state;
    bool has_tcti;
    char tcti[RATLS_TCTI_MAX];
};

/* worker.c: no lock may be held. */
void ratls_worker_leave(struct ratls_worker *worker);
/* worker.c: with the lock held. Does nothing if it runs already. */
RATLS_MUST_CHECK enum ratls_status ratls_worker_start(struct ratls_worker *worker,
                                                      struct ratls_helper *helper,
                                                      void *(*run)(void *arg),
                                                      struct ratls_error *err);

/* worker_jobs.c: with the lock held. The job is not waited with any more, wherever it is. */
void ratls_worker_remove(struct ratls_worker *worker, struct ratls_job *job);

/* worker_counts.c: what came of the batch, with the lock held. */
void ratls_worker_count(struct ratls_worker *worker, const struct ratls_batch *batch,
                        enum ratls_status status);

/* worker_thread.c and worker_caller.c: what their threads do; arg is the worker. */
void *ratls_worker_run_tpm(void *arg);
void *ratls_worker_run_caller(void *arg);

/* worker_state.c: with the lock held. Makes batches for the states that are to be read ahead of
 * need; true: at *ret_next there is another one. */
bool ratls_worker_look_ahead(struct ratls_worker *worker, struct timespec *ret_next);
/* What was read of it before goes to batch->state, or zeros. */
void ratls_worker_recall_state(struct ratls_worker *worker, struct ratls_batch *batch);
/* Of a batch that is over. */
void ratls_worker_keep_state(struct ratls_worker *worker, const struct ratls_batch *batch);
/* The thread's, without the lock: what it has to do for a job that asks for the state. */
RATLS_MUST_CHECK enum ratls_status ratls_worker_read_state(struct ratls_worker *worker,
                                                           struct ratls_batch *batch,
                                                           struct ratls_error *err);
/* Likewise: the state that a quote shows. */
void ratls_worker_see_state(struct ratls_batch *batch);

#endif
