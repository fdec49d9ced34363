#include "agent_job.h"

#include <stdlib.h>
#include <string.h>

struct ratls_agent_job *ratls_agent_job_new(const struct ratls_agent_question *question,
                                            struct ratls_slice message, bool has_waiter,
                                            unsigned deadline_ms)
{
    struct ratls_agent_job *job = calloc(1, sizeof *job + message.len);

    if (job == NULL)
        return NULL;
    if (has_waiter && !ratls_cond_init(&job->finished)) {
        free(job);
        return NULL;
    }
    job->id = question->id;
    job->kind = question->kind;
    job->has_waiter = has_waiter;
    job->begun = ratls_time_from_now(0);
    job->deadline = ratls_time_from_now(deadline_ms);
    job->message_len = message.len;
    memcpy(job->message, message.p, message.len);
    return job;
}

void ratls_agent_job_free(struct ratls_agent_job *job)
{
    if (job->has_waiter)
        pthread_cond_destroy(&job->finished);
    free(job->payload);
    free(job);
}

void ratls_agent_table_init(struct ratls_agent_table *table)
{
    TAILQ_INIT(&table->open);
    TAILQ_INIT(&table->unsent);
    TAILQ_INIT(&table->over);
}

static size_t bucket_of(uint64_t id)
{
    return (size_t)(id % RATLS_AGENT_BUCKETS);
}

void ratls_agent_table_open(struct ratls_agent_table *table, struct ratls_agent_job *job)
{
    struct ratls_agent_job **bucket = &table->buckets[bucket_of(job->id)];

    TAILQ_INSERT_TAIL(&table->open, job, by_age);
    job->next = *bucket;
    *bucket = job;
    job->is_open = true;
    table->count++;
}

struct ratls_agent_job *ratls_agent_table_find(const struct ratls_agent_table *table, uint64_t id)
{
    struct ratls_agent_job *job = table->buckets[bucket_of(id)];

    while (job != NULL && job->id != id)
        job = job->next;
    return job;
}

void ratls_agent_table_keep(struct ratls_agent_table *table, struct ratls_agent_job *job)
{
    TAILQ_INSERT_TAIL(&table->unsent, job, in_turn);
    job->is_unsent = true;
}

void ratls_agent_table_sent(struct ratls_agent_table *table, struct ratls_agent_job *job)
{
    TAILQ_REMOVE(&table->unsent, job, in_turn);
    job->is_unsent = false;
}

static void close_job(struct ratls_agent_table *table, struct ratls_agent_job *job)
{
    struct ratls_agent_job **at = &table->buckets[bucket_of(job->id)];

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    TAILQ_REMOVE(&table->open, job, by_age);
    job->is_open = false;
    table->count--;
    if (job->is_unsent)
        ratls_agent_table_sent(table, job);
}

void ratls_agent_table_finish(struct ratls_agent_table *table, struct ratls_agent_job *job)
{
    if (job->is_open)
        close_job(table, job);
    if (job->has_waiter) {
        job->is_done = true;
        pthread_cond_signal(&job->finished);
        return;
    }
    TAILQ_INSERT_TAIL(&table->over, job, in_turn);
    job->is_over = true;
}

struct ratls_agent_job *ratls_agent_table_take_over(struct ratls_agent_table *table)
{
    struct ratls_agent_job *job = TAILQ_FIRST(&table->over);

    if (job != NULL)
        ratls_agent_table_remove(table, job);
    return job;
}

void ratls_agent_table_remove(struct ratls_agent_table *table, struct ratls_agent_job *job)
{
    if (job->is_open)
        close_job(table, job);
    if (job->is_over)
        TAILQ_REMOVE(&table->over, job, in_turn);
    job->is_over = false;
}
