/*
 * A process that is killed at any moment loses no more than the step that it was at: at each of its
 * system calls, and at any time.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "ledger_rows.h"
#include "traced.h"

#define SERVER "bank.example"
#define KEY 0xaa
#define KILLS 60
#define STEPS_MAX 2000 /* a step is some 40 system calls */

/* Acknowledges n entries, and then fetches n more bytes: two steps. */
static bool do_steps(struct ratls_ledger *ledger, uint64_t n)
{
    struct ratls_ledger_row row = ledger_row(KEY, n);
    uint8_t bytes[256];

    memset(bytes, (int)(n & 0xff), sizeof bytes);
    return ratls_ledger_put(ledger, SERVER, &row, NULL) == RATLS_OK &&
           ratls_ledger_append(ledger, SERVER, &row, ratls_slice(bytes, 1 + n % sizeof bytes),
                               NULL) == RATLS_OK;
}

static int add_line(void *arg, int count, char **values, char **names)
{
    (void)names;
    cr_expect(count == 1 && strcmp(values[0], "ok") == 0, "%s", values[0]);
    (*(int *)arg)++;
    return 0;
}

static void expect_sound(const struct ledger_folder *folder)
{
    sqlite3 *db = NULL;
    int lines = 0;

    cr_assert_eq(sqlite3_open(folder->file, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "PRAGMA integrity_check", add_line, &lines, NULL), SQLITE_OK);
    cr_expect_eq(lines, 1);
    sqlite3_close(db);
}

/* The number of the steps that the file has; all of it must be of these. 0: it is empty. */
static uint64_t expect_whole(const struct ledger_folder *folder)
{
    struct ratls_ledger *ledger = ledger_open(folder->path);
    struct ratls_ledger_row row, expected;
    struct ratls_error err = {0};
    bool is_found = false;
    uint8_t *bytes = NULL;
    size_t len = 0;

    row = ledger_row(KEY, 0);
    cr_assert_eq(ratls_ledger_find(ledger, SERVER, row.rules_sha256, &row, &is_found, &err),
                 RATLS_OK, "%s", err.text);
    if (is_found) {
        expected = ledger_row(KEY, row.ima.entries);
        expected.pending_len = row.pending_len;
        cr_expect(ledger_rows_equal(&row, &expected), "a mixture of rows");
        cr_expect(row.pending_len == 0 || row.pending_len == 1 + row.ima.entries % 256);
        cr_assert_eq(ratls_ledger_pending(ledger, &row, &bytes, &len, &err), RATLS_OK);
        cr_expect_eq(len, row.pending_len);
        for (size_t i = 0; i < len; i++)
            cr_expect_eq(bytes[i], row.ima.entries & 0xff);
        free(bytes);
    }
    ratls_ledger_free(ledger);
    expect_sound(folder);
    return is_found ? row.ima.entries : 0;
}

struct steps {
    const struct ledger_folder *folder;
    uint64_t n;
};

static bool do_traced_steps(void *arg)
{
    const struct steps *steps = arg;

    return do_steps(ledger_open(steps->folder->path), steps->n);
}

static void kill_at_each_call(bool begins_empty)
{
    struct ledger_folder folder;
    bool was_killed = true;
    int kills = 0;

    for (int at = 1; was_killed && at < STEPS_MAX; at++) {
        struct ratls_ledger *ledger;
        uint64_t n;
        pid_t child;

        ledger_folder_make(&folder);
        ledger = ledger_open(folder.path);
        cr_assert(begins_empty || do_steps(ledger, 1));
        ratls_ledger_free(ledger);
        child = traced_start(do_traced_steps, &(struct steps){&folder, 2});
        if (child == 0)
            cr_skip_test("processes cannot be traced here");
        was_killed = traced_kill_at(child, at);
        n = expect_whole(&folder);
        cr_expect(n == 2 || (n == (begins_empty ? 0 : 1) && was_killed), "call %d: %d", at, (int)n);
        kills += was_killed;
        ledger_folder_remove(&folder);
    }
    cr_expect_gt(kills, 20);
    cr_expect_not(was_killed);
}

Test(ledger_crash, at_each_system_call)
{
    kill_at_each_call(false);
}

Test(ledger_crash, at_each_system_call_that_makes_the_file)
{
    kill_at_each_call(true);
}

/* The child says which steps are done, one at least; what it has said must be there. */
static uint64_t write_until_killed(const struct ledger_folder *folder, uint64_t from, unsigned us)
{
    int ends[2];
    uint64_t said = 0, n;
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct ratls_ledger *ledger = ledger_open(folder->path);

        for (n = from + 1; do_steps(ledger, n); n++)
            if (write(ends[1], &n, sizeof n) != sizeof n)
                break;
        _exit(1);
    }
    (void)close(ends[1]);
    cr_assert_eq(read(ends[0], &said, sizeof said), (ssize_t)sizeof said);
    usleep(us);
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    while (read(ends[0], &n, sizeof n) == sizeof n)
        said = n;
    (void)close(ends[0]);
    return said;
}

Test(ledger_crash, at_any_time)
{
    struct ledger_folder folder;
    uint64_t last = 0;

    ledger_folder_make(&folder);
    for (unsigned i = 0; i < KILLS; i++) {
        uint64_t said = write_until_killed(&folder, last, 500 + 331 * (i * 7 % KILLS));
        uint64_t n = expect_whole(&folder);

        cr_expect(n == said || n == said + 1, "kill %u: %d were said to be done, %d are", i,
                  (int)said, (int)n);
        last = n;
    }
    cr_expect_geq(last, KILLS);
    ledger_folder_remove(&folder);
}
