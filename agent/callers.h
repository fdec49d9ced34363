/*
 * What each user has of ratlsd at this moment, over all its connections: so a user who opens more
 * of them does not get more. A user is forgotten a second after its last connection, not before:
 * else a new connection would bring a new rate.
 */
#ifndef RATLS_AGENTD_CALLERS_H
#define RATLS_AGENTD_CALLERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct ratls_agentd_caller {
    LIST_ENTRY(ratls_agentd_caller) link;
    uid_t uid;
    unsigned connections;
    unsigned waiting;  /* questions that are not answered yet */
    uint64_t tokens;   /* thousandths of a question that it may ask now */
    int64_t tokens_ms; /* when they were counted; 0: never */
};

LIST_HEAD(ratls_agentd_callers, ratls_agentd_caller);

/* NULL: it has nothing. */
struct ratls_agentd_caller *ratls_agentd_callers_find(struct ratls_agentd_callers *callers,
                                                      uid_t uid);
/* Counts a connection. NULL if memory is short. */
struct ratls_agentd_caller *ratls_agentd_callers_enter(struct ratls_agentd_callers *callers,
                                                       uid_t uid, int64_t now_ms);
void ratls_agentd_callers_leave(struct ratls_agentd_caller *caller);
void ratls_agentd_callers_free(struct ratls_agentd_callers *callers); /* nobody is in it */

/*
 * One more question at this time, of so many in a second; 0: of any number. At most those of one
 * second at once. False: that is too many.
 */
bool ratls_agentd_caller_take(struct ratls_agentd_caller *caller, unsigned rate, int64_t now_ms);

#endif
