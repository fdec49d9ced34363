/*
 * Those who want something of the TPM: who waits for it, and who is called. What a job is in is a
 * batch (batch.h); nothing here depends on how many there are.
 */
#include <errno.h>
#include <string.h>

#include "fail.h"
#include "worker_parts.h"

/* With the lock held. */
static bool is_over(const struct ratls_job *job)
{
    return job->is_late || job->batch->is_done;
}

/* With the lock held. */
static enum ratls_status check_room(struct ratls_worker *worker, struct ratls_error *err)
{
    if (worker->batch != NULL && ratls_time_is_past(&worker->busy_limit))
        return ratls_fail(err, RATLS_TPM,
                          "the TPM has not answered for more than %u ms: it hangs, or another "
                          "program keeps it busy",
                          worker->busy_limit_ms);
    if (worker->waiting >= worker->queue_max)
        return ratls_fail(err, RATLS_TPM,
                          "the TPM is too slow: %zu requests wait for it already, and no more may",
                          worker->waiting);
    return ratls_worker_start(worker, &worker->tpm_thread, ratls_worker_run_tpm, err);
}

/* With the lock held. */
static enum ratls_status join_batch(struct ratls_worker *worker, const struct ratls_want *want,
                                    struct ratls_job *job, struct ratls_error *err)
{
    enum ratls_status status = check_room(worker, err);
    struct ratls_batch *batch;

    if (status != RATLS_OK)
        return status;
    batch = ratls_batches_join(&worker->batches, want);
    if (batch == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    atomic_fetch_add(&batch->references, 1);
    batch->deadline = job->deadline;
    batch->deadline_ms = job->deadline_ms;
    batch->count++;
    worker->waiting++;
    job->batch = batch;
    ratls_ring_append(&batch->others, &job->peers);
    return RATLS_OK;
}

/* It waits for the TPM as soon as this returns. called: by a thread of the worker, one day. */
static enum ratls_status begin_job(struct ratls_worker *worker, bool is_called,
                                   const struct ratls_want *want, struct ratls_job *job,
                                   struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    ratls_ring_init(&job->peers);
    ratls_ring_init(&job->by_age);
    pthread_mutex_lock(&worker->lock);
    if (is_called)
        status = ratls_worker_start(worker, &worker->caller, ratls_worker_run_caller, err);
    if (status == RATLS_OK)
        status = join_batch(worker, want, job, err);
    pthread_mutex_unlock(&worker->lock);
    if (status == RATLS_OK)
        pthread_cond_signal(&worker->tpm_thread.wake);
    return status;
}

/* With the lock held. A batch that nobody waits for any more need not be served. */
static void leave_batch(struct ratls_worker *worker, struct ratls_batch *batch)
{
    worker->waiting--;
    if (--batch->count > 0 || batch->is_taken || batch->is_ahead)
        return;
    ratls_batches_remove(&worker->batches, batch);
    ratls_batch_free(batch); /* the queue's; not the last, for the job has one */
}

void ratls_worker_remove(struct ratls_worker *worker, struct ratls_job *job)
{
    ratls_ring_remove(&job->peers);
    ratls_ring_remove(&job->by_age);
    if (!is_over(job))
        leave_batch(worker, job->batch);
}

static enum ratls_status fail_late(const struct ratls_job *job, struct ratls_error *err)
{
    return ratls_fail(err, RATLS_TPM,
                      "the TPM did not answer within %u ms: it hangs, or is too busy",
                      job->deadline_ms);
}

/* What came of a job that was removed: nothing of it changes any more. */
static enum ratls_status find_outcome(const struct ratls_job *job, struct ratls_error *err)
{
    const struct ratls_batch *batch = job->batch;

    if (job->is_late)
        return fail_late(job, err);
    return batch->status == RATLS_OK ? RATLS_OK
                                     : ratls_fail(err, batch->status, "%s", batch->error.text);
}

static void copy_quoted(const struct ratls_job *job, struct ratls_quoted *ret_quoted)
{
    const struct ratls_batch *batch = job->batch;

    ratls_merkle_path_of((const uint8_t(*)[RATLS_QUALIFYING_LEN])batch->nodes, batch->leaf_count,
                         job->leaf_index, &ret_quoted->path);
    ret_quoted->quote = ratls_quote_up_ref(batch->quote);
}

/* ---- who waits ---- */

static void wait_for_job(struct ratls_worker *worker, struct ratls_job *job)
{
    int result = 0;

    pthread_mutex_lock(&worker->lock);
    while (!job->batch->is_done && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&job->batch->finished, &worker->lock, &job->deadline);
    ratls_worker_remove(worker, job);
    job->is_late = !job->batch->is_done;
    pthread_mutex_unlock(&worker->lock);
}

/* Behind it the caller frees job->batch. */
static enum ratls_status run_job(struct ratls_worker *worker, const struct ratls_want *want,
                                 struct ratls_job *job, struct ratls_error *err)
{
    enum ratls_status status;
    int cancel_state;

    /* A program that cancels a thread which waits would leave the lock taken. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    status = begin_job(worker, false, want, job, err);
    if (status == RATLS_OK) {
        wait_for_job(worker, job);
        status = find_outcome(job, err);
    }
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    return status;
}

enum ratls_status ratls_worker_quote(struct ratls_worker *worker,
                                     const struct ratls_pcr_selection *selection,
                                     const uint8_t leaf[RATLS_QUALIFYING_LEN], unsigned deadline_ms,
                                     struct ratls_quoted *ret_quoted, struct ratls_error *err)
{
    const struct ratls_want want = {RATLS_JOB_QUOTE, *selection};
    struct ratls_job job = {.deadline = ratls_time_from_now(deadline_ms),
                            .deadline_ms = deadline_ms};
    enum ratls_status status;

    memcpy(job.leaf, leaf, sizeof job.leaf);
    status = run_job(worker, &want, &job, err);
    if (status == RATLS_OK)
        copy_quoted(&job, ret_quoted);
    if (job.batch != NULL)
        ratls_batch_free(job.batch);
    return status;
}

enum ratls_status ratls_worker_state(struct ratls_worker *worker,
                                     const struct ratls_pcr_selection *selection,
                                     unsigned deadline_ms,
                                     uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                     struct ratls_error *err)
{
    const struct ratls_want want = {RATLS_JOB_STATE, *selection};
    struct ratls_job job = {.deadline = ratls_time_from_now(deadline_ms),
                            .deadline_ms = deadline_ms};
    enum ratls_status status;
    unsigned age_ms;

    if (ratls_worker_knows_state(worker, selection, RATLS_STATE_FRESH_MS, ret_digest, &age_ms))
        return RATLS_OK;
    status = run_job(worker, &want, &job, err);
    if (status == RATLS_OK)
        memcpy(ret_digest, job.batch->state.digest, RATLS_MEASURED_LEN);
    if (job.batch != NULL)
        ratls_batch_free(job.batch);
    return status;
}

/* ---- who does not wait ---- */

enum ratls_status ratls_worker_prepare(struct ratls_worker *worker,
                                       const struct ratls_pcr_selection *selection,
                                       const uint8_t *leaf, unsigned deadline_ms,
                                       struct ratls_job *ret_job, struct ratls_error *err)
{
    const struct ratls_want want = {leaf == NULL ? RATLS_JOB_STATE : RATLS_JOB_QUOTE, *selection};

    *ret_job = (struct ratls_job){.deadline = ratls_time_from_now(deadline_ms),
                                  .deadline_ms = deadline_ms};
    if (leaf != NULL)
        memcpy(ret_job->leaf, leaf, sizeof ret_job->leaf);
    return begin_job(worker, true, &want, ret_job, err);
}

/* If the TPM was faster there is nobody to wait for. */
void ratls_worker_post(struct ratls_worker *worker, struct ratls_job *job, void (*done)(void *arg),
                       void *arg)
{
    bool is_done, is_timed;

    pthread_mutex_lock(&worker->lock);
    is_done = job->batch->is_done;
    /* All wait as long: a deadline that it knows already passes before this one. */
    is_timed = worker->is_timed;
    ratls_ring_remove(&job->peers);
    if (!is_done) {
        job->done = done;
        job->arg = arg;
        ratls_ring_append(&job->batch->posted, &job->peers);
        ratls_ring_append(&worker->by_age, &job->by_age);
    }
    pthread_mutex_unlock(&worker->lock);
    if (is_done)
        done(arg);
    else if (!is_timed)
        pthread_cond_signal(&worker->caller.wake);
}

/* It is the caller's alone then. */
static enum ratls_status take_job(struct ratls_worker *worker, struct ratls_job *job,
                                  struct ratls_error *err)
{
    bool was_over;

    pthread_mutex_lock(&worker->lock);
    was_over = is_over(job);
    ratls_worker_remove(worker, job);
    if (worker->called == job)
        worker->called = NULL; /* it goes now, perhaps from within the call */
    pthread_mutex_unlock(&worker->lock);
    if (!was_over)
        return ratls_fail(err, RATLS_USAGE, "evidence was taken before it was done");
    return find_outcome(job, err);
}

enum ratls_status ratls_worker_take(struct ratls_worker *worker, struct ratls_job *job,
                                    struct ratls_quoted *ret_quoted, struct ratls_error *err)
{
    enum ratls_status status = take_job(worker, job, err);

    if (status == RATLS_OK)
        copy_quoted(job, ret_quoted);
    ratls_batch_free(job->batch);
    return status;
}

enum ratls_status ratls_worker_take_state(struct ratls_worker *worker, struct ratls_job *job,
                                          uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                          struct ratls_error *err)
{
    enum ratls_status status = take_job(worker, job, err);

    if (status == RATLS_OK)
        memcpy(ret_digest, job->batch->state.digest, RATLS_MEASURED_LEN);
    ratls_batch_free(job->batch);
    return status;
}

void ratls_worker_cancel(struct ratls_worker *worker, struct ratls_job *job)
{
    int cancel_state;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&worker->lock);
    ratls_worker_remove(worker, job);
    if (worker->called == job && !pthread_equal(worker->caller.thread, pthread_self())) {
        worker->cancellers++;
        while (worker->called == job)
            pthread_cond_wait(&worker->returned, &worker->lock);
        worker->cancellers--;
    }
    pthread_mutex_unlock(&worker->lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    ratls_batch_free(job->batch);
}
