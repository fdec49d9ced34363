/*
 * The thread that calls those who do not wait for the TPM: when they have what they wanted, or when
 * their deadline has passed. It never talks to the TPM, which may never answer.
 */
#include <errno.h>
#include <stddef.h>

#include "fail.h"
#include "worker_parts.h"

/* Takes the jobs out whose deadline has passed; *ret_next: the deadline that passes next. */
static bool expire(struct ratls_queue *queue, struct ratls_queue *over, struct timespec *ret_next,
                   bool has_next)
{
    struct ratls_job *next;

    for (struct ratls_job *job = queue->first; job != NULL; job = next) {
        next = job->next;
        if (job->done == NULL)
            continue;
        if (ratls_time_is_past(&job->deadline)) {
            ratls_queue_remove(queue, job);
            job->status = ratls_worker_fail_late(job->deadline_ms, &job->error);
            ratls_queue_append(over, job);
        } else if (!has_next || ratls_time_is_before(&job->deadline, ret_next)) {
            *ret_next = job->deadline;
            has_next = true;
        }
    }
    return has_next;
}

/* With the lock held; without it meanwhile. Afterwards the job may be gone. */
static void call(struct ratls_worker *worker, struct ratls_job *job)
{
    void (*done)(void *arg) = job->done;
    void *arg = job->arg;

    job->is_done = true;
    worker->called = job;
    pthread_mutex_unlock(&worker->lock);
    done(arg);
    pthread_mutex_lock(&worker->lock);
    worker->called = NULL;
    pthread_cond_broadcast(&worker->returned);
}

static void wait_for_jobs(struct ratls_worker *worker)
{
    struct timespec next;
    bool has_next = expire(&worker->queue, &worker->over, &next, false);

    has_next = expire(&worker->batch, &worker->over, &next, has_next);
    if (worker->over.first != NULL)
        return;
    worker->is_timed = has_next;
    if (has_next)
        (void)pthread_cond_timedwait(&worker->caller.wake, &worker->lock, &next);
    else
        (void)pthread_cond_wait(&worker->caller.wake, &worker->lock);
    worker->is_timed = false;
}

void *ratls_worker_run_caller(void *arg)
{
    struct ratls_worker *worker = arg;
    struct ratls_job *job;

    pthread_mutex_lock(&worker->lock);
    while (!worker->is_stopping) {
        job = ratls_queue_take(&worker->over);
        if (job != NULL)
            call(worker, job);
        else
            wait_for_jobs(worker);
    }
    worker->caller.has_exited = true;
    pthread_cond_signal(&worker->caller.exited);
    pthread_mutex_unlock(&worker->lock);
    ratls_worker_leave(worker);
    return NULL;
}
