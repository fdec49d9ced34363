/* A ledger keeps what was acknowledged, of the furthest state, and what is pending on it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ledger_rows.h"

#define SERVER "bank.example"

static void append(struct ratls_ledger *ledger, struct ratls_ledger_row *row, const char *text)
{
    struct ratls_error err = {0};

    cr_assert_eq(ratls_ledger_append(ledger, SERVER, row, ratls_slice(text, strlen(text)), &err),
                 RATLS_OK, "%s", err.text);
}

static void forget(struct ratls_ledger *ledger, const struct ratls_ledger_row *row)
{
    struct ratls_error err = {0};

    cr_assert_eq(ratls_ledger_forget(ledger, row, &err), RATLS_OK, "%s", err.text);
}

static void expect_row(struct ratls_ledger *ledger, const struct ratls_ledger_row *expected)
{
    struct ratls_ledger_row row;

    cr_assert(ledger_find(ledger, SERVER, 0x11, &row));
    cr_expect(ledger_rows_equal(&row, expected), "entries %d, reset %d, pending %d",
              (int)row.ima.entries, (int)row.reset_count, (int)row.pending_len);
}

static void expect_pending(struct ratls_ledger *ledger, const struct ratls_ledger_row *row,
                           const char *expected)
{
    struct ratls_error err = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;

    cr_assert_eq(ratls_ledger_pending(ledger, row, &bytes, &len, &err), RATLS_OK, "%s", err.text);
    cr_expect_eq(len, strlen(expected), "%.*s", (int)len, (const char *)bytes);
    cr_expect(len != strlen(expected) || len == 0 || memcmp(bytes, expected, len) == 0);
    cr_expect((bytes == NULL) == (len == 0));
    free(bytes);
}

Test(ledger, what_is_put_is_found)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row row = ledger_row(0xaa, 5), found;

    cr_expect_not(ledger_find(ledger, SERVER, 0x11, &found), "it is empty");
    ledger_put(ledger, SERVER, &row);
    expect_row(ledger, &row);
    cr_expect_not(ledger_find(ledger, "other.example", 0x11, &found), "another server");
    cr_expect_not(ledger_find(ledger, "", 0x11, &found), "no server");
    cr_expect_not(ledger_find(ledger, SERVER, 0x12, &found), "other rules");
    ledger_put(ledger, "", &row);
    cr_expect(ledger_find(ledger, "", 0x11, &found), "no server, as it was put");
    ratls_ledger_free(ledger);
}

Test(ledger, the_key_that_last_spoke_for_a_server)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row a = ledger_row(0xaa, 5), b = ledger_row(0xbb, 6);

    ledger_put(ledger, SERVER, &a);
    ledger_put(ledger, SERVER, &b);
    expect_row(ledger, &b);
    ledger_put(ledger, SERVER, &a);
    expect_row(ledger, &a);
    ratls_ledger_free(ledger);
}

Test(ledger, what_is_further_stays)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row row = ledger_row(0xaa, 9), other = ledger_row(0xaa, 8);

    ledger_put(ledger, SERVER, &row);
    ledger_put(ledger, SERVER, &other);
    expect_row(ledger, &row);
    other = ledger_row(0xaa, 20);
    other.restart_count--;
    ledger_put(ledger, SERVER, &other);
    expect_row(ledger, &row);
    other.restart_count = 100;
    other.reset_count--;
    ledger_put(ledger, SERVER, &other);
    expect_row(ledger, &row);

    /* Another list of the same boot: offsets in it say nothing about the old one. */
    other = ledger_row(0xaa, 2);
    other.ima.list_alg = RATLS_ALG_SHA256;
    ledger_put(ledger, SERVER, &other);
    expect_row(ledger, &other);
    row = ledger_row(0xaa, 1);
    row.restart_count++;
    ledger_put(ledger, SERVER, &row);
    expect_row(ledger, &row);
    ratls_ledger_free(ledger);
}

Test(ledger, pending_bytes_grow_until_they_are_acknowledged)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row row = ledger_row(0xaa, 0);

    append(ledger, &row, "abc");
    append(ledger, &row, "defgh");
    cr_expect_eq(row.pending_len, 8);
    expect_row(ledger, &row);
    expect_pending(ledger, &row, "abcdefgh");
    row.pending_len = 4;
    expect_pending(ledger, &row, "abcd");

    row = ledger_row(0xaa, 2);
    ledger_put(ledger, SERVER, &row);
    expect_row(ledger, &row);
    expect_pending(ledger, &row, "");
    append(ledger, &row, "ij");
    expect_row(ledger, &row);
    expect_pending(ledger, &row, "ij");
    forget(ledger, &row);
    expect_pending(ledger, &row, "");
    cr_expect_not(ledger_find(ledger, SERVER, 0x11, &row));
    ratls_ledger_free(ledger);
}

/* As long as one begins anew, another may already be there. */
Test(ledger, what_another_process_wrote_stays)
{
    struct ledger_folder folder;
    struct ratls_ledger *a, *b;
    struct ratls_ledger_row of_a = ledger_row(0xaa, 1), of_b = of_a, further = ledger_row(0xaa, 4);

    ledger_folder_make(&folder);
    a = ledger_open(folder.path);
    b = ledger_open(folder.path);
    append(a, &of_a, "abcd");
    append(b, &of_b, "abc");
    cr_expect_eq(of_b.pending_len, 3);
    append(b, &of_b, "d");
    expect_pending(b, &of_a, "abcd");
    ledger_put(a, SERVER, &further);
    append(b, &of_b, "ef");
    expect_pending(b, &of_b, "");
    forget(b, &of_b);
    expect_row(b, &further);
    expect_row(a, &further);
    ratls_ledger_free(a);
    ratls_ledger_free(b);
    ledger_folder_remove(&folder);
}

Test(ledger, lists_have_a_limit)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row row = ledger_row(0xaa, 0), big = row;
    struct ratls_error err = {0};
    uint8_t *bytes = calloc(1, RATLS_IMA_LIST_MAX), *read = NULL;
    size_t len = 0;

    cr_assert_not_null(bytes);
    cr_expect_eq(
        ratls_ledger_append(ledger, SERVER, &big, ratls_slice(bytes, RATLS_IMA_LIST_MAX), &err),
        RATLS_OK, "%s", err.text);
    cr_expect_eq(ratls_ledger_append(ledger, SERVER, &big, ratls_slice("", 1), NULL), RATLS_LIMIT);
    expect_row(ledger, &big);
    cr_expect_eq(ratls_ledger_pending(ledger, &big, &read, &len, NULL), RATLS_OK);
    cr_expect_eq(len, RATLS_IMA_LIST_MAX);
    free(read);
    free(bytes);
    big.pending_len++;
    cr_expect_eq(ratls_ledger_pending(ledger, &big, &read, &len, NULL), RATLS_LIMIT);
    row = ledger_row(0xaa, 3);
    row.pending_len = RATLS_IMA_LIST_MAX;
    cr_expect_eq(ratls_ledger_append(ledger, SERVER, &row, ratls_slice("", 1), NULL), RATLS_LIMIT);
    ratls_ledger_free(ledger);
}

static void expect_mode(const char *path)
{
    struct stat st;

    cr_assert_eq(stat(path, &st), 0, "%s", path);
    cr_expect_eq(st.st_mode & 07777, 0600, "%s: %o", path, (unsigned)(st.st_mode & 07777));
}

Test(ledger, the_file_is_for_its_owner)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger;
    struct ratls_ledger_row row = ledger_row(0xaa, 5), found;
    char journal[128];

    ledger_folder_make(&folder);
    umask(0);
    ledger = ledger_open(folder.path);
    cr_expect_neq(access(folder.file, F_OK), 0, "it is made when it is needed");
    ledger_put(ledger, SERVER, &row);
    snprintf(journal, sizeof journal, "%s-journal", folder.file);
    expect_mode(folder.file);
    expect_mode(journal);
    ratls_ledger_free(ledger);

    cr_assert_eq(chdir(folder.path), 0);
    ledger = ledger_open(".");
    cr_assert_eq(chdir("/"), 0);
    expect_row(ledger, &row);
    ratls_ledger_free(ledger);

    cr_assert_eq(chmod(folder.file, 0620), 0);
    ledger = ledger_open(folder.path);
    cr_expect_eq(ratls_ledger_find(ledger, SERVER, row.rules_sha256, &found, &(bool){0}, NULL),
                 RATLS_IO);
    ratls_ledger_free(ledger);
    ledger_folder_remove(&folder);
}

/* What the parent has open is not the child's. */
Test(ledger, a_child_opens_its_own)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger;
    struct ratls_ledger_row row = ledger_row(0xaa, 5);
    int status;

    ledger_folder_make(&folder);
    ledger = ledger_open(folder.path);
    ledger_put(ledger, SERVER, &row);
    row = ledger_row(0xaa, 6);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();

        cr_assert_geq(child, 0);
        if (child == 0) {
            bool ok = ratls_ledger_put(ledger, SERVER, &row, NULL) == RATLS_OK;

            ratls_ledger_free(ledger);
            _exit(ok ? 0 : 1);
        }
        row = ledger_row(0xaa, 6 + (uint64_t)i);
        ledger_put(ledger, SERVER, &row);
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect_eq(status, 0, "child %d", i);
        expect_row(ledger, &row);
    }
    ratls_ledger_free(ledger);
    ledger_folder_remove(&folder);
}

struct writer {
    struct ratls_ledger *ledger;
    uint8_t key;
    enum ratls_status status;
};

/* Others that write all the time on a slow disk may keep one away for longer than it waits. */
static enum ratls_status put_patiently(struct writer *w, const char *server, uint64_t entries)
{
    struct ratls_ledger_row row = ledger_row(w->key, entries);
    enum ratls_status status = RATLS_IO;
    struct ratls_error err = {0};

    for (int i = 0; status == RATLS_IO && i < 20; i++) {
        err = (struct ratls_error){0};
        status = ratls_ledger_put(w->ledger, server, &row, &err);
        if (status == RATLS_IO && strstr(err.text, "locked") == NULL)
            return status;
    }
    return status;
}

static void *write_rows(void *arg)
{
    struct writer *w = arg;
    char server[16];

    snprintf(server, sizeof server, "s%d", w->key);
    for (uint64_t i = 1; i <= 50 && w->status == RATLS_OK; i++)
        w->status = put_patiently(w, server, i);
    return NULL;
}

/* Two processes of two threads each; the child was forked while the threads were at work. */
Test(ledger, threads_and_processes_at_once)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger;
    struct writer writers[] = {{.key = 1}, {.key = 2}, {.key = 3}};
    pthread_t threads[2];
    struct ratls_ledger_row found;
    pid_t child;
    int status;

    ledger_folder_make(&folder);
    ledger = ledger_open(folder.path);
    for (size_t i = 0; i < 3; i++)
        writers[i].ledger = ledger;
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_rows, &writers[i]), 0);
    usleep(2000);
    child = fork();
    if (child == 0) {
        write_rows(&writers[2]);
        _exit(writers[2].status == RATLS_OK ? 0 : 1);
    }
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(writers[0].status, RATLS_OK);
    cr_expect_eq(writers[1].status, RATLS_OK);
    for (uint8_t key = 1; key <= 3; key++) {
        struct ratls_ledger_row row = ledger_row(key, 50);
        char server[16];

        snprintf(server, sizeof server, "s%d", key);
        cr_assert(ledger_find(ledger, server, 0x11, &found));
        cr_expect(ledger_rows_equal(&found, &row), "%s", server);
    }
    ratls_ledger_free(ledger);
    ledger_folder_remove(&folder);
}

/* The next function that waits and lets itself be cancelled ends the thread. */
static void *put_cancelled(void *arg)
{
    struct writer *w = arg;
    struct ratls_ledger_row row = ledger_row(w->key, 1);

    pthread_cancel(pthread_self());
    w->status = ratls_ledger_put(w->ledger, SERVER, &row, NULL);
    pthread_testcancel();
    return NULL;
}

/* A thread that a program cancels ends, but not with the lock that all others need. */
Test(ledger, cancelled_thread, .timeout = 60)
{
    struct writer w = {.key = 0xaa, .status = RATLS_USAGE};
    struct ratls_ledger_row row = ledger_row(w.key, 1);
    struct ledger_folder folder;
    pthread_t thread;
    void *result;

    ledger_folder_make(&folder);
    w.ledger = ledger_open(folder.path);
    cr_assert_eq(pthread_create(&thread, NULL, put_cancelled, &w), 0);
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_expect(result == PTHREAD_CANCELED);
    cr_expect_eq(w.status, RATLS_OK);
    expect_row(w.ledger, &row);
    ratls_ledger_free(w.ledger);
    ledger_folder_remove(&folder);
}
