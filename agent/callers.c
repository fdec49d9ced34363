#include "callers.h"

#include <stdlib.h>

#define MS_PER_S 1000
#define QUESTION 1000u /* tokens */

static bool is_forgotten(const struct ratls_agentd_caller *caller, int64_t now_ms)
{
    return caller->connections == 0 && now_ms - caller->tokens_ms > MS_PER_S;
}

struct ratls_agentd_caller *ratls_agentd_callers_find(struct ratls_agentd_callers *callers,
                                                      uid_t uid)
{
    struct ratls_agentd_caller *caller = LIST_FIRST(callers);

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed was taken out of the list before */
    while (caller != NULL && caller->uid != uid)
        caller = LIST_NEXT(caller, link);
    return caller;
}

static void forget_callers(struct ratls_agentd_callers *callers, int64_t now_ms)
{
    struct ratls_agentd_caller *caller = LIST_FIRST(callers);

    while (caller != NULL) {
        struct ratls_agentd_caller *next = LIST_NEXT(caller, link);

        if (is_forgotten(caller, now_ms)) {
            LIST_REMOVE(caller, link);
            free(caller);
        }
        caller = next;
    }
}

struct ratls_agentd_caller *ratls_agentd_callers_enter(struct ratls_agentd_callers *callers,
                                                       uid_t uid, int64_t now_ms)
{
    struct ratls_agentd_caller *caller;

    forget_callers(callers, now_ms);
    caller = ratls_agentd_callers_find(callers, uid);
    if (caller == NULL) {
        caller = calloc(1, sizeof *caller);
        if (caller == NULL)
            return NULL;
        caller->uid = uid;
        LIST_INSERT_HEAD(callers, caller, link);
    }
    caller->connections++;
    return caller;
}

void ratls_agentd_callers_leave(struct ratls_agentd_caller *caller)
{
    caller->connections--;
}

void ratls_agentd_callers_free(struct ratls_agentd_callers *callers)
{
    struct ratls_agentd_caller *caller;

    while ((caller = LIST_FIRST(callers)) != NULL) {
        LIST_REMOVE(caller, link);
        free(caller);
    }
}

/* A token bucket: it fills at the rate, and holds what one second brings. */
bool ratls_agentd_caller_take(struct ratls_agentd_caller *caller, unsigned rate, int64_t now_ms)
{
    const uint64_t full = (uint64_t)rate * QUESTION;
    const int64_t passed_ms = now_ms - caller->tokens_ms;

    if (rate == 0)
        return true;
    if (caller->tokens_ms == 0 || passed_ms >= MS_PER_S)
        caller->tokens = full;
    else
        caller->tokens += (uint64_t)passed_ms * rate; /* in a millisecond rate / 1000 questions */
    if (caller->tokens > full)
        caller->tokens = full;
    caller->tokens_ms = now_ms;
    if (caller->tokens < QUESTION)
        return false;
    caller->tokens -= QUESTION;
    return true;
}
