/* For ledger.c: rows to parameters of a statement, and columns of a result to rows. */
#ifndef RATLS_LEDGER_ROW_H
#define RATLS_LEDGER_ROW_H

#include <sqlite3.h>

#include "ledger.h"

/* Of table acknowledged, as both functions number them: ?1 and ?2 are ak_name and rules. */
#define RATLS_LEDGER_COLUMNS                                                                       \
    "ak_name, rules, reset_count, restart_count, list_alg, bank, mode, offset, entries, "          \
    "violations, pcr, boot_aggregate_alg, boot_aggregate"

/* Returns SQLITE_OK, or why SQLite could not. The statement borrows from the row. */
int ratls_ledger_bind_key(sqlite3_stmt *statement, const struct ratls_ledger_row *row);
int ratls_ledger_bind_row(sqlite3_stmt *statement, const struct ratls_ledger_row *row);

/* False if the columns hold what no ledger writes. pending_len is 0. */
bool ratls_ledger_read_row(sqlite3_stmt *statement, struct ratls_ledger_row *ret_row);

#endif
