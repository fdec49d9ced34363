/* The thread of a worker that talks to the TPM. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "worker_parts.h"

#define IDLE_MS 200 /* then others may have a TPM that has no resource manager */
#define BUSY_PAUSE_MS 10
#define BUSY_PAUSE_MAX_MS 80
#define NS_PER_MS 1000000L

static void close_tpm(struct ratls_worker *worker)
{
    if (!ratls_tpm_is_open(&worker->tpm))
        return;
    /* Without a resource manager a transient key would stay in the TPM's memory. */
    if (worker->ak.key != ESYS_TR_NONE)
        ratls_ak_unload(&worker->tpm, &worker->ak);
    worker->memory.len = 0;
    ratls_tpm_close(&worker->tpm);
}

static enum ratls_status open_tpm(struct ratls_worker *worker, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (!ratls_tpm_is_open(&worker->tpm))
        status = ratls_tpm_open(worker->has_tcti ? worker->tcti : NULL, &worker->tpm, err);
    if (status == RATLS_OK && worker->ak.key == ESYS_TR_NONE)
        status = ratls_ak_load(&worker->tpm, &worker->state, &worker->ak, err);
    return status;
}

static enum ratls_status work_once(struct ratls_worker *worker, struct ratls_batch *batch,
                                   struct ratls_error *err)
{
    enum ratls_status status;

    worker->tpm.last_rc = TSS2_RC_SUCCESS;
    status = open_tpm(worker, err);
    if (status != RATLS_OK)
        return status;
    if (batch->want.kind == RATLS_JOB_STATE)
        return ratls_worker_read_state(worker, batch, err);
    status = ratls_quote_make(&worker->tpm, &worker->ak, &batch->want.selection,
                              batch->nodes[ratls_merkle_node_count(batch->leaf_count) - 1],
                              &worker->memory, &batch->quote, err);
    if (status == RATLS_OK)
        ratls_worker_see_state(batch);
    return status;
}

/* Answers that ask for patience come fast: the pauses grow, so that there are not too many. */
static enum ratls_status work_patiently(struct ratls_worker *worker, struct ratls_batch *batch,
                                        struct ratls_error *err)
{
    long pause_ms = BUSY_PAUSE_MS;

    for (;;) {
        const struct timespec pause = {0, pause_ms * NS_PER_MS};
        struct ratls_error error = {0};
        enum ratls_status status = work_once(worker, batch, &error);

        if (status == RATLS_OK || !ratls_tpm_is_busy(&worker->tpm) ||
            ratls_time_is_past(&batch->deadline)) {
            *err = error;
            return status;
        }
        batch->retries++;
        nanosleep(&pause, NULL);
        pause_ms = pause_ms * 2 > BUSY_PAUSE_MAX_MS ? BUSY_PAUSE_MAX_MS : pause_ms * 2;
    }
}

/*
 * Called and returns with the lock held, which is not held while memory is had: the batch is
 * closed, and meanwhile jobs can only leave it.
 */
static enum ratls_status collect_leaves(struct ratls_worker *worker, struct ratls_batch *batch,
                                        struct ratls_error *err)
{
    struct ratls_ring *const rings[] = {&batch->posted, &batch->others};
    const size_t count = batch->count;
    uint32_t next = 0;

    pthread_mutex_unlock(&worker->lock);
    batch->nodes = malloc(ratls_merkle_node_count(count) * sizeof *batch->nodes);
    pthread_mutex_lock(&worker->lock);
    if (batch->nodes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
        for (struct ratls_ring *at = rings[i]->next; at != rings[i]; at = at->next) {
            struct ratls_job *job = RATLS_RING_MEMBER(at, struct ratls_job, peers);

            memcpy(batch->nodes[next], job->leaf, sizeof job->leaf);
            job->leaf_index = next++;
        }
    batch->leaf_count = next;
    return RATLS_OK;
}

/*
 * Called and returns with the lock held, which is not held while the TPM works. One quote for all:
 * only the path from a job's leaf to what was quoted is its own.
 */
static enum ratls_status serve(struct ratls_worker *worker, struct ratls_batch *batch,
                               struct ratls_error *err)
{
    const bool is_quote = batch->want.kind == RATLS_JOB_QUOTE;
    enum ratls_status status = RATLS_OK;

    if (is_quote)
        status = collect_leaves(worker, batch, err);
    if (status == RATLS_OK && batch->count == 0 && (!batch->is_ahead || worker->is_stopping))
        status = ratls_fail(err, RATLS_TPM, "nobody waits any more");
    if (status != RATLS_OK)
        return status;
    pthread_mutex_unlock(&worker->lock);
    if (is_quote)
        status = ratls_merkle_build(batch->nodes, batch->leaf_count, err);
    if (status == RATLS_OK)
        status = work_patiently(worker, batch, err);
    /* What a failed command left behind is not looked into: the next request opens afresh. */
    if (status != RATLS_OK && (worker->ak.key == ESYS_TR_NONE || ratls_tpm_is_broken(&worker->tpm)))
        close_tpm(worker);
    pthread_mutex_lock(&worker->lock);
    ratls_worker_count(worker, batch, status);
    return status;
}

/* The TPM is free: all that wait for the same PCRs share its next quote. No timer delays them. */
static struct ratls_batch *take_batch(struct ratls_worker *worker)
{
    struct ratls_batch *batch = ratls_batches_take(&worker->batches);

    if (batch->want.kind == RATLS_JOB_STATE)
        ratls_worker_recall_state(worker, batch);
    worker->batch = batch;
    worker->busy_limit_ms = batch->deadline_ms;
    worker->busy_limit = ratls_time_from_now(worker->busy_limit_ms);
    return batch;
}

/* With the lock held, which is not held while those who wait are told. */
static void finish_batch(struct ratls_worker *worker, struct ratls_batch *batch)
{
    bool are_called = !ratls_ring_is_empty(&batch->posted);

    ratls_worker_keep_state(worker, batch);
    ratls_ring_append_all(&worker->over, &batch->posted);
    worker->waiting -= batch->count;
    worker->batch = NULL;
    batch->is_done = true;
    pthread_mutex_unlock(&worker->lock);
    pthread_cond_broadcast(&batch->finished);
    if (are_called)
        pthread_cond_signal(&worker->caller.wake);
    ratls_batch_free(batch);
    pthread_mutex_lock(&worker->lock);
}

/* With the lock held. False: until somebody signals. */
static bool find_wake_up(struct ratls_worker *worker, const struct timespec *idle_end,
                         bool close_when_idle, struct timespec *ret_time)
{
    bool has_next = ratls_worker_look_ahead(worker, ret_time);

    if (close_when_idle && (!has_next || ratls_time_is_before(idle_end, ret_time)))
        *ret_time = *idle_end;
    return has_next || close_when_idle;
}

/* Called and returns with the lock held. False: stop. */
static bool wait_for_work(struct ratls_worker *worker)
{
    struct timespec idle_end = ratls_time_from_now(IDLE_MS);
    pthread_cond_t *wake = &worker->tpm_thread.wake;
    /* To make a transient key again costs more than others gain; a persistent one stays anyway. */
    bool close_when_idle = worker->state.handle != 0 && ratls_tpm_is_open(&worker->tpm);

    while (!worker->is_stopping) {
        struct timespec wake_up;
        bool is_timed = find_wake_up(worker, &idle_end, close_when_idle, &wake_up);

        if (!ratls_ring_is_empty(&worker->batches.by_age))
            return true;
        if (is_timed)
            (void)pthread_cond_timedwait(wake, &worker->lock, &wake_up);
        else
            (void)pthread_cond_wait(wake, &worker->lock);
        if (close_when_idle && ratls_ring_is_empty(&worker->batches.by_age) &&
            ratls_time_is_past(&idle_end)) {
            pthread_mutex_unlock(&worker->lock);
            close_tpm(worker);
            pthread_mutex_lock(&worker->lock);
            close_when_idle = false;
        }
    }
    return !ratls_ring_is_empty(&worker->batches.by_age);
}

void *ratls_worker_run_tpm(void *arg)
{
    struct ratls_worker *worker = arg;

    pthread_mutex_lock(&worker->lock);
    while (wait_for_work(worker)) {
        struct ratls_batch *batch = take_batch(worker);

        batch->status = serve(worker, batch, &batch->error);
        finish_batch(worker, batch);
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
