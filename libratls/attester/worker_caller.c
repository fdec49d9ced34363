/*
 * The thread that calls those who do not wait for the TPM: when they have what they wanted, or when
 * their deadline has passed. It never talks to the TPM, which may never answer.
 */
#include <sched.h>

#include "worker_parts.h"

static struct ratls_job *find_peer(struct ratls_ring *link)
{
    return RATLS_RING_MEMBER(link, struct ratls_job, peers);
}

/*
 * Moves the jobs whose deadline has passed to those that are to be called: as all wait as long, the
 * oldest come first. True: *ret_next is the deadline that passes next.
 */
static bool expire(struct ratls_worker *worker, struct timespec *ret_next)
{
    while (!ratls_ring_is_empty(&worker->by_age)) {
        struct ratls_job *job = RATLS_RING_MEMBER(worker->by_age.next, struct ratls_job, by_age);

        if (!ratls_time_is_past(&job->deadline)) {
            *ret_next = job->deadline;
            return true;
        }
        ratls_worker_remove(worker, job);
        job->is_late = true;
        ratls_ring_append(&worker->over, &job->peers);
    }
    return false;
}

/* With the lock held; without it meanwhile. Afterwards the job may be gone. */
static void call(struct ratls_worker *worker, struct ratls_job *job)
{
    void (*done)(void *arg) = job->done;
    void *arg = job->arg;

    ratls_ring_remove(&job->peers);
    ratls_ring_remove(&job->by_age);
    worker->called = job;
    pthread_mutex_unlock(&worker->lock);
    done(arg);
    pthread_mutex_lock(&worker->lock);
    worker->called = NULL;
    if (worker->cancellers == 0)
        return;
    pthread_mutex_unlock(&worker->lock);
    pthread_cond_broadcast(&worker->returned);
    pthread_mutex_lock(&worker->lock);
}

/*
 * The thread of the TPM has woken us, and is about to give it the next command. Where both share a
 * core it, and the TPM, would otherwise wait behind all the handshakes that we set off.
 */
static void let_the_tpm_work(struct ratls_worker *worker)
{
    pthread_mutex_unlock(&worker->lock);
    (void)sched_yield();
    pthread_mutex_lock(&worker->lock);
}

/* Nobody is to be called: all that are in by_age still wait. */
static void wait_for_jobs(struct ratls_worker *worker)
{
    struct timespec next;
    bool has_next = expire(worker, &next);

    if (!ratls_ring_is_empty(&worker->over))
        return;
    worker->is_timed = has_next;
    if (has_next)
        (void)pthread_cond_timedwait(&worker->caller.wake, &worker->lock, &next);
    else
        (void)pthread_cond_wait(&worker->caller.wake, &worker->lock);
    worker->is_timed = false;
    if (!ratls_ring_is_empty(&worker->over))
        let_the_tpm_work(worker);
}

void *ratls_worker_run_caller(void *arg)
{
    struct ratls_worker *worker = arg;

    pthread_mutex_lock(&worker->lock);
    while (!worker->is_stopping) {
        if (!ratls_ring_is_empty(&worker->over))
            call(worker, find_peer(worker->over.next));
        else
            wait_for_jobs(worker);
    }
    worker->caller.has_exited = true;
    pthread_cond_signal(&worker->caller.exited);
    pthread_mutex_unlock(&worker->lock);
    ratls_worker_leave(worker);
    return NULL;
}
