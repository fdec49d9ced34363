/* The highest counters of each key, and a file that is older than they are. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <string.h>

#include "ledger_rows.h"
#include "ledger_seen.h"

#define SERVER "bank.example"

static void put(struct ratls_ledger *ledger, const char *name, struct ratls_tpm_counters counters)
{
    struct ratls_error err = {0};

    cr_assert_eq(ratls_ledger_put_seen(ledger, ratls_slice(name, strlen(name)), &counters, &err),
                 RATLS_OK, "%s", err.text);
}

static bool find(struct ratls_ledger *ledger, const char *name,
                 struct ratls_tpm_counters *ret_counters)
{
    struct ratls_error err = {0};
    bool is_found = false;

    cr_assert_eq(ratls_ledger_find_seen(ledger, ratls_slice(name, strlen(name)), ret_counters,
                                        &is_found, &err),
                 RATLS_OK, "%s", err.text);
    return is_found;
}

static void expect(struct ratls_ledger *ledger, const char *name, uint32_t reset, uint32_t restart,
                   uint64_t clock)
{
    struct ratls_tpm_counters got = {0};

    cr_assert(find(ledger, name, &got), "%s", name);
    cr_expect_eq(got.reset_count, reset, "%u", (unsigned)got.reset_count);
    cr_expect_eq(got.restart_count, restart, "%u", (unsigned)got.restart_count);
    cr_expect_eq(got.clock_ms, clock, "%llu", (unsigned long long)got.clock_ms);
}

static void run_sql(const struct ledger_folder *folder, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    cr_assert_eq(sqlite3_open(folder->file, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

Test(ledger_seen, never_goes_back)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_tpm_counters none;

    cr_expect_not(find(ledger, "first key", &none));
    put(ledger, "first key", (struct ratls_tpm_counters){5, 3, 1000});
    expect(ledger, "first key", 5, 3, 1000);
    put(ledger, "first key", (struct ratls_tpm_counters){5, 3, 999});
    put(ledger, "first key", (struct ratls_tpm_counters){5, 2, 2000});
    put(ledger, "first key", (struct ratls_tpm_counters){4, 9, 2000});
    expect(ledger, "first key", 5, 3, 1000);
    put(ledger, "first key", (struct ratls_tpm_counters){5, 3, 1001});
    expect(ledger, "first key", 5, 3, 1001);
    put(ledger, "first key", (struct ratls_tpm_counters){5, 4, 0});
    expect(ledger, "first key", 5, 4, 0);
    put(ledger, "first key", (struct ratls_tpm_counters){UINT32_MAX, 0, UINT64_MAX});
    expect(ledger, "first key", UINT32_MAX, 0, INT64_MAX);
    cr_expect_not(find(ledger, "second key", &none));
    ratls_ledger_free(ledger);
}

Test(ledger_seen, a_folder_keeps)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger;

    ledger_folder_make(&folder);
    ledger = ledger_open(folder.path);
    put(ledger, "a key", (struct ratls_tpm_counters){1, 2, 3});
    ratls_ledger_free(ledger);
    ledger = ledger_open(folder.path);
    expect(ledger, "a key", 1, 2, 3);
    ratls_ledger_free(ledger);
    ledger_folder_remove(&folder);
}

Test(ledger_seen, is_forgotten_when_somebody_says_so)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_tpm_counters none;
    bool is_found = true;

    put(ledger, "a key", (struct ratls_tpm_counters){9, 9, 9});
    put(ledger, "another", (struct ratls_tpm_counters){8, 8, 8});
    cr_assert_eq(ratls_ledger_forget_seen(ledger, ratls_slice("no key", 6), &is_found, NULL),
                 RATLS_OK);
    cr_expect_not(is_found);
    cr_assert_eq(ratls_ledger_forget_seen(ledger, ratls_slice("a key", 5), &is_found, NULL),
                 RATLS_OK);
    cr_expect(is_found);
    cr_expect_not(find(ledger, "a key", &none));
    expect(ledger, "another", 8, 8, 8);
    put(ledger, "a key", (struct ratls_tpm_counters){0, 0, 1});
    expect(ledger, "a key", 0, 0, 1);
    ratls_ledger_free(ledger);
}

/* What the version before wrote is still there. */
Test(ledger_seen, a_file_of_the_version_before_is_brought_to_ours)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger;
    struct ratls_ledger_row row = ledger_row(0xaa, 5), found;

    ledger_folder_make(&folder);
    ledger = ledger_open(folder.path);
    ledger_put(ledger, SERVER, &row);
    ratls_ledger_free(ledger);
    run_sql(&folder, "DROP TABLE seen; PRAGMA user_version = 1");
    ledger = ledger_open(folder.path);
    put(ledger, "a key", (struct ratls_tpm_counters){1, 2, 3});
    expect(ledger, "a key", 1, 2, 3);
    cr_assert(ledger_find(ledger, SERVER, 0x11, &found));
    cr_expect(ledger_rows_equal(&row, &found));
    ratls_ledger_free(ledger);
    ledger_folder_remove(&folder);
}

/* It once held what must not go back: nobody may take that for a key that was never seen. */
Test(ledger_seen, a_row_that_no_ledger_writes_is_an_error)
{
    static const char *const damages[] = {"reset_count = -1", "restart_count = 4294967296",
                                          "clock_ms = -5"};
    struct ledger_folder folder;
    struct ratls_ledger *ledger;

    ledger_folder_make(&folder);
    ledger = ledger_open(folder.path);
    put(ledger, "a key", (struct ratls_tpm_counters){1, 2, 3});
    ratls_ledger_free(ledger);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct ratls_tpm_counters got;
        struct ratls_error err = {0};
        bool is_found;
        char sql[160];

        snprintf(sql, sizeof sql,
                 "PRAGMA ignore_check_constraints = ON; UPDATE seen SET reset_count = 1,"
                 " restart_count = 2, clock_ms = 3; UPDATE seen SET %s",
                 damages[i]);
        run_sql(&folder, sql);
        ledger = ledger_open(folder.path);
        cr_expect_eq(ratls_ledger_find_seen(ledger, ratls_slice("a key", 5), &got, &is_found, &err),
                     RATLS_IO, "%s", damages[i]);
        cr_expect_not_null(strstr(err.text, "If it is removed"), "%s", err.text);
        ratls_ledger_free(ledger);
    }
    ledger_folder_remove(&folder);
}

/* The one that has not moved for longest goes. */
Test(ledger_seen, is_bounded, .timeout = 300)
{
    struct ledger_folder folder;
    struct ratls_ledger *ledger;
    struct ratls_tpm_counters none;
    char sql[400];

    ledger_folder_make(&folder);
    ledger = ledger_open(folder.path);
    put(ledger, "first key", (struct ratls_tpm_counters){1, 1, 1});
    put(ledger, "moving key", (struct ratls_tpm_counters){1, 1, 1});
    ratls_ledger_free(ledger);
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO seen SELECT CAST('key ' || i AS BLOB), 1, 1, 1, i + 2 FROM n",
             RATLS_LEDGER_SEEN_MAX - 2);
    run_sql(&folder, sql);
    ledger = ledger_open(folder.path);
    put(ledger, "moving key", (struct ratls_tpm_counters){1, 1, 2});
    cr_expect(find(ledger, "first key", &none));
    put(ledger, "last key", (struct ratls_tpm_counters){1, 1, 1});
    cr_expect_not(find(ledger, "first key", &none));
    expect(ledger, "moving key", 1, 1, 2);
    expect(ledger, "last key", 1, 1, 1);
    ratls_ledger_free(ledger);
    ledger_folder_remove(&folder);
}
