/* The life of a link, and its connection. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_link_parts.h"
#include "fail.h"
#include "thread.h"

#define RETRY_MS 100
#define STOP_MS 1000 /* longest wait for a thread that is to end */

static bool init_locks(struct ratls_agent_link *link)
{
    if (pthread_mutex_init(&link->lock, NULL) != 0)
        return false;
    if (ratls_cond_init(&link->exited)) {
        if (ratls_cond_init(&link->returned))
            return true;
        pthread_cond_destroy(&link->exited);
    }
    pthread_mutex_destroy(&link->lock);
    return false;
}

static void destroy_link(struct ratls_agent_link *link)
{
    const int fd = atomic_load(&link->fd);

    if (fd != RATLS_AGENT_NO_FD)
        close(fd);
    close(link->wake_fd);
    for (size_t i = 0; i < RATLS_STATES_MAX; i++)
        if (link->ahead[i].job != NULL)
            ratls_agent_job_free(link->ahead[i].job);
    pthread_cond_destroy(&link->returned);
    pthread_cond_destroy(&link->exited);
    pthread_mutex_destroy(&link->lock);
    free(link->answer);
    free(link);
}

enum ratls_status ratls_agent_link_new(const char *path, const char *service, unsigned deadline_ms,
                                       struct ratls_agent_link **ret_link, struct ratls_error *err)
{
    struct ratls_agent_link *link = calloc(1, sizeof *link);
    enum ratls_status status = RATLS_OK;

    if (link == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    link->process = getpid();
    memcpy(link->path, path, strlen(path) + 1);
    memcpy(link->service, service, strlen(service) + 1);
    link->deadline_ms = deadline_ms;
    link->users = 1;
    atomic_init(&link->fd, RATLS_AGENT_NO_FD);
    ratls_agent_table_init(&link->table);
    link->answer = malloc(RATLS_AGENT_ANSWER_MAX);
    link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link->answer == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    else if (link->wake_fd < 0)
        status = ratls_fail(err, RATLS_IO, "no eventfd: %s", strerror(errno));
    else if (!init_locks(link))
        status = ratls_fail(err, RATLS_MEMORY, "no memory for a lock");
    if (status == RATLS_OK) {
        *ret_link = link;
        return RATLS_OK;
    }
    if (link->wake_fd >= 0)
        close(link->wake_fd);
    free(link->answer);
    free(link);
    return status;
}

bool ratls_agent_link_is_ours(const struct ratls_agent_link *link)
{
    return link->process == getpid();
}

static bool is_socket(int fd, const struct stat *of)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_dev == of->st_dev && st.st_ino == of->st_ino;
}

/*
 * Else the agent would not see the end of the parent. A child may have closed all that it
 * inherited, and have something else by this number now: only the very socket is closed.
 */
void ratls_agent_link_forget(struct ratls_agent_link *link)
{
    const int fd = atomic_exchange(&link->fd, RATLS_AGENT_NO_FD);

    if (fd != RATLS_AGENT_NO_FD && is_socket(fd, &link->socket))
        close(fd);
}

void ratls_agent_link_leave(struct ratls_agent_link *link)
{
    bool is_last;

    pthread_mutex_lock(&link->lock);
    is_last = --link->users == 0;
    pthread_mutex_unlock(&link->lock);
    if (is_last)
        destroy_link(link);
}

unsigned ratls_agent_link_threads(struct ratls_agent_link *link)
{
    unsigned count;

    pthread_mutex_lock(&link->lock);
    count = link->users - 1;
    pthread_mutex_unlock(&link->lock);
    return count;
}

void ratls_agent_link_wake(const struct ratls_agent_link *link)
{
    const uint64_t one = 1;

    (void)!write(link->wake_fd, &one, sizeof one); /* if it is full the reader wakes anyway */
}

/* With the lock held; released meanwhile. A reader that does not end is left behind. */
static void end_reader(struct ratls_agent_link *link)
{
    const struct timespec limit = ratls_time_from_now(STOP_MS);

    if (!link->is_reading)
        return;
    ratls_agent_link_wake(link);
    ratls_thread_end(link->reader, &link->lock, &link->exited, &link->has_exited, &limit);
}

void ratls_agent_link_free(struct ratls_agent_link *link)
{
    pthread_mutex_lock(&link->lock);
    link->is_stopping = true;
    end_reader(link);
    pthread_mutex_unlock(&link->lock);
    ratls_agent_link_leave(link);
}

enum ratls_status ratls_agent_link_start(struct ratls_agent_link *link, struct ratls_error *err)
{
    int result;

    if (link->is_reading)
        return RATLS_OK;
    result = ratls_thread_start(&link->reader, ratls_agent_reader_run, link);
    if (result != 0)
        return ratls_fail(err, RATLS_IO, "starting the thread for answers of the agent: %s",
                          strerror(result));
    link->is_reading = true;
    link->users++;
    return RATLS_OK;
}

/*
 * An agent that goes away again and again, and answers nothing, is not asked by each handshake.
 * Where none listens the next one looks again: that costs less than to refuse one while the agent
 * is there.
 */
enum ratls_status ratls_agent_link_connect(struct ratls_agent_link *link, struct ratls_error *err)
{
    enum ratls_status status;
    int fd = RATLS_AGENT_NO_FD;

    if (atomic_load(&link->fd) != RATLS_AGENT_NO_FD)
        return RATLS_OK;
    status = ratls_agent_link_start(link, err);
    if (status != RATLS_OK)
        return status;
    if (link->trouble.status != RATLS_OK && !ratls_time_is_past(&link->next_try))
        return ratls_fail(err, link->trouble.status, "%s", link->trouble.text);
    link->trouble = (struct ratls_error){0};
    status = ratls_agent_connect(link->path, &fd, err);
    if (status != RATLS_OK)
        return status;
    link->next_try = ratls_time_from_now(RETRY_MS);
    if (fstat(fd, &link->socket) != 0)
        link->socket = (struct stat){0};
    atomic_store(&link->fd, fd);
    ratls_agent_link_wake(link); /* it waits for another socket, or for none */
    return RATLS_OK;
}

void ratls_agent_link_allow_next(struct ratls_agent_link *link)
{
    link->next_try = (struct timespec){0};
}
