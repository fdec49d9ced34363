/* One who asks an attester, and does not wait (attester.h: begin, take, cancel). */
#ifndef RATLS_TEST_ASKER_H
#define RATLS_TEST_ASKER_H

#include <stdatomic.h>
#include <stdlib.h>

#include <ratls/attester.h>

#include "patience.h"

struct asker {
    struct ratls_attester *attester;
    struct ratls_attest_request request;
    struct ratls_attest_job *job;
    atomic_uint calls;
    bool takes_at_once; /* within done() */
    enum ratls_status status;
    struct ratls_error err;
    uint8_t *evidence; /* owned; if RATLS_OK */
    size_t len;
};

static inline void asker_forget(struct asker *asker)
{
    free(asker->evidence);
    asker->evidence = NULL;
    asker->len = 0;
}

static inline void asker_take(struct asker *asker)
{
    asker_forget(asker);
    asker->status = asker->attester->take(asker->attester, asker->job, &asker->evidence,
                                          &asker->len, &asker->err);
}

static inline void asker_done(void *arg)
{
    struct asker *asker = arg;

    if (asker->takes_at_once)
        asker_take(asker);
    atomic_fetch_add(&asker->calls, 1);
}

/* For its request. */
static inline enum ratls_status asker_try(struct asker *asker, struct ratls_attester *attester)
{
    asker->attester = attester;
    return attester->begin(attester, &asker->request, asker_done, asker, &asker->job, &asker->err);
}

static inline void asker_begin(struct asker *asker, struct ratls_attester *attester)
{
    cr_assert_eq(asker_try(asker, attester), RATLS_OK, "%s", asker->err.text);
    cr_assert_not_null(asker->job);
}

static inline void asker_wait(struct asker *asker)
{
    assert_soon(atomic_load(&asker->calls) != 0);
    cr_assert_eq(atomic_load(&asker->calls), 1);
}

#endif
