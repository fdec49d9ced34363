#include "worker.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ak.h"
#include "fail.h"

#define QUEUE_MAX 1024
#define IDLE_MS 200 /* then others may have a TPM that has no resource manager */
#define BUSY_PAUSE_MS 10
#define STOP_MS 1000 /* longest wait for a thread that is to end */
#define NS_PER_MS 1000000L

struct ratls_worker {
    pid_t process;
    pthread_mutex_t lock; /* of what follows, up to the blank line */
    pthread_cond_t wake;
    pthread_cond_t exited;
    struct ratls_queue queue;
    struct ratls_queue batch;    /* the thread is at it, without the lock */
    struct timespec batch_limit; /* after it the TPM is taken for stuck */
    pthread_t thread;            /* if it is running */
    bool is_running;
    bool has_exited;
    bool is_stopping;
    bool is_orphaned; /* freed while the TPM did not answer: the thread frees the rest */

    struct ratls_tpm tpm; /* from here on only the thread's */
    ESYS_TR key;
    struct ratls_pcr_memory memory;
    struct ratls_ak_state state;
    bool has_tcti;
    char tcti[RATLS_TCTI_MAX];
};

static void destroy_worker(struct ratls_worker *worker)
{
    pthread_cond_destroy(&worker->exited);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    OPENSSL_cleanse(worker->state.auth, sizeof worker->state.auth);
    free(worker);
}

/* ---- the thread's side ---- */

static void close_tpm(struct ratls_worker *worker)
{
    if (!ratls_tpm_is_open(&worker->tpm))
        return;
    /* Without a resource manager a transient key would stay in the TPM's memory. */
    if (worker->key != ESYS_TR_NONE)
        ratls_ak_unload(&worker->tpm, &worker->state, worker->key);
    worker->key = ESYS_TR_NONE;
    worker->memory.len = 0;
    ratls_tpm_close(&worker->tpm);
}

static enum ratls_status open_tpm(struct ratls_worker *worker, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (!ratls_tpm_is_open(&worker->tpm))
        status = ratls_tpm_open(worker->has_tcti ? worker->tcti : NULL, &worker->tpm, err);
    if (status == RATLS_OK && worker->key == ESYS_TR_NONE)
        status = ratls_ak_load(&worker->tpm, &worker->state, &worker->key, err);
    return status;
}

/* The tree over the leaves of all jobs (WIRE.md, 5); each gets its path. */
static enum ratls_status build_tree(const struct ratls_queue *batch,
                                    uint8_t root[static RATLS_QUALIFYING_LEN],
                                    struct ratls_error *err)
{
    uint8_t(*leaves)[RATLS_QUALIFYING_LEN] = calloc(batch->count, sizeof *leaves);
    struct ratls_merkle_path **paths = calloc(batch->count, sizeof *paths);
    enum ratls_status status;
    size_t i = 0;

    if (leaves == NULL || paths == NULL) {
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
        goto out;
    }
    for (struct ratls_job *job = batch->first; job != NULL; job = job->next, i++) {
        memcpy(leaves[i], job->leaf, sizeof leaves[i]);
        paths[i] = &job->quoted.path;
    }
    status = ratls_merkle_tree(leaves, batch->count, paths, root, err);
out:
    free(paths);
    free(leaves);
    return status;
}

static enum ratls_status quote_once(struct ratls_worker *worker, const uint8_t *root,
                                    struct ratls_error *err)
{
    struct ratls_job *first = worker->batch.first;
    enum ratls_status status;

    worker->tpm.last_rc = TSS2_RC_SUCCESS;
    status = open_tpm(worker, err);
    if (status == RATLS_OK)
        status = ratls_quote_make(&worker->tpm, worker->key, &first->selection, root,
                                  &worker->memory, &first->quoted.quote, err);
    return status;
}

/* One quote for all: only the path from a job's leaf to what was quoted is its own. */
static void share_result(const struct ratls_queue *batch, enum ratls_status status,
                         const struct ratls_error *error)
{
    const struct ratls_job *first = batch->first;

    for (struct ratls_job *job = batch->first; job != NULL; job = job->next) {
        job->status = status;
        job->error = *error;
        if (job != first)
            job->quoted.quote = first->quoted.quote;
    }
}

/* Without the lock: the jobs of the batch, but for is_abandoned, are the thread's. */
static void serve(struct ratls_worker *worker)
{
    const struct timespec pause = {0, BUSY_PAUSE_MS * NS_PER_MS};
    const struct timespec *last_deadline = &worker->batch.last->deadline;
    uint8_t root[RATLS_QUALIFYING_LEN];
    struct ratls_error error = {0};
    enum ratls_status status = build_tree(&worker->batch, root, &error);

    while (status == RATLS_OK) {
        memset(&error, 0, sizeof error);
        status = quote_once(worker, root, &error);
        if (status == RATLS_OK || !ratls_tpm_is_busy(&worker->tpm) ||
            ratls_time_is_past(last_deadline))
            break;
        nanosleep(&pause, NULL);
        status = RATLS_OK;
    }
    /* What a failed command left behind is not looked into: the next request opens afresh. */
    if (status != RATLS_OK && (worker->key == ESYS_TR_NONE || ratls_tpm_is_broken(&worker->tpm)))
        close_tpm(worker);
    share_result(&worker->batch, status, &error);
}

/* The TPM is free: all that wait for the same PCRs share its next quote. No timer delays them. */
static void take_batch(struct ratls_worker *worker)
{
    ratls_queue_take_alike(&worker->queue, &worker->batch);
    worker->batch_limit = ratls_time_from_now(worker->batch.last->deadline_ms);
}

static void finish_batch(struct ratls_worker *worker)
{
    struct ratls_job *job;

    while ((job = ratls_queue_take(&worker->batch)) != NULL) {
        if (job->is_abandoned) {
            ratls_job_free(job);
            continue;
        }
        job->is_done = true;
        pthread_cond_signal(&job->finished);
    }
}

/* Called and returns with the lock held. False: stop. */
static bool wait_for_work(struct ratls_worker *worker)
{
    struct timespec idle_end = ratls_time_from_now(IDLE_MS);
    /* To make a transient key again costs more than others gain; a persistent one stays anyway. */
    bool close_when_idle = worker->state.handle != 0 && ratls_tpm_is_open(&worker->tpm);

    while (worker->queue.first == NULL && !worker->is_stopping) {
        if (!close_when_idle) {
            pthread_cond_wait(&worker->wake, &worker->lock);
        } else if (pthread_cond_timedwait(&worker->wake, &worker->lock, &idle_end) == ETIMEDOUT) {
            pthread_mutex_unlock(&worker->lock);
            close_tpm(worker);
            pthread_mutex_lock(&worker->lock);
            close_when_idle = false;
        }
    }
    return worker->queue.first != NULL;
}

static void *run(void *arg)
{
    struct ratls_worker *worker = arg;
    bool is_orphaned;

    pthread_mutex_lock(&worker->lock);
    while (wait_for_work(worker)) {
        take_batch(worker);
        pthread_mutex_unlock(&worker->lock);
        serve(worker);
        pthread_mutex_lock(&worker->lock);
        finish_batch(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    close_tpm(worker);
    pthread_mutex_lock(&worker->lock);
    worker->has_exited = true;
    is_orphaned = worker->is_orphaned;
    pthread_cond_signal(&worker->exited);
    pthread_mutex_unlock(&worker->lock);
    if (is_orphaned)
        destroy_worker(worker);
    return NULL;
}

/* ---- the callers' side ---- */

enum ratls_status ratls_worker_new(const struct ratls_ak_state *state, const char *tcti,
                                   struct ratls_worker **ret_worker, struct ratls_error *err)
{
    struct ratls_worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    worker->process = getpid();
    worker->key = ESYS_TR_NONE;
    worker->state = *state;
    worker->state.certificate_count = 0;
    worker->has_tcti = tcti != NULL;
    if (tcti != NULL)
        memccpy(worker->tcti, tcti, '\0', sizeof worker->tcti - 1);
    if (pthread_mutex_init(&worker->lock, NULL) != 0)
        goto no_lock;
    if (!ratls_cond_init(&worker->wake))
        goto no_wake;
    if (!ratls_cond_init(&worker->exited))
        goto no_exited;
    *ret_worker = worker;
    return RATLS_OK;
no_exited:
    pthread_cond_destroy(&worker->wake);
no_wake:
    pthread_mutex_destroy(&worker->lock);
no_lock:
    free(worker);
    return ratls_fail(err, RATLS_MEMORY, "no memory for a lock");
}

bool ratls_worker_is_ours(const struct ratls_worker *worker)
{
    return worker->process == getpid();
}

/* The program's signal handlers run in the program's threads. */
static int start_thread(struct ratls_worker *worker)
{
    sigset_t all;
    sigset_t before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->is_running = result == 0;
    return result;
}

/* With the lock held. */
static enum ratls_status append_job(struct ratls_worker *worker, struct ratls_job *job,
                                    struct ratls_error *err)
{
    int result;

    if (worker->batch.first != NULL && ratls_time_is_past(&worker->batch_limit))
        return ratls_fail(err, RATLS_TPM,
                          "the TPM has not answered for more than %u ms: it hangs, or another "
                          "program keeps it busy",
                          worker->batch.last->deadline_ms);
    if (worker->queue.count == QUEUE_MAX)
        return ratls_fail(err, RATLS_TPM, "the TPM is too slow: %d requests wait for it already",
                          QUEUE_MAX);
    if (!worker->is_running && (result = start_thread(worker)) != 0)
        return ratls_fail(err, RATLS_TPM, "starting the thread of the TPM: %s", strerror(result));
    ratls_queue_append(&worker->queue, job);
    pthread_cond_signal(&worker->wake);
    return RATLS_OK;
}

/*
 * With the lock held. False: the job is not the caller's any more. After the deadline a job that
 * the thread is at must not even be looked into: the thread writes to it without the lock.
 */
static bool wait_for_job(struct ratls_worker *worker, struct ratls_job *job)
{
    int result = 0;

    while (!job->is_done && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&job->finished, &worker->lock, &job->deadline);
    if (job->is_done)
        return true;
    job->is_abandoned = !ratls_queue_remove(&worker->queue, job);
    return !job->is_abandoned;
}

enum ratls_status ratls_worker_quote(struct ratls_worker *worker,
                                     const struct ratls_pcr_selection *selection,
                                     const uint8_t leaf[RATLS_QUALIFYING_LEN], unsigned deadline_ms,
                                     struct ratls_quoted *ret_quoted, struct ratls_error *err)
{
    struct ratls_job *job = ratls_job_new(selection, leaf, deadline_ms);
    enum ratls_status status;
    bool is_mine = true;
    int cancel_state;

    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    /* A program that cancels a thread which waits would leave the lock taken. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&worker->lock);
    status = append_job(worker, job, err);
    if (status == RATLS_OK)
        is_mine = wait_for_job(worker, job);
    pthread_mutex_unlock(&worker->lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    if (status == RATLS_OK && (!is_mine || !job->is_done))
        status = ratls_fail(err, RATLS_TPM,
                            "the TPM did not answer within %u ms: it hangs, or is too busy",
                            deadline_ms);
    else if (status == RATLS_OK && job->status != RATLS_OK)
        status = ratls_fail(err, job->status, "%s", job->error.text);
    if (status == RATLS_OK)
        *ret_quoted = job->quoted;
    if (is_mine)
        ratls_job_free(job);
    return status;
}

void ratls_worker_free(struct ratls_worker *worker)
{
    struct timespec limit = ratls_time_from_now(STOP_MS);
    int result = 0;

    pthread_mutex_lock(&worker->lock);
    worker->is_stopping = true;
    pthread_cond_signal(&worker->wake);
    if (!worker->is_running) {
        pthread_mutex_unlock(&worker->lock);
        destroy_worker(worker);
        return;
    }
    while (!worker->has_exited && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&worker->exited, &worker->lock, &limit);
    if (!worker->has_exited) {
        worker->is_orphaned = true;
        pthread_detach(worker->thread);
        pthread_mutex_unlock(&worker->lock);
        return;
    }
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    destroy_worker(worker);
}
