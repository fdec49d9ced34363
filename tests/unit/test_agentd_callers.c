/* What a user of ratlsd has: rates, and who is forgotten when. */
#include <criterion/criterion.h>

#include "callers.h"

static struct ratls_agentd_callers callers;

static struct ratls_agentd_caller *enter(uid_t uid, int64_t now_ms)
{
    struct ratls_agentd_caller *caller = ratls_agentd_callers_enter(&callers, uid, now_ms);

    cr_assert_not_null(caller);
    return caller;
}

/* How many of so many questions are taken at this moment. */
static unsigned take(struct ratls_agentd_caller *caller, unsigned rate, int64_t now_ms,
                     unsigned count)
{
    unsigned taken = 0;

    while (count-- > 0)
        taken += ratls_agentd_caller_take(caller, rate, now_ms);
    return taken;
}

Test(agentd_callers, rate)
{
    struct ratls_agentd_caller *caller = enter(1, 1000);

    cr_expect_eq(take(caller, 10, 1000, 20), 10, "what a second brings");
    cr_expect_eq(take(caller, 10, 1099, 20), 0);
    cr_expect_eq(take(caller, 10, 1100, 20), 1, "one each tenth of a second");
    cr_expect_eq(take(caller, 10, 1350, 20), 2);
    cr_expect_eq(take(caller, 10, 1400, 20), 1, "the half that was left counts");
    cr_expect_eq(take(caller, 10, 100000, 20), 10, "never more than a second brings");
    cr_expect_eq(take(caller, 0, 100000, 1000), 1000, "0: any number");
    ratls_agentd_callers_leave(caller);
    ratls_agentd_callers_free(&callers);
}

/* Slow or fast, in the long run it is the rate. */
Test(agentd_callers, long_run)
{
    static const unsigned rates[] = {1, 3, 7, 999, 1000, 1001, 65537, 1000000};

    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct ratls_agentd_caller *caller = enter((uid_t)i, 5000);
        uint64_t taken = 0;

        for (int64_t ms = 5000; ms < 15000; ms += 7)
            taken += take(caller, rates[i], ms, rates[i] / 100 + 2);
        cr_expect_leq(taken, 11ull * rates[i]);
        cr_expect_geq(taken, 9ull * rates[i]);
        ratls_agentd_callers_leave(caller);
    }
    ratls_agentd_callers_free(&callers);
}

/* A new connection brings no new rate; who has none is forgotten later. */
Test(agentd_callers, forgotten)
{
    struct ratls_agentd_caller *first = enter(1, 1000);

    cr_expect_eq(take(first, 5, 1000, 9), 5);
    cr_expect_eq(first->connections, 1);
    ratls_agentd_callers_leave(first);
    cr_expect_eq(enter(2, 1500)->connections, 1);
    cr_expect_eq(enter(1, 1500), first);
    cr_expect_eq(take(first, 5, 1500, 9), 2);
    cr_expect_eq(enter(1, 1500), first);
    cr_expect_eq(first->connections, 2);
    ratls_agentd_callers_leave(first);
    (void)enter(3, 9000);
    cr_expect_eq(enter(1, 9000), first, "it has a connection yet");
    ratls_agentd_callers_leave(first);
    ratls_agentd_callers_leave(first);
    (void)enter(4, 9000);
    (void)enter(5, 12000);
    cr_expect_eq(enter(1, 12000)->connections, 1);
    ratls_agentd_callers_free(&callers);
}
