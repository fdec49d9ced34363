/*
 * The thread of a link: it hands out the answers, ends questions whose deadline has passed, and
 * calls those who do not wait. It alone closes the socket.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_link_parts.h"
#include "fail.h"

#define ANSWERS_IN_A_ROW 64 /* then those are called who have theirs */

/* ---- the end of a connection ---- */

/* With the lock held; without it meanwhile. All that were asked fail; who asks next connects. */
static void end_connection(struct ratls_agent_link *link, const char *what)
{
    int fd = atomic_exchange(&link->fd, RATLS_AGENT_NO_FD);
    struct ratls_agent_job *job;

    ratls_agent_silence_end(&link->silence); /* the next one may be another process */
    link->trouble = (struct ratls_error){0};
    ratls_fail(&link->trouble, RATLS_IO, "the agent at %s %s", link->path, what);
    while ((job = TAILQ_FIRST(&link->table.open)) != NULL) {
        job->status = link->trouble.status;
        job->error = link->trouble;
        ratls_agent_table_finish(&link->table, job);
    }
    pthread_mutex_unlock(&link->lock);
    while (atomic_load(&link->senders) != 0) /* they do not wait for anything */
        sched_yield();
    close(fd);
    pthread_mutex_lock(&link->lock);
}

/* ---- answers ---- */

static bool is_fit(const struct ratls_agent_job *job, const struct ratls_agent_answer *answer)
{
    return answer->status != RATLS_OK || job->kind != RATLS_AGENT_STATE ||
           answer->payload.len == RATLS_AGENT_STATE_LEN;
}

/* With the lock held. Takes the payload. False: that is no answer to what was asked. */
static bool deliver(struct ratls_agent_link *link, const struct ratls_agent_answer *answer,
                    uint8_t *payload)
{
    struct ratls_agent_job *job = ratls_agent_table_find(&link->table, answer->id);

    if (job == NULL || job->is_unsent || !is_fit(job, answer)) {
        free(payload);
        return job == NULL; /* it was cancelled, or came too late */
    }
    job->status = answer->status;
    job->payload = payload;
    job->payload_len = answer->payload.len;
    if (answer->status != RATLS_OK)
        ratls_fail(&job->error, answer->status, "%.*s", (int)answer->text.len,
                   (const char *)answer->text.p);
    else if (payload == NULL)
        job->status = ratls_fail(&job->error, RATLS_MEMORY, "out of memory");
    ratls_agent_table_finish(&link->table, job);
    return true;
}

static bool hand_out(struct ratls_agent_link *link, struct ratls_slice message)
{
    struct ratls_agent_answer answer;
    uint8_t *payload = NULL;
    bool is_good;

    if (!ratls_agent_answer_read(message, &answer))
        return false;
    if (answer.status == RATLS_OK)
        payload = malloc(answer.payload.len);
    if (payload != NULL)
        memcpy(payload, answer.payload.p, answer.payload.len);
    pthread_mutex_lock(&link->lock);
    ratls_agent_silence_end(&link->silence);
    is_good = deliver(link, &answer, payload);
    if (is_good)
        ratls_agent_link_allow_next(link);
    pthread_mutex_unlock(&link->lock);
    return is_good;
}

/* Without the lock. Returns what ended the connection; NULL: nothing. */
static const char *receive_answers(struct ratls_agent_link *link, int fd)
{
    for (unsigned i = 0; i < ANSWERS_IN_A_ROW; i++) {
        /* MSG_TRUNC: how long the packet is, also if it is longer than the room for it. */
        ssize_t n = recv(fd, link->answer, RATLS_AGENT_ANSWER_MAX, MSG_DONTWAIT | MSG_TRUNC);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return NULL;
        if (n <= 0)
            return "ended the connection: it was stopped, or has too many; its log says which";
        if (n > RATLS_AGENT_ANSWER_MAX || !hand_out(link, ratls_slice(link->answer, (size_t)n)))
            return "sent something that is no answer: is it of the same version?";
    }
    return NULL;
}

/* ---- what could not be sent at once ---- */

/* With the lock held, as long as the agent takes them. */
static void send_unsent(struct ratls_agent_link *link)
{
    int fd = atomic_load(&link->fd);
    struct ratls_agent_job *job;
    int error = 0;

    while (error == 0 && (job = TAILQ_FIRST(&link->table.unsent)) != NULL) {
        error = ratls_agent_send(fd, job->message, job->message_len);
        if (error == 0)
            ratls_agent_table_sent(&link->table, job);
        else
            ratls_agent_note_unsent(link, job, error);
    }
}

/*
 * With the lock held. What the agent counts costs it nothing, and whoever may not know is told so:
 * that is an answer, too. Nobody waits for it: it is passed over, as one that comes too late. If it
 * cannot be sent, as many questions wait already.
 */
static void send_probe(struct ratls_agent_link *link)
{
    const struct ratls_agent_question question = {.id = atomic_fetch_add(&link->last_id, 1) + 1,
                                                  .kind = RATLS_AGENT_STATUS};
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(message, sizeof message);

    if (!ratls_agent_silence_take_probe(&link->silence))
        return;
    ratls_agent_question_write(&question, &w);
    (void)ratls_agent_send(atomic_load(&link->fd), message, w.len);
}

/* ---- waiting, and calling ---- */

/* With the lock held. All wait as long: the oldest is the first to be late. */
static void end_late(struct ratls_agent_link *link)
{
    struct ratls_agent_job *job;

    while ((job = TAILQ_FIRST(&link->table.open)) != NULL && ratls_time_is_past(&job->deadline)) {
        job->status = ratls_agent_fail_late(link, job, &job->error);
        ratls_agent_table_finish(&link->table, job);
    }
}

/*
 * With the lock held. Until the next deadline. If nobody waits any more, the one before stays: so
 * whoever comes next need not wake this thread, for his own is later.
 */
static void set_timer(struct ratls_agent_link *link)
{
    const struct ratls_agent_job *oldest = TAILQ_FIRST(&link->table.open);

    if (oldest != NULL) {
        link->timer = oldest->deadline;
        link->is_timed = true;
    } else if (link->is_timed && ratls_time_is_past(&link->timer)) {
        link->is_timed = false;
    }
}

static struct timespec time_left(const struct timespec *until)
{
    const long ns_per_s = 1000000000L;
    struct timespec left;

    clock_gettime(CLOCK_MONOTONIC, &left);
    if (!ratls_time_is_before(&left, until))
        return (struct timespec){0};
    left.tv_sec = until->tv_sec - left.tv_sec;
    left.tv_nsec = until->tv_nsec - left.tv_nsec;
    if (left.tv_nsec < 0) {
        left.tv_nsec += ns_per_s;
        left.tv_sec--;
    }
    return left;
}

static const struct timespec *find_earlier(const struct timespec *a, const struct timespec *b)
{
    return a == NULL || ratls_time_is_before(b, a) ? b : a;
}

/*
 * With the lock held. NULL: not by itself. A probe is not in the timer, which would then be later
 * than a question that comes when the agent answers again.
 */
static const struct timespec *find_wake_up(const struct ratls_agent_link *link)
{
    const struct timespec *first = link->is_timed ? &link->timer : NULL;

    if (link->has_turn)
        first = find_earlier(first, &link->turn);
    if (link->silence.is_silent)
        first = find_earlier(first, &link->silence.next_probe);
    return first;
}

static void drain(int wake_fd)
{
    uint64_t count;

    (void)!read(wake_fd, &count, sizeof count);
}

/* With the lock held; without it while it waits. */
static void wait_for_answers(struct ratls_agent_link *link)
{
    const char *end = NULL;
    struct pollfd fds[2] = {{.fd = link->wake_fd, .events = POLLIN},
                            {.fd = atomic_load(&link->fd), .events = POLLIN}};
    const struct timespec *wake_up;
    struct timespec left = {0};

    send_probe(link);
    set_timer(link);
    wake_up = find_wake_up(link);
    if (wake_up != NULL)
        left = time_left(wake_up);
    if (!TAILQ_EMPTY(&link->table.unsent))
        fds[1].events |= POLLOUT;
    pthread_mutex_unlock(&link->lock);
    (void)ppoll(fds, 2, wake_up == NULL ? NULL : &left, NULL); /* a negative fd is passed over */
    if ((fds[0].revents & POLLIN) != 0)
        drain(link->wake_fd);
    if ((fds[1].revents & ~POLLOUT) != 0)
        end = receive_answers(link, fds[1].fd);
    pthread_mutex_lock(&link->lock);
    if (end != NULL)
        end_connection(link, end);
    else if ((fds[1].revents & POLLOUT) != 0)
        send_unsent(link);
}

/* With the lock held; without it meanwhile. Afterwards the job may be gone. */
static void call(struct ratls_agent_link *link, struct ratls_agent_job *job)
{
    void (*done)(void *arg) = job->done;
    void *arg = job->arg;

    job->is_done = true;
    link->called = job;
    pthread_mutex_unlock(&link->lock);
    done(arg);
    pthread_mutex_lock(&link->lock);
    link->called = NULL;
    pthread_cond_broadcast(&link->returned);
}

void *ratls_agent_reader_run(void *arg)
{
    struct ratls_agent_link *link = arg;
    struct ratls_agent_job *job;

    pthread_mutex_lock(&link->lock);
    while (!link->is_stopping) {
        end_late(link);
        job = ratls_agent_table_take_over(&link->table);
        if (job != NULL)
            call(link, job);
        else if (!ratls_agent_look_ahead(link))
            wait_for_answers(link);
    }
    link->has_exited = true;
    pthread_cond_signal(&link->exited);
    pthread_mutex_unlock(&link->lock);
    ratls_agent_link_leave(link);
    return NULL;
}
