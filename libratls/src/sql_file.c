/*
 * Between two steps no lock is held: that is what a rollback journal allows, and WAL does not. With
 * WAL a connection holds a shared lock as long as it is open, and shares its memory with what the
 * process opens later: after a fork the child would count on a lock that it did not inherit. The
 * price, two more writes to the disk, is paid only when a list grew.
 */
#include "sql_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"

#define BUSY_PAUSE_NS 2000000 /* at most; half of it on average */

enum ratls_status ratls_sql_fail(const struct ratls_sql_kind *kind, sqlite3 *db, const char *path,
                                 const char *what, struct ratls_error *err)
{
    int code = db == NULL ? SQLITE_NOMEM : sqlite3_errcode(db);
    const char *help = "";

    if (code == SQLITE_NOMEM)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        help = kind->damaged;
    if (path == NULL)
        return ratls_fail(err, RATLS_IO, "%s in memory: %s: %s%s", kind->name, what,
                          sqlite3_errmsg(db), help);
    return ratls_fail(err, RATLS_IO, "%s: %s: %s%s", path, what, sqlite3_errmsg(db), help);
}

enum ratls_status ratls_sql_run(const struct ratls_sql_kind *kind, sqlite3 *db, const char *path,
                                const char *sql, struct ratls_error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return ratls_sql_fail(kind, db, path, "SQLite", err);
    return RATLS_OK;
}

/* Who can write to it decides. */
static enum ratls_status check_file(const struct ratls_sql_kind *kind, const char *path,
                                    struct ratls_error *err)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ratls_fail(err, RATLS_IO, "%s: no regular file", path);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return ratls_fail(err, RATLS_IO, "%s: others may write to this file, and so to %s: %s",
                          path, kind->decides, kind->foreign);
    return RATLS_OK;
}

/* SQLite gives its journal the mode of the file. */
static enum ratls_status make_file(const struct ratls_sql_kind *kind, const char *path,
                                   struct ratls_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd >= 0)
        (void)close(fd);
    else if (errno != EEXIST)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    return check_file(kind, path, err);
}

static enum ratls_status read_number(const struct ratls_sql_kind *kind, sqlite3 *db,
                                     const char *path, const char *sql, int64_t *ret_number,
                                     struct ratls_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum ratls_status status = RATLS_OK;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        status = ratls_sql_fail(kind, db, path, "cannot be read", err);
    else
        *ret_number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return status;
}

/* In a transaction: the versions behind this one. */
static enum ratls_status make_versions(const struct ratls_sql_kind *kind, sqlite3 *db,
                                       const char *path, int64_t version, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    char *sql;

    for (int64_t i = version; i < kind->version && status == RATLS_OK; i++)
        status = ratls_sql_run(kind, db, path, kind->versions[i], err);
    if (status != RATLS_OK)
        return status;
    sql = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;",
                          kind->application_id, kind->version);
    status = sql == NULL ? ratls_sql_fail(kind, NULL, path, "", err)
                         : ratls_sql_run(kind, db, path, sql, err);
    sqlite3_free(sql);
    return status;
}

/* In a transaction. What is there and is not ours is left alone. */
static enum ratls_status make_schema(const struct ratls_sql_kind *kind, sqlite3 *db,
                                     const char *path, struct ratls_error *err)
{
    int64_t id = 0, version = 0, things = 0;
    bool is_ours, is_new;
    enum ratls_status status = read_number(kind, db, path, "PRAGMA application_id", &id, err);

    if (status == RATLS_OK)
        status = read_number(kind, db, path, "PRAGMA user_version", &version, err);
    if (status == RATLS_OK)
        status = read_number(kind, db, path, "SELECT count(*) FROM sqlite_schema", &things, err);
    if (status != RATLS_OK)
        return status;
    is_ours = id == kind->application_id;
    is_new = id == 0 && version == 0 && things == 0;
    if (is_ours && version == kind->version)
        return RATLS_OK;
    if (is_new || (is_ours && version > 0 && version < kind->version))
        return make_versions(kind, db, path, version, err);
    return ratls_fail(err, RATLS_IO,
                      "%s: a file of another program, or of another version of ratls (%lld, not "
                      "%d): %s",
                      path, (long long)version, kind->version, kind->foreign);
}

static enum ratls_status check_schema(const struct ratls_sql_kind *kind, sqlite3 *db,
                                      const char *path, struct ratls_error *err)
{
    enum ratls_status status = ratls_sql_run(kind, db, path, "BEGIN IMMEDIATE", err);

    if (status == RATLS_OK)
        status = make_schema(kind, db, path, err);
    if (status == RATLS_OK)
        status = ratls_sql_run(kind, db, path, "COMMIT", err);
    return status;
}

/*
 * Whoever waits is not in a queue: it has to come in the moment between two steps of another, which
 * is far shorter than a step. sqlite3_busy_timeout() looks every 100 ms, and a process that is busy
 * keeps the others out until they give up; to look often, and by chance, lets them in.
 */
static int wait_busy(void *arg, int count)
{
    const struct ratls_sql_kind *kind = arg;
    struct timespec t = {0, BUSY_PAUSE_NS / 2};
    uint8_t chance = 0;

    if (count >= kind->busy_ms) /* 1 ms each */
        return 0;
    if (ratls_random(&chance, sizeof chance, NULL) == RATLS_OK)
        t.tv_nsec = BUSY_PAUSE_NS / UINT8_MAX * chance;
    (void)nanosleep(&t, NULL);
    return 1;
}

/* A file may have been damaged, or made to look like ours: it runs nothing, and reads within. */
static enum ratls_status set_up(const struct ratls_sql_kind *kind, sqlite3 *db, const char *path,
                                struct ratls_error *err)
{
    static const char pragmas[] = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                                  "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                                  "PRAGMA synchronous = FULL;";
    enum ratls_status status;

    (void)sqlite3_extended_result_codes(db, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, kind->len_max);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    if (sqlite3_busy_handler(db, wait_busy, (void *)(uintptr_t)kind) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) != SQLITE_OK)
        return ratls_sql_fail(kind, db, path, "SQLite", err);
    status = ratls_sql_run(kind, db, path, pragmas, err);
    if (status == RATLS_OK)
        status = check_schema(kind, db, path, err);
    /* After the look at whose file it is: it would also change the mode of another's. */
    if (status == RATLS_OK)
        status = ratls_sql_run(kind, db, path, "PRAGMA journal_mode = TRUNCATE", err);
    return status;
}

enum ratls_status ratls_sql_open(const struct ratls_sql_kind *kind, const char *path,
                                 sqlite3 **ret_db, struct ratls_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    sqlite3 *db = NULL;
    enum ratls_status status = path == NULL ? RATLS_OK : make_file(kind, path, err);

    if (status != RATLS_OK)
        return status;
    if (sqlite3_open_v2(path == NULL ? ":memory:" : path, &db, flags, NULL) != SQLITE_OK)
        status = ratls_sql_fail(kind, db, path, "cannot be opened", err);
    else if (sqlite3_db_readonly(db, "main") != 0)
        status = ratls_fail(err, RATLS_IO, "%s: is not writable", path);
    else
        status = set_up(kind, db, path, err);
    if (status != RATLS_OK)
        (void)sqlite3_close(db);
    else
        *ret_db = db;
    return status;
}

/* As an absolute path: a program may change its folder before the file is opened. */
enum ratls_status ratls_sql_path(const struct ratls_sql_kind *kind, const char *folder,
                                 const char *file, char **ret_path, struct ratls_error *err)
{
    char *absolute = realpath(folder, NULL);
    enum ratls_status status = RATLS_OK;
    struct stat st;

    if (absolute == NULL && errno == ENOENT)
        status = ratls_fail(err, RATLS_IO, "%s: %s; mkdir -m 700 makes the folder", folder,
                            strerror(errno));
    else if (absolute == NULL || stat(absolute, &st) != 0)
        status = ratls_fail(err, errno == ENOMEM ? RATLS_MEMORY : RATLS_IO, "%s: %s", folder,
                            strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        status = ratls_fail(err, RATLS_IO, "%s: is no folder", folder);
    else if ((st.st_mode & S_IWOTH) != 0)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: everyone may write to this folder, and so to %s: take that right "
                            "away with chmod o-w",
                            folder, kind->decides);
    else if (asprintf(ret_path, "%s/%s", absolute, file) < 0)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    free(absolute);
    return status;
}
