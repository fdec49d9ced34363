/* Questions that an agent has not answered yet. The lock of the link guards them all. */
#ifndef RATLS_AGENT_JOB_H
#define RATLS_AGENT_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "agent_message.h"
#include "deadline.h"

/* Belongs to who made it. */
struct ratls_agent_job {
    TAILQ_ENTRY(ratls_agent_job) by_age; /* while it is open */
    TAILQ_ENTRY(ratls_agent_job) in_turn;
    struct ratls_agent_job *next; /* of its bucket, while it is open */
    uint64_t id;
    enum ratls_agent_kind kind;
    bool is_open; /* it has no answer yet */
    bool is_unsent;
    bool is_over; /* it has one, and done() is to be called */
    bool is_done;
    bool has_waiter; /* somebody waits for `finished`; else done() is called */
    pthread_cond_t finished;
    void (*done)(void *arg);
    void *arg;
    struct timespec begun;
    struct timespec deadline;
    uint64_t heard;           /* of the silence (agent_silence.h), when it was asked */
    enum ratls_status status; /* from here on: once it is done */
    struct ratls_error error;
    uint8_t *payload;
    size_t payload_len;
    size_t message_len;
    uint8_t message[]; /* the question */
};

/* NULL if memory is short. done: NULL if the maker waits. */
struct ratls_agent_job *ratls_agent_job_new(const struct ratls_agent_question *question,
                                            struct ratls_slice message, bool has_waiter,
                                            unsigned deadline_ms);
void ratls_agent_job_free(struct ratls_agent_job *job);

TAILQ_HEAD(ratls_agent_jobs, ratls_agent_job);

#define RATLS_AGENT_BUCKETS 1024 /* as many questions at once have one each: ids follow in order   \
                                  */

struct ratls_agent_table {
    struct ratls_agent_jobs open; /* the oldest first: whose deadline passes first */
    size_t count;                 /* of these */
    struct ratls_agent_job *buckets[RATLS_AGENT_BUCKETS];
    struct ratls_agent_jobs unsent; /* of the open ones: the agent does not take them yet */
    struct ratls_agent_jobs over;
};

void ratls_agent_table_init(struct ratls_agent_table *table);
void ratls_agent_table_open(struct ratls_agent_table *table, struct ratls_agent_job *job);
/* An open one; NULL if there is none. */
struct ratls_agent_job *ratls_agent_table_find(const struct ratls_agent_table *table, uint64_t id);
/* For the thread that has the socket: what was not sent, in its turn. */
void ratls_agent_table_keep(struct ratls_agent_table *table, struct ratls_agent_job *job);
void ratls_agent_table_sent(struct ratls_agent_table *table, struct ratls_agent_job *job);
/* It has its answer, or never gets one: whoever waits is woken, else done() is to be called. */
void ratls_agent_table_finish(struct ratls_agent_table *table, struct ratls_agent_job *job);
/* The next for which done() is to be called; NULL: none. */
struct ratls_agent_job *ratls_agent_table_take_over(struct ratls_agent_table *table);
/* Wherever it is. */
void ratls_agent_table_remove(struct ratls_agent_table *table, struct ratls_agent_job *job);

#endif
