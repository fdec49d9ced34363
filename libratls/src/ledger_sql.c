/*
 * Between two steps no lock is held: that is what a rollback journal allows, and WAL does not. With
 * WAL a connection holds a shared lock as long as it is open, and shares its memory with what the
 * process opens later: after a fork the child would count on a lock that it did not inherit. The
 * price, two more writes to the disk, is paid only when a list grew.
 */
#include "ledger_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "ima.h"

#define APPLICATION_ID 0x7261746c /* "ratl" */
#define SCHEMA_VERSION 1
#define BUSY_MS 3000 /* another process writes for milliseconds */
#define LEN_MAX (RATLS_IMA_LIST_MAX + 4096)

/* The numbers in CHECK are the limits of WIRE.md, 6, and of TPM structures. */
static const char schema[] =
    "CREATE TABLE acknowledged("
    " id INTEGER PRIMARY KEY,"
    " ak_name BLOB NOT NULL CHECK(length(ak_name) BETWEEN 3 AND 66),"
    " rules BLOB NOT NULL CHECK(length(rules) = 32),"
    " reset_count INTEGER NOT NULL CHECK(reset_count BETWEEN 0 AND 4294967295),"
    " restart_count INTEGER NOT NULL CHECK(restart_count BETWEEN 0 AND 4294967295),"
    " list_alg INTEGER NOT NULL CHECK(list_alg IN (4, 11, 12, 13)),"
    " bank INTEGER NOT NULL CHECK(bank IN (11, 12, 13)),"
    " mode INTEGER NOT NULL CHECK(mode BETWEEN 0 AND 2),"
    " offset INTEGER NOT NULL CHECK(offset BETWEEN 0 AND 16777216),"
    " entries INTEGER NOT NULL CHECK(entries BETWEEN 0 AND offset),"
    " violations INTEGER NOT NULL CHECK(violations BETWEEN 0 AND entries),"
    " pcr BLOB NOT NULL CHECK(length(pcr) IN (32, 48, 64)),"
    " boot_aggregate_alg INTEGER NOT NULL CHECK(boot_aggregate_alg IN (0, 4, 11, 12, 13)),"
    " boot_aggregate BLOB NOT NULL CHECK(length(boot_aggregate) <= 64),"
    " used INTEGER NOT NULL UNIQUE," /* grows with each step: what is smallest goes first */
    " UNIQUE(ak_name, rules)) STRICT;"
    "CREATE TABLE pending("
    " id INTEGER NOT NULL REFERENCES acknowledged ON DELETE CASCADE,"
    " begin INTEGER NOT NULL CHECK(begin BETWEEN 0 AND 16777216)," /* counted from offset */
    " bytes BLOB NOT NULL CHECK(length(bytes) BETWEEN 1 AND 16777216),"
    " UNIQUE(id, begin)) STRICT;"
    "CREATE TABLE speaker(" /* which key last spoke for a server */
    " server TEXT NOT NULL,"
    " rules BLOB NOT NULL CHECK(length(rules) = 32),"
    " id INTEGER NOT NULL REFERENCES acknowledged ON DELETE CASCADE,"
    " UNIQUE(server, rules)) STRICT;"
    "CREATE INDEX speaker_id ON speaker(id);";

enum ratls_status ratls_sql_fail(sqlite3 *db, const char *path, const char *what,
                                 struct ratls_error *err)
{
    int code = db == NULL ? SQLITE_NOMEM : sqlite3_errcode(db);
    const char *help = "";

    if (code == SQLITE_NOMEM)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        help = ". If it is removed, lists are only fetched from their begin again";
    return ratls_fail(err, RATLS_IO, "%s: %s: %s%s", path == NULL ? "ledger in memory" : path, what,
                      sqlite3_errmsg(db), help);
}

enum ratls_status ratls_sql_run(sqlite3 *db, const char *path, const char *sql,
                                struct ratls_error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return ratls_sql_fail(db, path, "SQLite", err);
    return RATLS_OK;
}

/* Who can write to it decides what counts as acknowledged. */
static enum ratls_status check_file(const char *path, struct ratls_error *err)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ratls_fail(err, RATLS_IO, "%s: no regular file", path);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return ratls_fail(err, RATLS_IO,
                          "%s: others may write to this file, and so to what is known of servers: "
                          "remove it",
                          path);
    return RATLS_OK;
}

/* SQLite gives its journal the mode of the file. */
static enum ratls_status make_file(const char *path, struct ratls_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd >= 0)
        (void)close(fd);
    else if (errno != EEXIST)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    return check_file(path, err);
}

static enum ratls_status read_number(sqlite3 *db, const char *path, const char *sql,
                                     int64_t *ret_number, struct ratls_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum ratls_status status = RATLS_OK;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        status = ratls_sql_fail(db, path, "no ledger", err);
    else
        *ret_number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return status;
}

/* In a transaction. What is there and is not ours is left alone. */
static enum ratls_status make_schema(sqlite3 *db, const char *path, struct ratls_error *err)
{
    int64_t id = 0, version = 0, things = 0;
    char *sql;
    enum ratls_status status = read_number(db, path, "PRAGMA application_id", &id, err);

    if (status == RATLS_OK)
        status = read_number(db, path, "PRAGMA user_version", &version, err);
    if (status == RATLS_OK)
        status = read_number(db, path, "SELECT count(*) FROM sqlite_schema", &things, err);
    if (status != RATLS_OK)
        return status;
    if (id == APPLICATION_ID && version == SCHEMA_VERSION)
        return RATLS_OK;
    if (id != 0 || version != 0 || things != 0)
        return ratls_fail(err, RATLS_IO,
                          "%s: a file of another program, or of another version of ratls (%lld, "
                          "not %d): remove it",
                          path == NULL ? "ledger in memory" : path, (long long)version,
                          SCHEMA_VERSION);
    sql = sqlite3_mprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d;", schema,
                          APPLICATION_ID, SCHEMA_VERSION);
    status = sql == NULL ? ratls_sql_fail(NULL, path, "", err) : ratls_sql_run(db, path, sql, err);
    sqlite3_free(sql);
    return status;
}

static enum ratls_status check_schema(sqlite3 *db, const char *path, struct ratls_error *err)
{
    enum ratls_status status = ratls_sql_run(db, path, "BEGIN IMMEDIATE", err);

    if (status == RATLS_OK)
        status = make_schema(db, path, err);
    if (status == RATLS_OK)
        status = ratls_sql_run(db, path, "COMMIT", err);
    return status;
}

/* A file may have been damaged, or made to look like ours: it runs nothing, and reads within. */
static enum ratls_status set_up(sqlite3 *db, const char *path, struct ratls_error *err)
{
    static const char pragmas[] = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                                  "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                                  "PRAGMA synchronous = FULL;";
    enum ratls_status status;

    (void)sqlite3_extended_result_codes(db, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LEN_MAX);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    if (sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) != SQLITE_OK)
        return ratls_sql_fail(db, path, "SQLite", err);
    status = ratls_sql_run(db, path, pragmas, err);
    if (status == RATLS_OK)
        status = check_schema(db, path, err);
    /* After the look at whose file it is: it would also change the mode of another's. */
    if (status == RATLS_OK)
        status = ratls_sql_run(db, path, "PRAGMA journal_mode = TRUNCATE", err);
    return status;
}

enum ratls_status ratls_sql_open(const char *path, sqlite3 **ret_db, struct ratls_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    sqlite3 *db = NULL;
    enum ratls_status status = path == NULL ? RATLS_OK : make_file(path, err);

    if (status != RATLS_OK)
        return status;
    if (sqlite3_open_v2(path == NULL ? ":memory:" : path, &db, flags, NULL) != SQLITE_OK)
        status = ratls_sql_fail(db, path, "cannot be opened", err);
    else if (sqlite3_db_readonly(db, "main") != 0)
        status = ratls_fail(err, RATLS_IO, "%s: is not writable", path);
    else
        status = set_up(db, path, err);
    if (status != RATLS_OK)
        (void)sqlite3_close(db);
    else
        *ret_db = db;
    return status;
}
