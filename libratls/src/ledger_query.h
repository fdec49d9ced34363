/* For ledger.c: the connection of this process, its lock, and what is asked on it. */
#ifndef RATLS_LEDGER_QUERY_H
#define RATLS_LEDGER_QUERY_H

#include <sqlite3.h>

#include "ledger.h"

/* ?1 and ?2 are ak_name and rules, but for FIND_SERVER: server and rules; of SEEN ?1 alone. */
enum ratls_ledger_query {
    RATLS_LEDGER_FIND_SERVER, /* columns of ledger_row.h */
    RATLS_LEDGER_FIND_KEY,    /* the same */
    RATLS_LEDGER_FIND_PIECES, /* begin and length of each piece of pending, in their order */
    RATLS_LEDGER_READ_PIECES, /* and its bytes */
    RATLS_LEDGER_PUT_ROW,     /* parameters of ledger_row.h */
    RATLS_LEDGER_PUT_SERVER,  /* ?3: the server */
    RATLS_LEDGER_PUT_PIECE,   /* ?3: begin, ?4: bytes */
    RATLS_LEDGER_DROP_PENDING,
    RATLS_LEDGER_DROP_ROW,
    RATLS_LEDGER_FIND_SEEN, /* reset_count, restart_count, clock_ms */
    RATLS_LEDGER_PUT_SEEN,  /* ?2 to ?4: the same */
    RATLS_LEDGER_DROP_SEEN,
    RATLS_LEDGER_QUERIES,
};

/*
 * A step begins with the lock and a transaction, in the connection of this process, and ends with
 * both: all of it is done, or, if status is not RATLS_OK, nothing. begin: RATLS_OK, or no step was
 * begun. end returns status, or why what was done could not be kept.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_begin(struct ratls_ledger *ledger, bool is_write,
                                                      struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_ledger_end(struct ratls_ledger *ledger, enum ratls_status status, struct ratls_error *err);

/* Within a step. A query with the parameters of the key, unless that is NULL. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_query(struct ratls_ledger *ledger,
                                                      enum ratls_ledger_query query,
                                                      const struct ratls_ledger_row *key,
                                                      sqlite3_stmt **ret_query,
                                                      struct ratls_error *err);
/* *ret_row: whether there is a (next) row of the result. The query is used up at its end. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_next(struct ratls_ledger *ledger,
                                                     sqlite3_stmt *query, bool *ret_row,
                                                     struct ratls_error *err);
/* For a result that is not read to its end. */
void ratls_ledger_query_done(sqlite3_stmt *query);
/* For a query without result. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_do(struct ratls_ledger *ledger, sqlite3_stmt *query,
                                                   struct ratls_error *err);
/* Removes what is beyond the limits of ledger.h. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_prune(struct ratls_ledger *ledger,
                                                      struct ratls_error *err);
/* Why the last call of SQLite failed. */
enum ratls_status ratls_ledger_fail(struct ratls_ledger *ledger, struct ratls_error *err);
/* RATLS_IO: the file holds what no ledger writes. */
enum ratls_status ratls_ledger_damaged(struct ratls_ledger *ledger, const char *what,
                                       struct ratls_error *err);

#endif
