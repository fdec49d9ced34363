#include "job.h"

#include <stdlib.h>

#include "request.h"

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
