/*
 * Instances that are killed at any moment: what they have said to be done is there, what is there
 * is whole, and no challenge has led to two certificates.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_sample.h"
#include "traced.h"

#define KILLS 300
#define SECONDS_MAX 15 /* and fewer kills on a slow disk, but KILLS_MIN */
#define KILLS_MIN 20
#define CALLS_MAX 3000 /* to open a store, to ask and to answer are some 300 system calls */
#define CALLS_STEP 3   /* each of them is tried in one of so many runs */

/* Tables that contradict each other. */
static const char *const contradictions[] = {
    "SELECT count(*) FROM request r WHERE r.state = 2 AND NOT EXISTS (SELECT 1 FROM challenge c"
    " JOIN certificate d ON d.challenge_id = c.id"
    " WHERE c.request_sha256 = r.sha256 AND c.answered > 0)",
    "SELECT count(*) FROM certificate d JOIN challenge c ON c.id = d.challenge_id"
    " JOIN request r ON r.sha256 = c.request_sha256"
    " WHERE r.state <> 2 OR c.answered = 0 OR r.names <> d.names OR r.ak_name <> d.ak_name",
    "SELECT count(*) FROM challenge c JOIN request r ON r.sha256 = c.request_sha256"
    " WHERE c.answered > 0 AND r.state NOT IN (2, 3)",
    "SELECT count(*) FROM request r WHERE r.state = 1 AND NOT EXISTS"
    " (SELECT 1 FROM challenge c WHERE c.request_sha256 = r.sha256)",
    "SELECT count(*) FROM certificate d WHERE (SELECT count(*) FROM certificate_name n"
    " JOIN owner o ON o.name = n.name AND o.ended = 0"
    " JOIN enrolment e ON e.ak_name = d.ak_name AND e.ek_sha256 = o.ek_sha256"
    " WHERE n.serial = d.serial) <> 2",
    "SELECT (SELECT count(*) FROM certificate) - (SELECT count(*) FROM audit WHERE kind = "
    "'issued')",
    "SELECT (SELECT count(*) FROM token_use) + (SELECT sum(uses_left) FROM token) - 1000000",
    "SELECT (SELECT count(*) FROM token_use) - (SELECT count(*) FROM certificate)",
};

static void expect_whole(const struct store_place *place)
{
    struct ratls_store *store = store_at(place);
    uint8_t head[32];
    int64_t count;
    bool is_whole = false;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_store_verify_audit(store, head, &count, &is_whole, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect(is_whole, "the audit log");
    ratls_store_close(store);
    for (size_t i = 0; i < sizeof contradictions / sizeof contradictions[0]; i++)
        cr_expect_eq(store_place_number(place, contradictions[i]), 0, "%s", contradictions[i]);
}

static void make_token(const struct store_place *place, struct ratls_store_token *ret_token)
{
    struct ratls_store *store = store_at(place);
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;

    *ret_token = (struct ratls_store_token){
        .uses_left = 1000000, .expires = SAMPLE_NOW + 100, .names = (char *)""};
    cr_assert_eq(ratls_store_add_token(store, ret_token, SAMPLE_NOW, &outcome, NULL), RATLS_OK);
    cr_assert_eq(outcome, RATLS_STORE_DONE);
    ratls_store_close(store);
}

/* Number n: asked and answered, with the serial number of this process. */
static bool enroll(struct ratls_store *store, const struct ratls_store_token *token, unsigned n,
                   uint8_t process)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct store_sample s;

    store_sample(&s, n, n, n, n);
    s.request.token_id = ratls_slice(token->id, sizeof token->id);
    s.serial[8] = s.der[8] = process;
    if (sample_put(store, &s, &outcome, NULL) != RATLS_OK ||
        (outcome != RATLS_STORE_DONE && outcome != RATLS_STORE_ANSWERED))
        return false;
    if (ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, NULL) != RATLS_OK)
        return false;
    /* Answered: a process of before had done it, and was killed before it said so. */
    return outcome == RATLS_STORE_DONE || outcome == RATLS_STORE_ANSWERED;
}

/* A child that enrols from a number on, and says which it has. */
static pid_t start(const struct store_place *place, const struct ratls_store_token *token,
                   unsigned from, uint8_t process, int *ret_said)
{
    int ends[2];
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct ratls_store *store = store_at(place);

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(2);
        close(ends[0]);
        for (unsigned n = from; enroll(store, token, n, process); n++) {
            if (write(ends[1], &n, sizeof n) != sizeof n)
                break;
            usleep(500); /* SQLite has no queue: lets another in */
        }
        _exit(1);
    }
    close(ends[1]);
    *ret_said = ends[0];
    return child;
}

/* The last number that it said, and that it is ready, as after its first one it may be killed. */
static unsigned kill_after(pid_t child, int said, unsigned us)
{
    unsigned last = 0, n;

    cr_assert_eq(read(said, &last, sizeof last), (ssize_t)sizeof last, "it failed by itself");
    usleep(us);
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    while (read(said, &n, sizeof n) == sizeof n)
        last = n;
    close(said);
    return last;
}

static int64_t count_certificates(const struct store_place *place)
{
    return store_place_number(place, "SELECT count(*) FROM certificate");
}

Test(store_crash, at_any_time)
{
    struct ratls_store_token token;
    struct store_place place;
    unsigned last = 0, kills = 0;
    time_t end = time(NULL) + SECONDS_MAX;

    store_place_make(&place);
    make_token(&place, &token);
    srand(1);
    for (; kills < KILLS_MIN || (kills < KILLS && time(NULL) < end); kills++) {
        int said;
        pid_t child = start(&place, &token, last + 1, (uint8_t)kills, &said);

        last = kill_after(child, said, (unsigned)rand() % 12000);
        if (kills % 10 == 0)
            expect_whole(&place);
    }
    expect_whole(&place);
    cr_expect(count_certificates(&place) == last || count_certificates(&place) == last + 1,
              "%d of %u", (int)count_certificates(&place), last);
    fprintf(stderr, "%u kills, %u enrolments\n", kills, last);
    store_place_remove(&place);
}

/* Two that do the same work at once; both are killed. */
Test(store_crash, two_at_any_time)
{
    struct ratls_store_token token;
    struct store_place place;
    unsigned last = 0;

    store_place_make(&place);
    make_token(&place, &token);
    srand(2);
    for (unsigned i = 0; i < KILLS_MIN; i++) {
        int said[2];
        pid_t a = start(&place, &token, last + 1, (uint8_t)(2 * i), &said[0]);
        pid_t b = start(&place, &token, last + 1, (uint8_t)(2 * i + 1), &said[1]);
        unsigned last_a = kill_after(a, said[0], (unsigned)rand() % 10000);
        unsigned last_b = kill_after(b, said[1], (unsigned)rand() % 10000);

        last = last_a > last_b ? last_a : last_b;
    }
    expect_whole(&place);
    cr_expect(count_certificates(&place) == last || count_certificates(&place) == last + 1);
    store_place_remove(&place);
}

struct attempt {
    const struct store_place *place;
    const struct ratls_store_token *token;
    unsigned n;
};

static bool enroll_traced(void *arg)
{
    const struct attempt *a = arg;

    return enroll(store_at(a->place), a->token, a->n, (uint8_t)a->n);
}

/* Until one of them comes to its end. What was begun is done by the next. */
Test(store_crash, at_each_system_call)
{
    struct ratls_store_token token;
    struct store_place place;
    unsigned done = 0, kills = 0;
    bool was_killed = true;

    store_place_make(&place);
    make_token(&place, &token);
    for (int at = 1; was_killed && at < CALLS_MAX; at += CALLS_STEP) {
        struct attempt attempt = {&place, &token, done + 1};
        pid_t child = traced_start(enroll_traced, &attempt);
        int64_t count;

        if (child == 0)
            cr_skip_test("processes cannot be traced here");
        was_killed = traced_kill_at(child, at);
        kills += was_killed;
        expect_whole(&place);
        count = count_certificates(&place);
        cr_assert(count == done || count == done + 1, "call %d", at);
        cr_assert(was_killed || count == done + 1);
        done = (unsigned)count;
    }
    cr_expect_not(was_killed);
    cr_expect_gt(kills, 20);
    fprintf(stderr, "%u kills at calls\n", kills);
    store_place_remove(&place);
}
