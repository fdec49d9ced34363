#include "job.h"

#include <stdlib.h>

#include "request.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000L
#define NS_PER_S (MS_PER_S * NS_PER_MS)

struct timespec ratls_time_from_now(unsigned ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / MS_PER_S);
    t.tv_nsec += (long)(ms % MS_PER_S) * NS_PER_MS;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec++;
    }
    return t;
}

bool ratls_time_is_past(const struct timespec *t)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

bool ratls_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    bool ok;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(cond, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ok;
}

struct ratls_job *ratls_job_new(enum ratls_job_kind kind,
                                const struct ratls_pcr_selection *selection, unsigned deadline_ms)
{
    struct ratls_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    if (!ratls_cond_init(&job->finished)) {
        free(job);
        return NULL;
    }
    job->kind = kind;
    job->deadline = ratls_time_from_now(deadline_ms);
    job->deadline_ms = deadline_ms;
    job->selection = *selection;
    return job;
}

void ratls_job_free(struct ratls_job *job)
{
    pthread_cond_destroy(&job->finished);
    free(job);
}

void ratls_queue_append(struct ratls_queue *queue, struct ratls_job *job)
{
    job->next = NULL;
    if (queue->last != NULL)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
    queue->count++;
}

struct ratls_job *ratls_queue_take(struct ratls_queue *queue)
{
    struct ratls_job *job = queue->first;

    if (job != NULL)
        ratls_queue_remove(queue, job);
    return job;
}

static bool wants_same(const struct ratls_job *a, const struct ratls_job *b)
{
    return a->kind == b->kind &&
           ratls_selection_is(&a->selection, b->selection.banks, b->selection.count);
}

void ratls_queue_take_alike(struct ratls_queue *queue, struct ratls_queue *batch)
{
    struct ratls_job *first = ratls_queue_take(queue);
    struct ratls_queue others = {0};
    struct ratls_job *job;

    if (first == NULL)
        return;
    ratls_queue_append(batch, first);
    while ((job = ratls_queue_take(queue)) != NULL)
        ratls_queue_append(wants_same(first, job) ? batch : &others, job);
    *queue = others;
}

bool ratls_queue_remove(struct ratls_queue *queue, struct ratls_job *job)
{
    struct ratls_job *before = NULL;
    struct ratls_job *at = queue->first;

    while (at != NULL && at != job) {
        before = at;
        at = at->next;
    }
    if (at == NULL)
        return false;
    if (before != NULL)
        before->next = job->next;
    else
        queue->first = job->next;
    if (queue->last == job)
        queue->last = before;
    queue->count--;
    return true;
}
