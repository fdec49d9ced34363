/*
 * Questions that are done. Threads of the attester put them in, the loop takes them out: what it
 * polls is an eventfd.
 */
#ifndef RATLS_AGENTD_INBOX_H
#define RATLS_AGENTD_INBOX_H

#include <pthread.h>

#include "question.h"

struct ratls_agentd_inbox {
    pthread_mutex_t lock; /* of the list, and of is_in_inbox of each question */
    struct ratls_agentd_question_list list;
    int fd; /* readable while there may be something in the list */
};

RATLS_MUST_CHECK enum ratls_status ratls_agentd_inbox_init(struct ratls_agentd_inbox *inbox,
                                                           struct ratls_error *err);
void ratls_agentd_inbox_clear(struct ratls_agentd_inbox *inbox); /* it is empty */

/* From any thread. */
void ratls_agentd_inbox_put(struct ratls_agentd_inbox *inbox,
                            struct ratls_agentd_question *question);
/* All that is in it, at once, to the end of *list. */
void ratls_agentd_inbox_take(struct ratls_agentd_inbox *inbox,
                             struct ratls_agentd_question_list *list);
/* If it is in it. Nobody will put it in any more. */
void ratls_agentd_inbox_remove(struct ratls_agentd_inbox *inbox,
                               struct ratls_agentd_question *question);

#endif
