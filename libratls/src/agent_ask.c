/* Questions, as who asks sees them. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent_link_parts.h"
#include "fail.h"

#define OPEN_MAX 16384 /* questions at once; a small one takes about 1 KiB */
/* The agent is given a twentieth less: so its own word for what is wrong comes before ours. */
#define DEADLINE_PARTS 20

enum ratls_status ratls_agent_fail_late(struct ratls_agent_link *link,
                                        const struct ratls_agent_job *job, struct ratls_error *err)
{
    if (ratls_agent_silence_begin(&link->silence, job->heard, &job->begun))
        ratls_agent_link_wake(link); /* it sends the probes */
    return ratls_fail(err, RATLS_IO,
                      "the agent at %s did not answer within %u ms: it hangs, or is too busy",
                      link->path, link->deadline_ms);
}

int ratls_agent_send(int fd, const uint8_t *message, size_t len)
{
    ssize_t n;

    do
        n = send(fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? errno : 0;
}

static enum ratls_status new_job(struct ratls_agent_link *link,
                                 struct ratls_agent_question *question, bool has_waiter,
                                 struct ratls_agent_job **ret_job, struct ratls_error *err)
{
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(message, sizeof message);
    struct ratls_agent_job *job;

    question->id = atomic_fetch_add(&link->last_id, 1) + 1;
    question->deadline_ms = link->deadline_ms - link->deadline_ms / DEADLINE_PARTS;
    ratls_agent_question_write(question, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_USAGE,
                          "an agent does not take this request: it is malformed, or not of a "
                          "session");
    job = ratls_agent_job_new(question, ratls_writer_slice(&w), has_waiter, link->deadline_ms);
    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *ret_job = job;
    return RATLS_OK;
}

/* With the lock held. */
static enum ratls_status make_ready(struct ratls_agent_link *link, struct ratls_error *err)
{
    enum ratls_status status = ratls_agent_link_connect(link, err);

    if (status == RATLS_OK)
        status = ratls_agent_silence_check(&link->silence, link->path, err);
    if (status == RATLS_OK && link->table.count == OPEN_MAX)
        return ratls_fail(err, RATLS_LIMIT,
                          "the agent at %s is too slow: %d questions of this process wait already",
                          link->path, OPEN_MAX);
    return status;
}

void ratls_agent_note_unsent(struct ratls_agent_link *link, struct ratls_agent_job *job, int error)
{
    if (error == EPIPE || error == ECONNRESET || error == ENOTCONN)
        return;
    if (error == EAGAIN) {
        if (!job->is_unsent)
            ratls_agent_table_keep(&link->table, job);
        return;
    }
    job->status = ratls_fail(&job->error, RATLS_IO, "asking the agent at %s: %s", link->path,
                             strerror(error));
    ratls_agent_table_finish(&link->table, job);
}

/* A job that was sent is not looked at: it may have its answer already, and be gone. */
static void note_sent(struct ratls_agent_link *link, uint64_t id, int error)
{
    struct ratls_agent_job *job;

    if (error == 0)
        return;
    pthread_mutex_lock(&link->lock);
    job = ratls_agent_table_find(&link->table, id);
    if (job != NULL)
        ratls_agent_note_unsent(link, job, error);
    ratls_agent_link_wake(link);
    pthread_mutex_unlock(&link->lock);
}

/* With the lock held. Until end_send() the socket is not closed, also if the connection is over. */
static int begin_send(struct ratls_agent_link *link)
{
    atomic_fetch_add(&link->senders, 1);
    return atomic_load(&link->fd);
}

static void end_send(struct ratls_agent_link *link)
{
    atomic_fetch_sub(&link->senders, 1);
}

/* Returns without the lock, which is held at first. */
static void send_open_job(struct ratls_agent_link *link, const struct ratls_agent_job *job)
{
    const bool needs_timer = !job->has_waiter && !link->is_timed;
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    const size_t len = job->message_len;
    const uint64_t id = job->id;
    const int fd = begin_send(link);
    int error;

    memcpy(message, job->message, len);
    pthread_mutex_unlock(&link->lock); /* from here on the job may go at any time */
    if (needs_timer)
        ratls_agent_link_wake(link);
    error = ratls_agent_send(fd, message, len);
    end_send(link);
    note_sent(link, id, error);
}

/* Whether it is open is the job's then: else it has its failure. */
static void post_job(struct ratls_agent_link *link, struct ratls_agent_job *job)
{
    pthread_mutex_lock(&link->lock);
    job->status = make_ready(link, &job->error);
    job->heard = link->silence.heard;
    if (job->status == RATLS_OK) {
        ratls_agent_table_open(&link->table, job);
        if (TAILQ_EMPTY(&link->table.unsent)) {
            send_open_job(link, job);
            return;
        }
        ratls_agent_table_keep(&link->table, job);
    } else {
        ratls_agent_table_finish(&link->table, job);
    }
    ratls_agent_link_wake(link);
    pthread_mutex_unlock(&link->lock);
}

/* What a job that is done came to. */
static enum ratls_status take_answer(struct ratls_agent_job *job, uint8_t **ret_payload,
                                     size_t *ret_len, struct ratls_error *err)
{
    if (job->status != RATLS_OK)
        return ratls_fail(err, job->status, "%s", job->error.text);
    *ret_payload = job->payload;
    *ret_len = job->payload_len;
    job->payload = NULL;
    return RATLS_OK;
}

/* ---- who waits ---- */

static enum ratls_status wait_for_job(struct ratls_agent_link *link, struct ratls_agent_job *job,
                                      struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    int result = 0;

    pthread_mutex_lock(&link->lock);
    while (!job->is_done && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&job->finished, &link->lock, &job->deadline);
    if (!job->is_done) {
        ratls_agent_table_remove(&link->table, job);
        status = ratls_agent_fail_late(link, job, err);
    }
    pthread_mutex_unlock(&link->lock);
    return status;
}

static bool is_called_by(struct ratls_agent_link *link)
{
    bool is_ours;

    pthread_mutex_lock(&link->lock);
    is_ours = ratls_agent_link_is_reader(link);
    pthread_mutex_unlock(&link->lock);
    return is_ours;
}

enum ratls_status ratls_agent_link_ask(struct ratls_agent_link *link,
                                       struct ratls_agent_question *question, uint8_t **ret_payload,
                                       size_t *ret_len, struct ratls_error *err)
{
    struct ratls_agent_job *job = NULL;
    enum ratls_status status;
    int cancel_state;

    if (is_called_by(link))
        return ratls_fail(err, RATLS_USAGE,
                          "within done() nothing can be waited for: begin() it there");
    status = new_job(link, question, true, &job, err);
    if (status != RATLS_OK)
        return status;
    /* A program that cancels a thread which waits would leave the lock taken. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    post_job(link, job);
    status = wait_for_job(link, job, err);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    if (status == RATLS_OK)
        status = take_answer(job, ret_payload, ret_len, err);
    ratls_agent_job_free(job);
    return status;
}

/* ---- who does not wait ---- */

enum ratls_status ratls_agent_link_prepare(struct ratls_agent_link *link,
                                           struct ratls_agent_question *question,
                                           struct ratls_agent_job **ret_job,
                                           struct ratls_error *err)
{
    struct ratls_agent_job *job = NULL;
    enum ratls_status status = new_job(link, question, false, &job, err);
    int cancel_state;

    if (status != RATLS_OK)
        return status;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&link->lock);
    status = make_ready(link, err);
    pthread_mutex_unlock(&link->lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    if (status == RATLS_OK)
        *ret_job = job;
    else
        ratls_agent_job_free(job);
    return status;
}

void ratls_agent_link_post(struct ratls_agent_link *link, struct ratls_agent_job *job,
                           void (*done)(void *arg), void *arg)
{
    int cancel_state;

    job->done = done;
    job->arg = arg;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    post_job(link, job);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
}

enum ratls_status ratls_agent_link_take(struct ratls_agent_link *link, struct ratls_agent_job *job,
                                        uint8_t **ret_payload, size_t *ret_len,
                                        struct ratls_error *err)
{
    enum ratls_status status;

    pthread_mutex_lock(&link->lock);
    if (!job->is_done)
        ratls_agent_table_remove(&link->table, job);
    if (link->called == job)
        link->called = NULL; /* it goes now, perhaps from within the call */
    pthread_mutex_unlock(&link->lock);
    if (job->is_done)
        status = take_answer(job, ret_payload, ret_len, err);
    else
        status = ratls_fail(err, RATLS_USAGE, "evidence was taken before it was done");
    ratls_agent_job_free(job);
    return status;
}

/* So that the agent need not make what nobody takes; if it does not hear, it makes it in vain. */
static void send_cancel(int fd, uint64_t id)
{
    const struct ratls_agent_question question = {.id = id, .kind = RATLS_AGENT_CANCEL};
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(message, sizeof message);

    ratls_agent_question_write(&question, &w);
    (void)ratls_agent_send(fd, message, w.len);
}

void ratls_agent_link_cancel(struct ratls_agent_link *link, struct ratls_agent_job *job)
{
    int fd = RATLS_AGENT_NO_FD;
    int cancel_state;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&link->lock);
    if (job->is_open && !job->is_unsent)
        fd = begin_send(link);
    if (!job->is_done)
        ratls_agent_table_remove(&link->table, job);
    else if (!ratls_agent_link_is_reader(link))
        while (link->called == job)
            pthread_cond_wait(&link->returned, &link->lock);
    pthread_mutex_unlock(&link->lock);
    if (fd != RATLS_AGENT_NO_FD) {
        send_cancel(fd, job->id);
        end_send(link);
    }
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    ratls_agent_job_free(job);
}
