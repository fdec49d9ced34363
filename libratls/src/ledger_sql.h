/* For ledger.c: what its file is. */
#ifndef RATLS_LEDGER_SQL_H
#define RATLS_LEDGER_SQL_H

#include "sql_file.h"

extern const struct ratls_sql_kind ratls_ledger_kind;

#endif
