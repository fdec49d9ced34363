/* No ledger without the handlers that keep a fork out of SQLite; and they are tried for again. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include "ledger.h"

int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

static unsigned calls;

/* The first call finds no memory. */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return ++calls == 1 ? ENOMEM : __real_pthread_atfork(prepare, parent, child);
}

Test(ledger_fork, memory_that_is_short_for_a_moment)
{
    struct ratls_ledger *ledger = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_ledger_new(NULL, &ledger, &err), RATLS_MEMORY);
    cr_assert_null(ledger);
    cr_assert_str_eq(err.text, "out of memory");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(ratls_ledger_new(NULL, &ledger, NULL), RATLS_OK);
        ratls_ledger_free(ledger);
    }
    cr_assert_eq(calls, 2, "once they are set, they are not set again");
}
