#include "inbox.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fail.h"

enum ratls_status ratls_agentd_inbox_init(struct ratls_agentd_inbox *inbox, struct ratls_error *err)
{
    TAILQ_INIT(&inbox->list);
    inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (inbox->fd < 0)
        return ratls_fail(err, RATLS_IO, "eventfd: %s", strerror(errno));
    if (pthread_mutex_init(&inbox->lock, NULL) != 0) {
        close(inbox->fd);
        return ratls_fail(err, RATLS_MEMORY, "no memory for a lock");
    }
    return RATLS_OK;
}

void ratls_agentd_inbox_clear(struct ratls_agentd_inbox *inbox)
{
    close(inbox->fd);
    pthread_mutex_destroy(&inbox->lock);
}

void ratls_agentd_inbox_put(struct ratls_agentd_inbox *inbox,
                            struct ratls_agentd_question *question)
{
    bool was_empty;

    pthread_mutex_lock(&inbox->lock);
    was_empty = TAILQ_EMPTY(&inbox->list);
    TAILQ_INSERT_TAIL(&inbox->list, question, done);
    question->is_in_inbox = true;
    pthread_mutex_unlock(&inbox->lock);
    if (was_empty)
        (void)!eventfd_write(inbox->fd, 1); /* fails only where it is readable anyway */
}

void ratls_agentd_inbox_take(struct ratls_agentd_inbox *inbox,
                             struct ratls_agentd_question_list *list)
{
    struct ratls_agentd_question *question;
    eventfd_t ignored;

    (void)!eventfd_read(inbox->fd, &ignored); /* before the list is read: nothing is missed */
    pthread_mutex_lock(&inbox->lock);
    TAILQ_FOREACH(question, &inbox->list, done)
    question->is_in_inbox = false;
    TAILQ_CONCAT(list, &inbox->list, done);
    pthread_mutex_unlock(&inbox->lock);
}

void ratls_agentd_inbox_remove(struct ratls_agentd_inbox *inbox,
                               struct ratls_agentd_question *question)
{
    pthread_mutex_lock(&inbox->lock);
    if (question->is_in_inbox)
        TAILQ_REMOVE(&inbox->list, question, done);
    question->is_in_inbox = false;
    pthread_mutex_unlock(&inbox->lock);
}
