/* Several instances on one store: what may be done once is done once. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_sample.h"

#define RIVALS 4
#define ROUNDS 6

static struct store_place place;

static void make_place(void)
{
    store_place_make(&place);
}

static void remove_place(void)
{
    uint8_t head[32];
    int64_t count;
    bool is_whole = false;
    struct ratls_store *store = store_at(&place);

    cr_expect_eq(ratls_store_verify_audit(store, head, &count, &is_whole, NULL), RATLS_OK);
    cr_expect(is_whole);
    ratls_store_close(store);
    store_place_remove(&place);
}

TestSuite(store_rivals, .init = make_place, .fini = remove_place);

/* What one of the rivals does; its exit status is the outcome, or 100. */
typedef int rival(struct ratls_store *store, unsigned rival, unsigned round);

/* How often each outcome came, of RIVALS processes that began at once. */
static void compete(rival *run, unsigned round, unsigned *counts)
{
    pid_t children[RIVALS];
    int start[2];

    cr_assert_eq(pipe(start), 0);
    for (unsigned i = 0; i < RIVALS; i++) {
        children[i] = fork();
        cr_assert_geq(children[i], 0);
        if (children[i] == 0) {
            struct ratls_store *store = store_at(&place);
            char c;

            close(start[1]);
            if (read(start[0], &c, 1) != 0)
                _exit(100);
            _exit(run(store, i, round));
        }
    }
    close(start[0]);
    usleep(50000); /* they connect; nothing depends on it */
    close(start[1]);
    for (unsigned i = 0; i < RIVALS; i++) {
        int status;

        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_assert(WIFEXITED(status), "%d", status);
        cr_assert_leq(WEXITSTATUS(status), RATLS_STORE_FULL, "a store that failed");
        counts[WEXITSTATUS(status)]++;
    }
}

static int say(enum ratls_status status, enum ratls_store_outcome outcome,
               const struct ratls_error *err)
{
    if (status != RATLS_OK)
        fprintf(stderr, "%s\n", err->text);
    return status == RATLS_OK ? (int)outcome : 100;
}

/* One challenge, and a certificate of its own for each. */
static int answer_one(struct ratls_store *store, unsigned number, unsigned round)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_error err = {0};
    struct store_sample s;
    enum ratls_status status;

    store_sample(&s, round, round, round, round);
    s.serial[8] = s.der[8] = (uint8_t)number;
    status = sample_put(store, &s, &outcome, &err);
    if (status == RATLS_OK)
        status = ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err);
    return say(status, outcome, &err);
}

Test(store_rivals, one_challenge)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        unsigned counts[RATLS_STORE_FULL + 1] = {0};

        compete(answer_one, round, counts);
        cr_expect_eq(counts[RATLS_STORE_DONE], 1);
        cr_expect_eq(counts[RATLS_STORE_ANSWERED], RIVALS - 1);
        cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM certificate"), round);
    }
}

/* One name, and an endorsement key of its own for each. */
static int want_name(struct ratls_store *store, unsigned number, unsigned round)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_error err = {0};
    struct store_sample s;
    unsigned which = round * RIVALS + number;
    enum ratls_status status;

    store_sample(&s, which, which, round, which);
    status = sample_put(store, &s, &outcome, &err);
    if (status == RATLS_OK)
        status = ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err);
    return say(status, outcome, &err);
}

Test(store_rivals, one_name)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        unsigned counts[RATLS_STORE_FULL + 1] = {0};

        compete(want_name, round, counts);
        cr_expect_eq(counts[RATLS_STORE_DONE], 1);
        cr_expect_eq(counts[RATLS_STORE_OTHER_EK], RIVALS - 1);
        cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM owner"), 2 * round);
    }
}

/* A token with two uses. */
static int use_token(struct ratls_store *store, unsigned number, unsigned round)
{
    struct ratls_store_token token = {
        .uses_left = 2, .expires = SAMPLE_NOW + 100, .names = (char *)""};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_error err = {0};
    unsigned which = round * RIVALS + number;
    struct store_sample s;
    enum ratls_status status;

    token.id[0] = (uint8_t)round;
    status = ratls_store_add_token(store, &token, SAMPLE_NOW, &outcome, &err);
    store_sample(&s, which, which, which, which);
    s.request.token_id = ratls_slice(token.id, sizeof token.id);
    if (status == RATLS_OK)
        status = sample_put(store, &s, &outcome, &err);
    if (status == RATLS_OK)
        status = ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err);
    return say(status, outcome, &err);
}

Test(store_rivals, one_token)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        unsigned counts[RATLS_STORE_FULL + 1] = {0};

        compete(use_token, round, counts);
        cr_expect_eq(counts[RATLS_STORE_DONE], 2);
        cr_expect_eq(counts[RATLS_STORE_TOKEN], RIVALS - 2);
    }
}

/* The next list of revoked certificates. */
static int put_crl(struct ratls_store *store, unsigned number, unsigned round)
{
    uint8_t issuer[32] = {1}, der[100] = {(uint8_t)number};
    const struct ratls_store_crl crl = {round, 1, 2, der, sizeof der};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_error err = {0};

    enum ratls_status status = ratls_store_put_crl(store, issuer, &crl, SAMPLE_NOW, &outcome, &err);

    return say(status, outcome, &err);
}

Test(store_rivals, one_number_of_a_crl)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        unsigned counts[RATLS_STORE_FULL + 1] = {0};

        compete(put_crl, round, counts);
        cr_expect_eq(counts[RATLS_STORE_DONE], 1);
        cr_expect_eq(counts[RATLS_STORE_ANSWERED], RIVALS - 1);
    }
}

/* All find no tables at once. */
static int open_it(struct ratls_store *store, unsigned number, unsigned round)
{
    (void)number;
    (void)round;
    ratls_store_close(store);
    return RATLS_STORE_DONE;
}

Test(store_rivals, a_new_store)
{
    unsigned counts[RATLS_STORE_FULL + 1] = {0};

    compete(open_it, 1, counts);
    cr_expect_eq(counts[RATLS_STORE_DONE], RIVALS);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM meta"), 1);
}
