/* A worker as its callers see it. */
#include "worker.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "thread.h"
#include "worker_parts.h"

#define QUEUE_MAX 1024
#define STOP_MS 1000 /* longest wait for a thread that is to end */

/* ---- its life ---- */

#define CONDS 5

static void list_conds(struct ratls_worker *worker, pthread_cond_t *ret_conds[static CONDS])
{
    ret_conds[0] = &worker->tpm_thread.wake;
    ret_conds[1] = &worker->tpm_thread.exited;
    ret_conds[2] = &worker->caller.wake;
    ret_conds[3] = &worker->caller.exited;
    ret_conds[4] = &worker->returned;
}

static bool init_locks(struct ratls_worker *worker)
{
    pthread_cond_t *conds[CONDS];
    size_t i = 0;

    list_conds(worker, conds);
    if (pthread_mutex_init(&worker->lock, NULL) != 0)
        return false;
    while (i < CONDS && ratls_cond_init(conds[i]))
        i++;
    if (i == CONDS)
        return true;
    while (i-- > 0)
        pthread_cond_destroy(conds[i]);
    pthread_mutex_destroy(&worker->lock);
    return false;
}

static void destroy_worker(struct ratls_worker *worker)
{
    pthread_cond_t *conds[CONDS];

    list_conds(worker, conds);
    for (size_t i = 0; i < CONDS; i++)
        pthread_cond_destroy(conds[i]);
    pthread_mutex_destroy(&worker->lock);
    OPENSSL_cleanse(worker->state.auth, sizeof worker->state.auth);
    free(worker);
}

enum ratls_status ratls_worker_new(const struct ratls_ak_state *state, const char *tcti,
                                   struct ratls_worker **ret_worker, struct ratls_error *err)
{
    struct ratls_worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    worker->process = getpid();
    worker->users = 1;
    worker->key = ESYS_TR_NONE;
    worker->state = *state;
    worker->state.certificate_count = 0;
    worker->has_tcti = tcti != NULL;
    if (tcti != NULL)
        memccpy(worker->tcti, tcti, '\0', sizeof worker->tcti - 1);
    if (!init_locks(worker)) {
        free(worker);
        return ratls_fail(err, RATLS_MEMORY, "no memory for a lock");
    }
    *ret_worker = worker;
    return RATLS_OK;
}

bool ratls_worker_is_ours(const struct ratls_worker *worker)
{
    return worker->process == getpid();
}

void ratls_worker_leave(struct ratls_worker *worker)
{
    bool is_last;

    pthread_mutex_lock(&worker->lock);
    is_last = --worker->users == 0;
    pthread_mutex_unlock(&worker->lock);
    if (is_last)
        destroy_worker(worker);
}

/* With the lock held. */
static enum ratls_status start_helper(struct ratls_worker *worker, struct ratls_helper *helper,
                                      void *(*run)(void *arg), struct ratls_error *err)
{
    int result;

    if (helper->is_running)
        return RATLS_OK;
    result = ratls_thread_start(&helper->thread, run, worker);
    if (result != 0)
        return ratls_fail(err, RATLS_TPM, "starting the thread of the TPM: %s", strerror(result));
    helper->is_running = true;
    worker->users++;
    return RATLS_OK;
}

/* With the lock held; released meanwhile. A thread that does not end is left behind. */
static void end_helper(struct ratls_worker *worker, struct ratls_helper *helper,
                       const struct timespec *limit)
{
    int result = 0;

    if (!helper->is_running)
        return;
    pthread_cond_signal(&helper->wake);
    if (pthread_equal(helper->thread, pthread_self())) {
        pthread_detach(helper->thread);
        return;
    }
    while (!helper->has_exited && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&helper->exited, &worker->lock, limit);
    if (!helper->has_exited) {
        pthread_detach(helper->thread);
        return;
    }
    pthread_mutex_unlock(&worker->lock);
    pthread_join(helper->thread, NULL);
    pthread_mutex_lock(&worker->lock);
}

void ratls_worker_free(struct ratls_worker *worker)
{
    struct timespec limit = ratls_time_from_now(STOP_MS);

    pthread_mutex_lock(&worker->lock);
    worker->is_stopping = true;
    end_helper(worker, &worker->tpm_thread, &limit);
    end_helper(worker, &worker->caller, &limit);
    pthread_mutex_unlock(&worker->lock);
    ratls_worker_leave(worker);
}

/* ---- who waits ---- */

enum ratls_status ratls_worker_fail_late(unsigned deadline_ms, struct ratls_error *err)
{
    return ratls_fail(err, RATLS_TPM,
                      "the TPM did not answer within %u ms: it hangs, or is too busy", deadline_ms);
}

/* With the lock held. */
static enum ratls_status append_job(struct ratls_worker *worker, struct ratls_job *job,
                                    struct ratls_error *err)
{
    enum ratls_status status;

    if (worker->is_busy && ratls_time_is_past(&worker->busy_limit))
        return ratls_fail(err, RATLS_TPM,
                          "the TPM has not answered for more than %u ms: it hangs, or another "
                          "program keeps it busy",
                          worker->busy_limit_ms);
    if (worker->queue.count == QUEUE_MAX)
        return ratls_fail(err, RATLS_TPM, "the TPM is too slow: %d requests wait for it already",
                          QUEUE_MAX);
    status = start_helper(worker, &worker->tpm_thread, ratls_worker_run_tpm, err);
    if (status != RATLS_OK)
        return status;
    ratls_queue_append(&worker->queue, job);
    pthread_cond_signal(&worker->tpm_thread.wake);
    return RATLS_OK;
}

/* With the lock held: from wherever it is. The thread that is at its batch notices later. */
static void remove_job(struct ratls_worker *worker, struct ratls_job *job)
{
    if (!ratls_queue_remove(&worker->queue, job) && !ratls_queue_remove(&worker->batch, job))
        (void)ratls_queue_remove(&worker->over, job);
}

/* With the lock held. */
static enum ratls_status wait_for_job(struct ratls_worker *worker, struct ratls_job *job,
                                      struct ratls_error *err)
{
    int result = 0;

    while (!job->is_done && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&job->finished, &worker->lock, &job->deadline);
    if (job->is_done)
        return job->status == RATLS_OK ? RATLS_OK
                                       : ratls_fail(err, job->status, "%s", job->error.text);
    remove_job(worker, job);
    return ratls_worker_fail_late(job->deadline_ms, err);
}

static enum ratls_status run_job(struct ratls_worker *worker, struct ratls_job *job,
                                 struct ratls_error *err)
{
    enum ratls_status status;
    int cancel_state;

    /* A program that cancels a thread which waits would leave the lock taken. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&worker->lock);
    status = append_job(worker, job, err);
    if (status == RATLS_OK)
        status = wait_for_job(worker, job, err);
    pthread_mutex_unlock(&worker->lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    return status;
}

enum ratls_status ratls_worker_quote(struct ratls_worker *worker,
                                     const struct ratls_pcr_selection *selection,
                                     const uint8_t leaf[RATLS_QUALIFYING_LEN], unsigned deadline_ms,
                                     struct ratls_quoted *ret_quoted, struct ratls_error *err)
{
    struct ratls_job *job = ratls_job_new(RATLS_JOB_QUOTE, selection, deadline_ms);
    enum ratls_status status;

    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(job->leaf, leaf, sizeof job->leaf);
    status = run_job(worker, job, err);
    if (status == RATLS_OK)
        *ret_quoted = job->quoted;
    ratls_job_free(job);
    return status;
}

enum ratls_status ratls_worker_state(struct ratls_worker *worker,
                                     const struct ratls_pcr_selection *selection,
                                     unsigned deadline_ms,
                                     uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                     struct ratls_error *err)
{
    struct ratls_job *job;
    enum ratls_status status;

    if (ratls_worker_knows_state(worker, selection, ret_digest))
        return RATLS_OK;
    job = ratls_job_new(RATLS_JOB_STATE, selection, deadline_ms);
    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = run_job(worker, job, err);
    if (status == RATLS_OK)
        memcpy(ret_digest, job->state, sizeof job->state);
    ratls_job_free(job);
    return status;
}

/* ---- who does not wait ---- */

/* leaf NULL: the job wants the state. */
static enum ratls_status prepare(struct ratls_worker *worker,
                                 const struct ratls_pcr_selection *selection, const uint8_t *leaf,
                                 unsigned deadline_ms, struct ratls_job **ret_job,
                                 struct ratls_error *err)
{
    struct ratls_job *job =
        ratls_job_new(leaf == NULL ? RATLS_JOB_STATE : RATLS_JOB_QUOTE, selection, deadline_ms);
    enum ratls_status status;

    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (leaf != NULL)
        memcpy(job->leaf, leaf, sizeof job->leaf);
    pthread_mutex_lock(&worker->lock);
    status = start_helper(worker, &worker->caller, ratls_worker_run_caller, err);
    pthread_mutex_unlock(&worker->lock);
    if (status == RATLS_OK)
        *ret_job = job;
    else
        ratls_job_free(job);
    return status;
}

enum ratls_status ratls_worker_prepare(struct ratls_worker *worker,
                                       const struct ratls_pcr_selection *selection,
                                       const uint8_t leaf[RATLS_QUALIFYING_LEN],
                                       unsigned deadline_ms, struct ratls_job **ret_job,
                                       struct ratls_error *err)
{
    return prepare(worker, selection, leaf, deadline_ms, ret_job, err);
}

enum ratls_status ratls_worker_prepare_state(struct ratls_worker *worker,
                                             const struct ratls_pcr_selection *selection,
                                             unsigned deadline_ms, struct ratls_job **ret_job,
                                             struct ratls_error *err)
{
    return prepare(worker, selection, NULL, deadline_ms, ret_job, err);
}

void ratls_worker_post(struct ratls_worker *worker, struct ratls_job *job, void (*done)(void *arg),
                       void *arg)
{
    pthread_mutex_lock(&worker->lock);
    job->done = done;
    job->arg = arg;
    job->status = append_job(worker, job, &job->error);
    if (job->status != RATLS_OK)
        ratls_queue_append(&worker->over, job);
    /* All wait as long: a deadline that it knows already passes before this one. */
    if (job->status != RATLS_OK || !worker->is_timed)
        pthread_cond_signal(&worker->caller.wake);
    pthread_mutex_unlock(&worker->lock);
}

/* It is the caller's alone then. */
static enum ratls_status take_job(struct ratls_worker *worker, struct ratls_job *job,
                                  struct ratls_error *err)
{
    pthread_mutex_lock(&worker->lock);
    if (!job->is_done)
        remove_job(worker, job);
    if (worker->called == job)
        worker->called = NULL; /* it goes now, perhaps from within the call */
    pthread_mutex_unlock(&worker->lock);
    if (!job->is_done)
        return ratls_fail(err, RATLS_USAGE, "evidence was taken before it was done");
    if (job->status != RATLS_OK)
        return ratls_fail(err, job->status, "%s", job->error.text);
    return RATLS_OK;
}

enum ratls_status ratls_worker_take(struct ratls_worker *worker, struct ratls_job *job,
                                    struct ratls_quoted *ret_quoted, struct ratls_error *err)
{
    enum ratls_status status = take_job(worker, job, err);

    if (status == RATLS_OK)
        *ret_quoted = job->quoted;
    ratls_job_free(job);
    return status;
}

enum ratls_status ratls_worker_take_state(struct ratls_worker *worker, struct ratls_job *job,
                                          uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                          struct ratls_error *err)
{
    enum ratls_status status = take_job(worker, job, err);

    if (status == RATLS_OK)
        memcpy(ret_digest, job->state, sizeof job->state);
    ratls_job_free(job);
    return status;
}

void ratls_worker_cancel(struct ratls_worker *worker, struct ratls_job *job)
{
    int cancel_state;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&worker->lock);
    if (!job->is_done)
        remove_job(worker, job);
    else if (!pthread_equal(worker->caller.thread, pthread_self()))
        while (worker->called == job)
            pthread_cond_wait(&worker->returned, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    ratls_job_free(job);
}
