/* PostgreSQL goes away: in a call, before it, and with the answer to a commit. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patience.h"
#include "store_sample.h"

/* What happens to the next commits. */
static enum { IS_SENT, IS_LOST_BEFORE, IS_LOST_AFTER } commits;
static unsigned losses; /* how many more */
static unsigned begins; /* how many transactions that write */

int __real_PQsendQuery(PGconn *connection, const char *sql);
int __wrap_PQsendQuery(PGconn *connection, const char *sql);

/* Done, and nobody heard of it: the server has answered before the connection ends. */
static void wait_until_done(PGconn *connection)
{
    struct pollfd fd = {.fd = PQsocket(connection), .events = POLLIN};

    must(poll(&fd, 1, 10000) == 1);
}

int __wrap_PQsendQuery(PGconn *connection, const char *sql)
{
    int was_sent = 0;

    begins += strstr(sql, "SERIALIZABLE") != NULL;
    if (strcmp(sql, "COMMIT") != 0 || losses == 0 || commits == IS_SENT)
        return __real_PQsendQuery(connection, sql);
    losses--;
    if (commits == IS_LOST_AFTER) {
        char junk[4096];

        was_sent = __real_PQsendQuery(connection, sql);
        wait_until_done(connection);
        (void)recv(PQsocket(connection), junk, sizeof junk, MSG_DONTWAIT);
    }
    must(shutdown(PQsocket(connection), SHUT_RDWR) == 0);
    return commits == IS_LOST_AFTER ? was_sent : __real_PQsendQuery(connection, sql);
}

static struct store_place place;
static struct ratls_store *store;
static struct ratls_error err;

static void open_it(void)
{
    store_place_make(&place);
    store = store_at(&place);
}

static void close_it(void)
{
    uint8_t head[32];
    int64_t count;
    bool is_whole = false;

    cr_expect_eq(ratls_store_verify_audit(store, head, &count, &is_whole, &err), RATLS_OK);
    cr_expect(is_whole);
    ratls_store_close(store);
    store_place_remove(&place);
}

TestSuite(store_lost, .init = open_it, .fini = close_it);

#define CONNECTIONS                                                                                \
    "FROM pg_stat_activity WHERE application_name = 'ratls-ca' AND query LIKE '%COMMIT%'"

/* All connections but the one that asks, which has another name; they end a moment later. */
static void end_connections(void)
{
    store_place_run(&place, "SELECT pg_terminate_backend(pid) " CONNECTIONS);
    assert_soon(store_place_number(&place, "SELECT count(*) " CONNECTIONS) == 0);
}

Test(store_lost, between_two_calls)
{
    struct store_sample s;

    for (unsigned i = 1; i < 4; i++) {
        store_sample(&s, i, i, i, i);
        cr_assert_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
        end_connections();
        err = (struct ratls_error){0};
        cr_expect_eq(ratls_store_audit(store, "x", "", "", SAMPLE_NOW, &err), RATLS_IO);
        cr_expect_not_null(strstr(err.text, "PostgreSQL on"), "%s", err.text);
        cr_expect_not_null(strstr(err.text, "it is tried again with the next call"), "%s",
                           err.text);
    }
}

static void expect_once(unsigned which, unsigned how)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct store_sample s;

    store_sample(&s, which, which, which, which);
    cr_assert_eq(sample_put(store, &s, &outcome, &err), RATLS_OK);
    commits = how;
    losses = 1;
    err = (struct ratls_error){0};
    cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err), RATLS_OK, "%s",
                 err.text);
    commits = IS_SENT;
    cr_expect_eq(losses, 0);
    cr_expect_eq(outcome, RATLS_STORE_DONE, "%d", (int)outcome);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM certificate"), which);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM audit WHERE kind = 'issued'"),
                 which);
}

Test(store_lost, with_the_answer_to_a_commit)
{
    expect_once(1, IS_LOST_AFTER);
    expect_once(2, IS_LOST_AFTER);
}

Test(store_lost, with_the_commit)
{
    expect_once(1, IS_LOST_BEFORE);
    expect_once(2, IS_LOST_BEFORE);
}

/* Nobody answers any more: nothing is believed. */
Test(store_lost, for_good)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct store_sample s;

    store_sample(&s, 1, 1, 1, 1);
    cr_assert_eq(sample_put(store, &s, &outcome, &err), RATLS_OK);
    commits = IS_LOST_BEFORE;
    losses = 1000;
    cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err), RATLS_IO);
    cr_expect_not_null(strstr(err.text, "is not known: ask again"), "%s", err.text);
    commits = IS_SENT;
    cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err), RATLS_OK);
    cr_expect_eq(outcome, RATLS_STORE_DONE);
}

/* One that holds the lock and does not go on keeps nobody waiting for ever. */
Test(store_lost, another_that_stops)
{
    PGconn *other = PQconnectdb(place.where);
    struct ratls_error why = {0};

    PQclear(PQexec(other, "BEGIN; LOCK TABLE meta IN EXCLUSIVE MODE"));
    cr_expect_eq(ratls_store_audit(store, "x", "", "", SAMPLE_NOW, &why), RATLS_IO);
    cr_expect_not_null(strstr(why.text, "lock timeout"), "%s", why.text);
    PQfinish(other);
    cr_expect_eq(ratls_store_audit(store, "x", "", "", SAMPLE_NOW, &why), RATLS_OK);
}

/* Another program conflicts: it is tried again. */
Test(store_lost, a_conflict)
{
    PGconn *other = PQconnectdb(place.where);
    PGresult *result;
    uint8_t head[32];
    int64_t count;
    bool is_whole;

    cr_assert_eq(ratls_store_audit(store, "x", "", "", SAMPLE_NOW, &err), RATLS_OK);
    result = PQexec(other, "CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                           " IF nextval('tries') < 4 THEN RAISE serialization_failure; END IF;"
                           " RETURN NEW; END$$; CREATE SEQUENCE tries;"
                           "CREATE TRIGGER once BEFORE INSERT ON audit FOR EACH ROW"
                           " EXECUTE FUNCTION once()");
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(other));
    PQclear(result);
    PQfinish(other);
    cr_expect_eq(ratls_store_audit(store, "y", "", "", SAMPLE_NOW, &err), RATLS_OK, "%s", err.text);
    cr_expect_eq(store_place_number(&place, "SELECT last_value FROM tries"), 4);
    cr_assert_eq(ratls_store_verify_audit(store, head, &count, &is_whole, &err), RATLS_OK);
    cr_expect_eq(count, 3);
}

/* A writer that has waited for another sees at once what that one wrote. */
Test(store_lost, one_writer_after_the_other)
{
    struct ratls_store_token token = {
        .uses_left = 1, .expires = SAMPLE_NOW + 100, .names = (char *)""};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    PGconn *other = PQconnectdb(place.where);
    PGresult *result;

    cr_assert_eq(ratls_store_add_token(store, &token, SAMPLE_NOW, &outcome, &err), RATLS_OK);
    result = PQexec(other, "BEGIN; LOCK TABLE meta IN EXCLUSIVE MODE;"
                           "UPDATE token SET uses_left = 0");
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(other));
    PQclear(result);
    cr_assert_eq(__real_PQsendQuery(other, "SELECT pg_sleep(0.3); COMMIT"), 1);
    begins = 0;
    cr_assert_eq(ratls_store_revoke_token(store, token.id, SAMPLE_NOW, &outcome, &err), RATLS_OK);
    cr_expect_eq(outcome, RATLS_STORE_ANSWERED);
    cr_expect_eq(begins, 1, "nothing had to be tried again");
    while ((result = PQgetResult(other)) != NULL)
        PQclear(result);
    PQfinish(other);
}
