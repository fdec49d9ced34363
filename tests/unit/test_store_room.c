/* How many requests without a certificate a store holds; SQLite and PostgreSQL. */
#include <criterion/criterion.h>

#include "store_query.h"
#include "store_sample.h"

#define IN_ALL 6
#define PER_EK 3
#define MINUTE_S 60

static struct store_place place;
static struct ratls_store *store;

static void open_it(void)
{
    store_place_make(&place);
    store = store_at(&place);
}

static void close_it(void)
{
    ratls_store_close(store);
    store_place_remove(&place);
}

TestSuite(store_room, .init = open_it, .fini = close_it);

struct ask {
    unsigned ek, which;
    int64_t at, lifetime_s;
    bool has_token;
};

static enum ratls_store_outcome put(const struct ask *ask)
{
    static const uint8_t token[RATLS_STORE_TOKEN_ID_LEN] = {1};
    struct store_sample s;
    struct ratls_store_entry entry = {0};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_error err = {0};

    store_sample(&s, ask->ek, ask->which, ask->ek, ask->which);
    s.request.undone_max = IN_ALL;
    s.request.undone_per_ek_max = PER_EK;
    s.challenge.expires =
        SAMPLE_NOW + ask->at + (ask->lifetime_s == 0 ? SAMPLE_LIFETIME : ask->lifetime_s);
    if (ask->has_token)
        s.request.token_id = ratls_slice(token, sizeof token);
    cr_assert_eq(
        ratls_store_put_request(store, &s.request, SAMPLE_NOW + ask->at, &entry, &outcome, &err),
        RATLS_OK, "%s", err.text);
    ratls_store_entry_done(&entry);
    return outcome;
}

static bool is_there(unsigned which)
{
    struct store_sample s;
    struct ratls_store_entry entry = {0};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;

    store_sample(&s, 0, 0, 0, which);
    cr_assert_eq(
        ratls_store_find_challenge(store, s.challenge.id, SAMPLE_NOW, &entry, &outcome, NULL),
        RATLS_OK);
    ratls_store_entry_done(&entry);
    return outcome == RATLS_STORE_DONE;
}

static int64_t requests(void)
{
    return store_place_number(&place, "SELECT count(*) FROM request");
}

#define PUT(...) put(&(const struct ask){__VA_ARGS__})

/* Whose certificate is known is asked for without end: the newest of a minute stay. */
Test(store_room, of_one_key)
{
    for (unsigned i = 0; i < 50; i++)
        cr_assert_eq(PUT(1, i, .at = i * (MINUTE_S + 1)), RATLS_STORE_DONE);
    cr_expect_eq(requests(), PER_EK);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM challenge"), PER_EK);
    cr_expect(is_there(47) && is_there(48) && is_there(49));
    cr_expect_eq(PUT(2, 100, .at = 50 * MINUTE_S), RATLS_STORE_DONE, "another key has its own");
    cr_expect_eq(requests(), PER_EK + 1);
}

/* A stranger who is fast takes no challenge away before the machine could answer it. */
Test(store_room, a_minute_to_answer)
{
    cr_expect_eq(PUT(1, 1, .at = 0), RATLS_STORE_DONE);
    for (unsigned i = 2; i <= IN_ALL; i++)
        cr_expect_eq(PUT(1, i, .at = MINUTE_S - 1), RATLS_STORE_DONE);
    cr_expect(is_there(1));
    cr_expect_eq(PUT(1, 7, .at = MINUTE_S - 1), RATLS_STORE_FULL, "the bound in all is hard");
    cr_expect_eq(PUT(2, 8, .at = MINUTE_S - 1), RATLS_STORE_FULL);
    cr_expect_eq(requests(), IN_ALL);
    cr_expect_eq(PUT(1, 9, .at = MINUTE_S - 1, .has_token = true), RATLS_STORE_DONE,
                 "a token needs no minute");
    cr_expect(!is_there(1) && is_there(2), "one makes room");
    cr_expect_eq(PUT(2, 10, .at = 2 * MINUTE_S), RATLS_STORE_DONE, "after a minute there is room");
    cr_expect_leq(requests(), IN_ALL);
}

Test(store_room, what_cannot_be_answered_goes_first)
{
    struct store_sample failed;
    enum ratls_store_outcome outcome;

    store_sample(&failed, 1, 3, 1, 3);
    cr_expect_eq(PUT(1, 1, .lifetime_s = 10000), RATLS_STORE_DONE);
    cr_expect_eq(PUT(1, 2, .at = 1, .lifetime_s = 20), RATLS_STORE_DONE);
    cr_expect_eq(PUT(1, 3, .at = 2), RATLS_STORE_DONE);
    cr_assert_eq(ratls_store_fail(store, failed.challenge.id, SAMPLE_NOW + 3, "x", &outcome, NULL),
                 RATLS_OK);
    cr_expect_eq(PUT(1, 4, .at = 30, .lifetime_s = 20000), RATLS_STORE_DONE);
    cr_expect(is_there(1) && !is_there(2) && is_there(3));
    cr_expect_eq(PUT(1, 5, .at = 30, .lifetime_s = 20000), RATLS_STORE_DONE);
    cr_expect(is_there(1) && !is_there(3) && is_there(4));
}

/* Given by hand or in a file, for days; or with a token: no stranger's request takes it away. */
Test(store_room, what_stays)
{
    struct store_sample issued;
    enum ratls_store_outcome outcome;

    store_sample(&issued, 1, 3, 1, 3);
    cr_expect_eq(PUT(1, 1, .lifetime_s = 7 * 86400), RATLS_STORE_DONE);
    cr_expect_eq(PUT(1, 2, .lifetime_s = 1000, .has_token = true), RATLS_STORE_DONE);
    cr_expect_eq(PUT(1, 3, .at = 0), RATLS_STORE_DONE);
    cr_assert_eq(ratls_store_issue(store, &issued.issue, SAMPLE_NOW, &outcome, NULL), RATLS_OK);
    cr_assert_eq(outcome, RATLS_STORE_DONE);
    for (unsigned i = 0; i < 20; i++)
        cr_expect_eq(PUT(1, 10 + i, .at = 100 + i * 40), RATLS_STORE_DONE);
    cr_expect(is_there(1) && is_there(2) && is_there(3));
    cr_expect_leq(requests(), IN_ALL + 1);
}

static int64_t records(const char *kind)
{
    char sql[128];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit WHERE kind = '%s'", kind);
    return store_place_number(&place, sql);
}

/* Challenges, and wrong answers to them: what anybody can cause without end. */
static void fail_many(unsigned ek, unsigned count)
{
    struct store_sample s;
    enum ratls_store_outcome outcome;
    struct ratls_store_entry entry = {0};

    for (unsigned i = 0; i < count; i++) {
        store_sample(&s, ek, ek * 1000 + i, ek, ek * 1000 + i);
        s.request.undone_per_ek_max = RATLS_STORE_RECORDED_PER_EK;
        cr_assert_eq(
            ratls_store_put_request(store, &s.request, SAMPLE_NOW + i, &entry, &outcome, NULL),
            RATLS_OK);
        ratls_store_entry_done(&entry);
        cr_assert_eq(outcome, RATLS_STORE_DONE);
        cr_assert_eq(
            ratls_store_fail(store, s.challenge.id, SAMPLE_NOW + i, "wrong", &outcome, NULL),
            RATLS_OK);
        cr_assert_eq(outcome, RATLS_STORE_DONE);
    }
}

Test(store_room, the_audit_log_is_not_filled)
{
    struct store_sample s;
    enum ratls_store_outcome outcome;

    fail_many(1, 3 * RATLS_STORE_RECORDED_PER_EK);
    cr_expect_eq(records("challenged"), RATLS_STORE_RECORDED_PER_EK);
    cr_expect_eq(records("failed"), RATLS_STORE_RECORDED_PER_EK - 1);
    fail_many(2, 2);
    cr_expect_eq(records("failed"), RATLS_STORE_RECORDED_PER_EK + 1, "another key has its own");
    /* The machine itself: what it gets is told of, whatever others have asked for. */
    store_sample(&s, 1, 7, 1, 7);
    cr_assert_eq(sample_put(store, &s, &outcome, NULL), RATLS_OK);
    cr_assert_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, NULL), RATLS_OK);
    cr_assert_eq(outcome, RATLS_STORE_DONE);
    cr_expect_eq(records("issued"), 1);
    /* Once they are swept away it begins anew. */
    cr_assert_eq(ratls_store_sweep(store, SAMPLE_NOW + 1000, SAMPLE_NOW, SAMPLE_NOW + 1000, NULL),
                 RATLS_OK);
    fail_many(1, 1);
    cr_expect_eq(records("failed"), RATLS_STORE_RECORDED_PER_EK + 2);
}
