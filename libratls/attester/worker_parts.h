/* What the files worker*.c share: a worker from inside. */
#ifndef RATLS_ATTESTER_WORKER_PARTS_H
#define RATLS_ATTESTER_WORKER_PARTS_H

#include <sys/types.h>

#include "worker.h"

#define RATLS_STATES_MAX 8 /* clients of one server seldom ask for more than two selections */

/* A measured state that was read. */
struct ratls_known_state {
    struct ratls_pcr_selection selection; /* count 0: none */
    uint64_t used;                        /* the higher, the later */
    struct timespec fresh_until;
    uint8_t digest[RATLS_MEASURED_LEN];
    uint32_t update_counter; /* of the PCRs, when they were read */
    uint32_t reset_count;
    uint32_t restart_count;
};

/* What the thread is at. It borrows nothing of the jobs: they may leave meanwhile. */
struct ratls_work {
    enum ratls_job_kind kind;
    struct ratls_pcr_selection selection;
    struct timespec deadline; /* of the job that came last */
    size_t count;             /* of leaves, one for each job */
    uint8_t (*leaves)[RATLS_QUALIFYING_LEN];
    struct ratls_merkle_path *paths;
    enum ratls_status status;
    unsigned retries; /* answers that asked for patience */
    struct ratls_error error;
    struct ratls_quote quote;
    struct ratls_known_state state;
};

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
    pthread_mutex_t lock; /* of what follows, up to the blank line */
    unsigned users;       /* the owner, and each thread that runs: the last one frees all */
    struct ratls_queue queue;
    struct ratls_queue batch;   /* the thread of the TPM is at it, without the lock */
    bool is_busy;               /* the same, also if all of them left */
    struct timespec busy_limit; /* after it the TPM is taken for stuck */
    unsigned busy_limit_ms;
    struct ratls_known_state states[RATLS_STATES_MAX];
    uint64_t state_uses;
    struct ratls_tpm_counts counts; /* but for `waiting` */
    bool is_stopping;
    struct ratls_helper tpm_thread; /* talks to the TPM */
    struct ratls_helper caller;     /* calls those who do not wait: worker_caller.c */
    struct ratls_queue over;        /* of these, who are to be called */
    const struct ratls_job *called; /* which of them is being called; NULL: none */
    pthread_cond_t returned;        /* from a call */
    bool is_timed;                  /* the caller wakes by itself when the next deadline passes */

    struct ratls_tpm tpm; /* from here on only the thread's */
    ESYS_TR key;
    struct ratls_pcr_memory memory;
    struct ratls_ak_state state;
    struct ratls_work work;
    bool has_tcti;
    char tcti[RATLS_TCTI_MAX];
};

/* worker.c: no lock may be held. */
void ratls_worker_leave(struct ratls_worker *worker);
/* What is said of a deadline that has passed. */
enum ratls_status ratls_worker_fail_late(unsigned deadline_ms, struct ratls_error *err);

/* worker_counts.c: what came of the work, with the lock held. */
void ratls_worker_count(struct ratls_worker *worker, const struct ratls_work *work);

/* worker_thread.c and worker_caller.c: what their threads do; arg is the worker. */
void *ratls_worker_run_tpm(void *arg);
void *ratls_worker_run_caller(void *arg);

/* worker_state.c: with the lock held. A state that is fresh, or else NULL. */
const struct ratls_known_state *
ratls_worker_find_state(struct ratls_worker *worker, const struct ratls_pcr_selection *selection);
/* What was read of it before goes to work->state, or zeros. */
void ratls_worker_recall_state(struct ratls_worker *worker, struct ratls_work *work);
void ratls_worker_keep_state(struct ratls_worker *worker, const struct ratls_known_state *state);
/* The thread's, without the lock: what it has to do for a job that asks for the state. */
RATLS_MUST_CHECK enum ratls_status ratls_worker_read_state(struct ratls_worker *worker,
                                                           struct ratls_work *work,
                                                           struct ratls_error *err);

#endif
