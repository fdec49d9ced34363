/* The N-th allocation fails, for every N: a call is done, or it has done nothing. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "failmalloc.h"
#include "store_sample.h"

#define ALLOCATIONS_MAX 2000

static int64_t count_records(const struct store_place *place)
{
    return store_place_number(place, "SELECT count(*) FROM audit");
}

Test(store_memory, of_ours)
{
    struct store_place place;
    struct ratls_store *store;
    unsigned failures = 0;
    bool failed = true;

    store_place_make(&place);
    store = store_at(&place);
    for (unsigned n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
        struct ratls_store_certificate c = {0};
        struct ratls_error err = {0};
        enum ratls_status status;
        struct store_sample s;

        store_sample(&s, n, n, n, n);
        failmalloc_arm(n);
        status = sample_put(store, &s, &outcome, &err);
        if (status == RATLS_OK)
            status = ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err);
        if (status == RATLS_OK)
            status = ratls_store_result(store, s.challenge.id, &c, &outcome, &err);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        cr_expect(status == RATLS_OK || err.text[0] != '\0', "%u", n);
        if (status == RATLS_OK)
            cr_expect_eq(outcome, RATLS_STORE_DONE);
        ratls_store_certificate_done(&c);
    }
    cr_expect_not(failed);
    cr_expect_gt(failures, 50);
    /* Each of them was asked, or issued, or neither; nothing else. */
    cr_expect_eq(count_records(&place),
                 1 + store_place_number(&place, "SELECT count(*) FROM request") +
                     store_place_number(&place, "SELECT count(*) FROM certificate"));
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM request WHERE state = 2"),
                 store_place_number(&place, "SELECT count(*) FROM certificate"));
    ratls_store_close(store);
    store_place_remove(&place);
}

Test(store_memory, of_sqlite)
{
    struct store_place place;
    unsigned failures = 0, which = 0;

    store_place_make(&place);
    for (sqlite3_int64 limit = 20000; limit < 400000 && !place.is_postgresql; limit += 5000) {
        enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
        struct ratls_store *store = store_at(&place);
        struct ratls_error err = {0};
        enum ratls_status status;
        struct store_sample s;

        which++;
        store_sample(&s, which, which, which, which);
        sqlite3_hard_heap_limit64(limit);
        status = sample_put(store, &s, &outcome, &err);
        if (status == RATLS_OK)
            status = ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err);
        sqlite3_hard_heap_limit64(0);
        cr_expect(status == RATLS_OK || status == RATLS_MEMORY, "%d: %s", (int)status, err.text);
        failures += status != RATLS_OK;
        cr_assert_eq(ratls_store_audit(store, "x", "", "", SAMPLE_NOW, &err), RATLS_OK);
        ratls_store_close(store);
    }
    cr_expect(place.is_postgresql || failures > 3, "%u", failures);
    store_place_remove(&place);
}
