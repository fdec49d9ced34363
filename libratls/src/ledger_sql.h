/* For ledger.c: the file of a ledger, opened and with the schema that we know; and statements. */
#ifndef RATLS_LEDGER_SQL_H
#define RATLS_LEDGER_SQL_H

#include <sqlite3.h>

#include <ratls/error.h>

/*
 * path == NULL: in memory. Makes a file that is not there, readable and writable for its owner
 * alone. RATLS_IO for a file that is none of ours, is of another version, or cannot be written.
 */
RATLS_MUST_CHECK enum ratls_status ratls_sql_open(const char *path, sqlite3 **ret_db,
                                                  struct ratls_error *err);

/* Why the last call on db failed: RATLS_MEMORY or RATLS_IO, with words. path may be NULL. */
enum ratls_status ratls_sql_fail(sqlite3 *db, const char *path, const char *what,
                                 struct ratls_error *err);

/* Statements without parameters and results. */
RATLS_MUST_CHECK enum ratls_status ratls_sql_run(sqlite3 *db, const char *path, const char *sql,
                                                 struct ratls_error *err);

#endif
