/* Records and counts of the service of a CA, and its connections. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service_connections.h"
#include "service_counts.h"
#include "service_records.h"

static unsigned count_records(struct ratls_service_records *records, int64_t now_ms, char *last)
{
    struct ratls_service_record record;
    unsigned count = 0;

    while (ratls_service_records_next(records, 1000, now_ms, &record)) {
        memcpy(last, record.text, sizeof record.text);
        count++;
    }
    return count;
}

/* Sixty a minute, and then how many more there were. */
Test(service_records, bounded)
{
    static struct ratls_service_records records;
    char last[RATLS_SERVICE_RECORD_MAX] = "";

    ratls_service_records_init(&records);
    for (int i = 0; i < 1000; i++)
        ratls_service_records_note(&records, 1000, 100000, 400, "malformed", "no good");
    cr_expect_eq(count_records(&records, 100000, last), 60);
    cr_expect_str_eq(last, "400 malformed: no good");
    cr_expect_eq(ratls_service_records_beyond(&records), 940);
    cr_expect_eq(count_records(&records, 159999, last), 0);
    cr_expect_eq(count_records(&records, 160000, last), 1);
    cr_expect_str_eq(last, "940 more were refused");
    ratls_service_records_note(&records, 1000, 160001, 404, "path", "no such path");
    cr_expect_eq(count_records(&records, 160001, last), 1);
    cr_expect_str_eq(last, "404 path: no such path");
    ratls_service_records_clear(&records);
}

/* Nobody takes them out: nothing grows, and nothing is lost without a number. */
Test(service_records, full)
{
    static struct ratls_service_records records;
    char last[RATLS_SERVICE_RECORD_MAX];

    ratls_service_records_init(&records);
    for (int64_t minute = 1; minute < 10; minute++)
        for (int i = 0; i < 60; i++)
            ratls_service_records_note(&records, 1000, minute * 60000, 400, "malformed", "x");
    cr_expect_geq(ratls_service_records_beyond(&records), 7 * 60);
    cr_expect_geq(count_records(&records, 600000, last), 120);
    ratls_service_records_clear(&records);
}

Test(service_counts, text)
{
    static struct ratls_service_counts counts;
    const struct ratls_service_now now = {.connections = 3, .connections_max = 256};
    struct ratls_error err = {0};
    char *text = NULL;
    size_t len = 0;

    ratls_service_counts_init(&counts);
    ratls_service_count(&counts, RATLS_HTTP_POST_REQUEST, 201, "", 1500000);
    ratls_service_count(&counts, RATLS_HTTP_POST_REQUEST, 422, "ek-chain", 500000);
    ratls_service_count(&counts, RATLS_HTTP_POST_REQUEST, 418, "ek-chain", 0);
    cr_assert_eq(ratls_service_counts_text(&counts, &now, &text, &len, &err), RATLS_OK);
    cr_expect_eq(strlen(text), len);
    cr_expect(strstr(text, "ratls_ca_answers_total{path=\"requests\",code=\"201\"} 1\n") != NULL);
    cr_expect(strstr(text, "ratls_ca_answers_total{path=\"requests\",code=\"other\"} 1\n") != NULL);
    cr_expect(strstr(text, "ratls_ca_refused_total{reason=\"ek-chain\"} 2\n") != NULL);
    cr_expect(strstr(text, "ratls_ca_seconds_sum{path=\"requests\"} 2.000000\n") != NULL);
    cr_expect(strstr(text, "ratls_ca_connections 3\n") != NULL);
    free(text);
    ratls_service_counts_clear(&counts);
}

/* ---- connections ---- */

static struct ratls_connections connections;

/* Of one in this state, this old: whether it is cut, and what its peer then reads. */
static bool is_cut(enum ratls_connection_state state, int64_t age_ms, bool has_unread,
                   const char **ret_text)
{
    static char text[64];
    struct ratls_connection *connection;
    uint64_t cut_before, cut;
    int fds[2];
    ssize_t n;

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    connection = ratls_connections_enter(&connections, fds[0], 1000);
    ratls_connections_set(&connections, connection, state, 1000);
    if (has_unread)
        cr_assert_eq(write(fds[1], "x", 1), 1);
    (void)ratls_connections_count(&connections, &cut_before);
    (void)ratls_connections_cut_late(&connections, 1000 + age_ms, "late");
    (void)ratls_connections_count(&connections, &cut);
    n = recv(fds[1], text, sizeof text - 1, MSG_DONTWAIT);
    text[n < 0 ? 0 : n] = '\0';
    *ret_text = text;
    ratls_connections_leave(&connections, connection);
    close(fds[0]);
    close(fds[1]);
    return n >= 0;
}

Test(service_connections, late)
{
    const char *text;

    ratls_connections_init(&connections);
    cr_expect_not(is_cut(RATLS_CONNECTION_NEW, RATLS_CONNECTION_MS - 1, false, &text));
    cr_expect(is_cut(RATLS_CONNECTION_NEW, RATLS_CONNECTION_MS, false, &text));
    cr_expect_str_eq(text, "late");
    cr_expect(is_cut(RATLS_CONNECTION_ASKING, RATLS_CONNECTION_MS, false, &text));
    cr_expect_str_eq(text, "late");
    cr_expect(is_cut(RATLS_CONNECTION_IDLE, RATLS_CONNECTION_MS, false, &text));
    cr_expect_str_empty(text);
    cr_expect(is_cut(RATLS_CONNECTION_TAKING, RATLS_CONNECTION_MS, false, &text));
    cr_expect_str_empty(text);
    cr_expect_not(is_cut(RATLS_CONNECTION_WORKING, 10 * RATLS_CONNECTION_MS, false, &text));
    /* What has come waits for us: that is not the peer's time. */
    cr_expect_not(is_cut(RATLS_CONNECTION_ASKING, RATLS_CONNECTION_MS, true, &text));
    cr_expect(is_cut(RATLS_CONNECTION_ASKING, RATLS_CONNECTION_OURS_MS, true, &text));
    ratls_connections_clear(&connections);
}
