/* The thread of a worker that talks to the TPM. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ak.h"
#include "fail.h"
#include "worker_parts.h"

#define IDLE_MS 200 /* then others may have a TPM that has no resource manager */
#define BUSY_PAUSE_MS 10
#define NS_PER_MS 1000000L

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
static enum ratls_status build_tree(struct ratls_work *work,
                                    uint8_t root[static RATLS_QUALIFYING_LEN],
                                    struct ratls_error *err)
{
    struct ratls_merkle_path **paths = calloc(work->count, sizeof *paths);
    enum ratls_status status;

    if (paths == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; i < work->count; i++)
        paths[i] = &work->paths[i];
    status = ratls_merkle_tree(work->leaves, work->count, paths, root, err);
    free(paths);
    return status;
}

static enum ratls_status work_once(struct ratls_worker *worker, const uint8_t *root,
                                   struct ratls_error *err)
{
    struct ratls_work *work = &worker->work;
    enum ratls_status status;

    worker->tpm.last_rc = TSS2_RC_SUCCESS;
    status = open_tpm(worker, err);
    if (status != RATLS_OK)
        return status;
    if (work->kind == RATLS_JOB_STATE)
        return ratls_worker_read_state(worker, work, err);
    return ratls_quote_make(&worker->tpm, worker->key, &work->selection, root, &worker->memory,
                            &work->quote, err);
}

/* Without the lock. */
static void serve(struct ratls_worker *worker)
{
    const struct timespec pause = {0, BUSY_PAUSE_MS * NS_PER_MS};
    struct ratls_work *work = &worker->work;
    uint8_t root[RATLS_QUALIFYING_LEN];
    struct ratls_error error = {0};
    enum ratls_status status = RATLS_OK;

    if (work->leaves == NULL || work->paths == NULL)
        status = ratls_fail(&error, RATLS_MEMORY, "out of memory");
    else if (work->kind == RATLS_JOB_QUOTE)
        status = build_tree(work, root, &error);
    while (status == RATLS_OK) {
        memset(&error, 0, sizeof error);
        status = work_once(worker, root, &error);
        if (status == RATLS_OK || !ratls_tpm_is_busy(&worker->tpm) ||
            ratls_time_is_past(&work->deadline))
            break;
        work->retries++;
        nanosleep(&pause, NULL);
        status = RATLS_OK;
    }
    /* What a failed command left behind is not looked into: the next request opens afresh. */
    if (status != RATLS_OK && (worker->key == ESYS_TR_NONE || ratls_tpm_is_broken(&worker->tpm)))
        close_tpm(worker);
    work->status = status;
    work->error = error;
}

/* The TPM is free: all that wait for the same PCRs share its next quote. No timer delays them. */
static void take_batch(struct ratls_worker *worker)
{
    struct ratls_work *work = &worker->work;
    size_t i = 0;

    ratls_queue_take_alike(&worker->queue, &worker->batch);
    work->kind = worker->batch.first->kind;
    work->selection = worker->batch.first->selection;
    work->deadline = worker->batch.last->deadline;
    work->count = worker->batch.count;
    work->retries = 0;
    work->leaves = calloc(work->count, sizeof *work->leaves);
    work->paths = calloc(work->count, sizeof *work->paths);
    for (struct ratls_job *job = worker->batch.first; job != NULL; job = job->next) {
        if (work->leaves != NULL)
            memcpy(work->leaves[i], job->leaf, sizeof job->leaf);
        job->leaf_index = i++;
    }
    if (work->kind == RATLS_JOB_STATE)
        ratls_worker_recall_state(worker, work);
    worker->busy_limit_ms = worker->batch.last->deadline_ms;
    worker->busy_limit = ratls_time_from_now(worker->busy_limit_ms);
    worker->is_busy = true;
}

/* One quote for all: only the path from a job's leaf to what was quoted is its own. */
static void deliver(const struct ratls_work *work, struct ratls_job *job)
{
    job->status = work->status;
    job->error = work->error;
    if (work->status != RATLS_OK)
        return;
    if (work->kind == RATLS_JOB_STATE) {
        memcpy(job->state, work->state.digest, sizeof job->state);
        return;
    }
    job->quoted.quote = work->quote;
    job->quoted.path = work->paths[job->leaf_index];
}

static void finish_batch(struct ratls_worker *worker)
{
    struct ratls_work *work = &worker->work;
    struct ratls_job *job;

    while ((job = ratls_queue_take(&worker->batch)) != NULL) {
        deliver(work, job);
        if (job->done != NULL) {
            ratls_queue_append(&worker->over, job);
            continue;
        }
        job->is_done = true;
        pthread_cond_signal(&job->finished);
    }
    if (worker->over.first != NULL)
        pthread_cond_signal(&worker->caller.wake);
    ratls_worker_count(worker, work);
    if (work->kind == RATLS_JOB_STATE && work->status == RATLS_OK)
        ratls_worker_keep_state(worker, &work->state);
    free(work->leaves);
    free(work->paths);
    work->leaves = NULL;
    work->paths = NULL;
    worker->is_busy = false;
}

/* Called and returns with the lock held. False: stop. */
static bool wait_for_work(struct ratls_worker *worker)
{
    struct timespec idle_end = ratls_time_from_now(IDLE_MS);
    pthread_cond_t *wake = &worker->tpm_thread.wake;
    /* To make a transient key again costs more than others gain; a persistent one stays anyway. */
    bool close_when_idle = worker->state.handle != 0 && ratls_tpm_is_open(&worker->tpm);

    while (worker->queue.first == NULL && !worker->is_stopping) {
        if (!close_when_idle) {
            pthread_cond_wait(wake, &worker->lock);
        } else if (pthread_cond_timedwait(wake, &worker->lock, &idle_end) == ETIMEDOUT) {
            pthread_mutex_unlock(&worker->lock);
            close_tpm(worker);
            pthread_mutex_lock(&worker->lock);
            close_when_idle = false;
        }
    }
    return worker->queue.first != NULL;
}

void *ratls_worker_run_tpm(void *arg)
{
    struct ratls_worker *worker = arg;

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
    worker->tpm_thread.has_exited = true;
    pthread_cond_signal(&worker->tpm_thread.exited);
    pthread_mutex_unlock(&worker->lock);
    ratls_worker_leave(worker);
    return NULL;
}
