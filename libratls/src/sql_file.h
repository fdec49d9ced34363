/* Files of SQLite that are ours: opened without trust in what is in them, and statements. */
#ifndef RATLS_SQL_FILE_H
#define RATLS_SQL_FILE_H

#include <sqlite3.h>

#include <ratls/error.h>

/* What a kind of file is. */
struct ratls_sql_kind {
    const char *name;    /* "ledger" */
    const char *decides; /* what is decided by who can write to it: "what is known of servers" */
    const char *damaged; /* what to do with one that is damaged; behind the message of SQLite */
    const char *foreign; /* what to do with one of another program or version */
    const char *const *versions; /* what makes each version (user_version) of the one before */
    int version;                 /* how many there are */
    int application_id;
    int busy_ms; /* how long to wait for others that write */
    int len_max; /* of a value */
};

/*
 * path == NULL: in memory. Makes a file that is not there, readable and writable for its owner
 * alone, and brings one of an older version to ours. RATLS_IO for a file that is none of ours, is
 * of a newer version, or cannot be written.
 */
RATLS_MUST_CHECK enum ratls_status ratls_sql_open(const struct ratls_sql_kind *kind,
                                                  const char *path, sqlite3 **ret_db,
                                                  struct ratls_error *err);

/* Why the last call on db failed: RATLS_MEMORY or RATLS_IO, with words. path may be NULL. */
enum ratls_status ratls_sql_fail(const struct ratls_sql_kind *kind, sqlite3 *db, const char *path,
                                 const char *what, struct ratls_error *err);

/* Statements without parameters and results. */
RATLS_MUST_CHECK enum ratls_status ratls_sql_run(const struct ratls_sql_kind *kind, sqlite3 *db,
                                                 const char *path, const char *sql,
                                                 struct ratls_error *err);

/* An absolute path to the file in a folder, which must be ours: RATLS_IO, RATLS_USAGE. */
RATLS_MUST_CHECK enum ratls_status ratls_sql_path(const struct ratls_sql_kind *kind,
                                                  const char *folder, const char *file,
                                                  char **ret_path, struct ratls_error *err);

#endif
