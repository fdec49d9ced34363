/* A file that is damaged, foreign, full or not ours to write is a status with words, or no row. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ledger_rows.h"

#define SERVER "bank.example"
#define NOBODY 65534

/* A file with one row of 5 entries, and 3 bytes that are pending. */
static void make_file(const struct ledger_folder *folder)
{
    struct ratls_ledger *ledger = ledger_open(folder->path);
    struct ratls_ledger_row row = ledger_row(0xaa, 5);

    cr_assert_eq(ratls_ledger_put(ledger, SERVER, &row, NULL), RATLS_OK);
    cr_assert_eq(ratls_ledger_append(ledger, SERVER, &row, ratls_slice("abc", 3), NULL), RATLS_OK);
    ratls_ledger_free(ledger);
}

static enum ratls_status find(const struct ledger_folder *folder, struct ratls_ledger_row *ret_row,
                              bool *ret_found, struct ratls_error *err)
{
    struct ratls_ledger *ledger = ledger_open(folder->path);
    struct ratls_ledger_row row = ledger_row(0xaa, 5);
    enum ratls_status status =
        ratls_ledger_find(ledger, SERVER, row.rules_sha256, ret_row, ret_found, err);

    ratls_ledger_free(ledger);
    return status;
}

static void write_file(const struct ledger_folder *folder, const void *bytes, size_t len)
{
    FILE *file = fopen(folder->file, "wb");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

static void run_sql(const struct ledger_folder *folder, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    cr_assert_eq(sqlite3_open(folder->file, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

static void expect_refused(const struct ledger_folder *folder, const char *words)
{
    struct ratls_error err = {0};
    struct ratls_ledger_row row;
    bool is_found = false;

    cr_expect_eq(find(folder, &row, &is_found, &err), RATLS_IO, "%s", words);
    cr_expect_not(is_found);
    cr_expect_not_null(strstr(err.text, words), "%s", err.text);
    cr_expect_not_null(strstr(err.text, folder->file), "%s", err.text);
}

Test(ledger_damage, files_of_others)
{
    struct ledger_folder folder;
    char text[4096];

    ledger_folder_make(&folder);
    memset(text, 'x', sizeof text);
    write_file(&folder, text, sizeof text);
    expect_refused(&folder, "If it is removed");
    (void)unlink(folder.file);
    run_sql(&folder, "CREATE TABLE acknowledged(id)");
    expect_refused(&folder, "of another program");
    (void)unlink(folder.file);
    make_file(&folder);
    run_sql(&folder, "PRAGMA user_version = 3");
    expect_refused(&folder, "another version of ratls (3, not 2)");
    run_sql(&folder, "PRAGMA user_version = 2; PRAGMA application_id = 1");
    expect_refused(&folder, "of another program");
    run_sql(&folder, "PRAGMA application_id = 1918989420; DROP TABLE speaker");
    expect_refused(&folder, "no such table");
    (void)unlink(folder.file);
    cr_assert_eq(symlink("/dev/null", folder.file), 0);
    expect_refused(&folder, "no regular file");
    ledger_folder_remove(&folder);
}

/* As an empty file: the process that made it was killed at once. */
Test(ledger_damage, an_empty_file_is_filled)
{
    struct ledger_folder folder;
    struct ratls_ledger_row row;
    bool is_found = true;

    ledger_folder_make(&folder);
    umask(077);
    write_file(&folder, "", 0);
    cr_expect_eq(find(&folder, &row, &is_found, NULL), RATLS_OK);
    cr_expect_not(is_found);
    ledger_folder_remove(&folder);
}

Test(ledger_damage, folders)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger = NULL;
    struct ratls_error err = {0};

    cr_expect_eq(ratls_ledger_new("/tmp/ratls/is/not/here", &ledger, &err), RATLS_IO);
    cr_expect_not_null(strstr(err.text, "/tmp/ratls/is/not/here: No such"), "%s", err.text);
    cr_expect_eq(ratls_ledger_new("/dev/null", &ledger, NULL), RATLS_IO);
    cr_expect_eq(ratls_ledger_new("", &ledger, NULL), RATLS_IO);
    ledger_folder_make(&folder);
    cr_assert_eq(chmod(folder.path, 0777), 0);
    cr_expect_eq(ratls_ledger_new(folder.path, &ledger, NULL), RATLS_USAGE);
    cr_expect_null(ledger);
    ledger_folder_remove(&folder);
}

/* CHECK keeps them out of the file; what is read is checked again. */
static const char *const damages[] = {
    "ak_name = x'00'",
    "ak_name = zeroblob(67)",
    "reset_count = -1",
    "reset_count = 4294967296",
    "restart_count = 4294967296",
    "list_alg = 12",
    "list_alg = 65540",
    "bank = 4",
    "bank = 0",
    "bank = 12",
    "mode = 0",
    "mode = 3",
    "mode = -1",
    "offset = 16777217",
    "offset = -1",
    "offset = 0",
    "entries = 0",
    "entries = 501",
    "violations = 6",
    "violations = -1",
    "pcr = zeroblob(31)",
    "pcr = zeroblob(64)",
    "boot_aggregate_alg = 99",
    "boot_aggregate_alg = 12",
    "boot_aggregate = zeroblob(65)",
    "boot_aggregate = x''",
};

Test(ledger_damage, rows)
{
    struct ledger_folder folder;
    struct ratls_ledger_row row;
    char sql[256];

    ledger_folder_make(&folder);
    make_file(&folder);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        bool is_found = true;

        snprintf(sql, sizeof sql,
                 "PRAGMA ignore_check_constraints = ON;"
                 "UPDATE acknowledged SET %s",
                 damages[i]);
        run_sql(&folder, sql);
        cr_expect_eq(find(&folder, &row, &is_found, NULL), RATLS_OK, "%s", damages[i]);
        cr_expect_not(is_found, "%s", damages[i]);
        (void)unlink(folder.file);
        make_file(&folder);
        cr_expect_eq(find(&folder, &row, &is_found, NULL), RATLS_OK);
        cr_expect(is_found, "the good one");
    }
    ledger_folder_remove(&folder);
}

static const struct {
    const char *sql;
    uint64_t pending_len;
} pieces[] = {
    {"DELETE FROM pending", 0},
    {"UPDATE pending SET begin = 1", 0},
    {"INSERT INTO pending SELECT id, 3, x'6465' FROM acknowledged", 5},
    {"INSERT INTO pending SELECT id, 4, x'6465' FROM acknowledged", 3},
    {"INSERT INTO pending SELECT id, 2, x'6465' FROM acknowledged", 3},
    {"INSERT INTO pending SELECT id, 3, x'' FROM acknowledged", 3},
    /* Up to 16 MiB from the begin of the list; the row is at byte 500. */
    {"INSERT INTO pending SELECT id, 3, zeroblob(16776713) FROM acknowledged", 16776716},
    {"INSERT INTO pending SELECT id, 3, zeroblob(16776714) FROM acknowledged", 3},
};

Test(ledger_damage, pending)
{
    struct ledger_folder folder;
    struct ratls_ledger_row row = {0};
    char sql[256];

    ledger_folder_make(&folder);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct ratls_ledger *ledger;
        bool is_found = false;
        uint8_t *bytes = NULL;
        size_t len = 0;

        make_file(&folder);
        snprintf(sql, sizeof sql, "PRAGMA ignore_check_constraints = ON; %s", pieces[i].sql);
        run_sql(&folder, sql);
        cr_expect_eq(find(&folder, &row, &is_found, NULL), RATLS_OK);
        cr_expect(is_found && row.pending_len == pieces[i].pending_len, "%s: %d", pieces[i].sql,
                  (int)row.pending_len);
        row.pending_len = 16776716;
        ledger = ledger_open(folder.path);
        cr_expect_eq(ratls_ledger_pending(ledger, &row, &bytes, &len, NULL), RATLS_OK);
        cr_expect_geq(len, pieces[i].pending_len);
        free(bytes);
        ratls_ledger_free(ledger);
        (void)unlink(folder.file);
    }
    ledger_folder_remove(&folder);
}

/* Every byte of a small file, one at a time: a row or none, a status with words, never a crash. */
Test(ledger_damage, every_byte)
{
    struct ledger_folder folder;
    uint8_t *file = calloc(1, 1 << 20);
    size_t len;
    FILE *in;

    cr_assert_not_null(file);
    ledger_folder_make(&folder);
    make_file(&folder);
    in = fopen(folder.file, "rb");
    len = fread(file, 1, 1 << 20, in);
    (void)fclose(in);
    cr_assert_gt(len, 4096);
    umask(077);
    for (size_t at = 0; at < len; at += file[at] == 0 ? 37 : 5) {
        struct ratls_error err = {0};
        struct ratls_ledger_row row;
        enum ratls_status status;
        bool is_found = false;

        file[at] ^= 0xff;
        write_file(&folder, file, len);
        status = find(&folder, &row, &is_found, &err);
        cr_expect(status == RATLS_OK || (status == RATLS_IO && err.text[0] != '\0' && !is_found),
                  "byte %zu: %d %s", at, (int)status, err.text);
        file[at] ^= 0xff;
    }
    free(file);
    ledger_folder_remove(&folder);
}

/* In a child, which may do less. Its exit status: what do() says. */
static int run_in_child(const struct ledger_folder *folder,
                        int (*run)(const struct ledger_folder *))
{
    pid_t child = fork();
    int status;

    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(run(folder));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "it crashed: %d", status);
    return WEXITSTATUS(status);
}

static int put_without_space(const struct ledger_folder *folder)
{
    const struct rlimit none = {0, 0};
    struct ratls_ledger *ledger = NULL;
    struct ratls_ledger_row row = ledger_row(0xaa, 6);
    struct ratls_error err = {0};

    (void)signal(SIGXFSZ, SIG_IGN);
    if (ratls_ledger_new(folder->path, &ledger, NULL) != RATLS_OK ||
        setrlimit(RLIMIT_FSIZE, &none) != 0)
        return 100;
    if (ratls_ledger_put(ledger, SERVER, &row, &err) != RATLS_IO || err.text[0] == '\0')
        return 101;
    ratls_ledger_free(ledger);
    return 0;
}

Test(ledger_damage, a_full_disk)
{
    struct ledger_folder folder;
    struct ratls_ledger_row row;
    bool is_found = false;

    ledger_folder_make(&folder);
    make_file(&folder);
    cr_expect_eq(run_in_child(&folder, put_without_space), 0);
    cr_expect_eq(find(&folder, &row, &is_found, NULL), RATLS_OK);
    cr_expect(is_found && row.ima.entries == 5, "what was there stays");
    ledger_folder_remove(&folder);
}

static int put_as_nobody(const struct ledger_folder *folder)
{
    struct ratls_ledger *ledger = NULL;
    struct ratls_ledger_row row = ledger_row(0xaa, 6);
    struct ratls_error err = {0};

    if (geteuid() == 0 && setuid(NOBODY) != 0)
        return 100;
    if (ratls_ledger_new(folder->path, &ledger, NULL) != RATLS_OK)
        return 101;
    if (ratls_ledger_put(ledger, SERVER, &row, &err) != RATLS_IO ||
        strstr(err.text, folder->file) == NULL)
        return 102;
    ratls_ledger_free(ledger);
    return 0;
}

Test(ledger_damage, a_folder_that_is_read_only)
{
    struct ledger_folder folder;

    ledger_folder_make(&folder);
    cr_assert_eq(chmod(folder.path, 0555), 0);
    cr_expect_eq(run_in_child(&folder, put_as_nobody), 0, "without a file");
    cr_assert_eq(chmod(folder.path, 0755), 0);
    make_file(&folder);
    cr_assert_eq(chmod(folder.path, 0555), 0);
    cr_assert_eq(chmod(folder.file, 0444), 0);
    cr_expect_eq(run_in_child(&folder, put_as_nobody), 0, "with one");
    cr_assert_eq(chmod(folder.path, 0755), 0);
    ledger_folder_remove(&folder);
}

Test(ledger_damage, without_memory)
{
    struct ledger_folder folder;
    struct ratls_ledger_row row = ledger_row(0xaa, 6), found = {0};
    bool is_found = false;
    int failed = 0;

    ledger_folder_make(&folder);
    make_file(&folder);
    for (sqlite3_int64 limit = 1024; limit < 400000; limit += 1024) {
        struct ratls_error err = {0};
        struct ratls_ledger *ledger = ledger_open(folder.path);
        enum ratls_status status;

        sqlite3_hard_heap_limit64(limit);
        status = ratls_ledger_put(ledger, SERVER, &row, &err);
        cr_expect(status == RATLS_OK || status == RATLS_MEMORY, "%d: %s", (int)limit, err.text);
        failed += status != RATLS_OK;
        sqlite3_hard_heap_limit64(0);
        cr_expect_eq(ratls_ledger_find(ledger, SERVER, row.rules_sha256, &found, &is_found, NULL),
                     RATLS_OK);
        ratls_ledger_free(ledger);
    }
    cr_expect_gt(failed, 10);
    cr_expect(is_found && found.ima.entries == 6);
    ledger_folder_remove(&folder);
}
