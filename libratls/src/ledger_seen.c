#include "ledger_seen.h"

#include "ledger_query.h"

/* Columns of a result. */
#define RESET_COUNT 0
#define RESTART_COUNT 1
#define CLOCK_MS 2

static enum ratls_status begin_query(struct ratls_ledger *ledger, enum ratls_ledger_query which,
                                     struct ratls_slice ak_name, sqlite3_stmt **ret_query,
                                     struct ratls_error *err)
{
    enum ratls_status status = ratls_ledger_query(ledger, which, NULL, ret_query, err);

    if (status == RATLS_OK &&
        sqlite3_bind_blob(*ret_query, 1, ak_name.p, (int)ak_name.len, SQLITE_STATIC) != SQLITE_OK)
        status = ratls_ledger_fail(ledger, err);
    return status;
}

/* The schema has checked the numbers when they were written; a file may be damaged since. */
static bool read_counters(sqlite3_stmt *query, struct ratls_tpm_counters *ret_counters)
{
    const sqlite3_int64 reset = sqlite3_column_int64(query, RESET_COUNT);
    const sqlite3_int64 restart = sqlite3_column_int64(query, RESTART_COUNT);
    const sqlite3_int64 clock = sqlite3_column_int64(query, CLOCK_MS);

    if (reset < 0 || reset > UINT32_MAX || restart < 0 || restart > UINT32_MAX || clock < 0)
        return false;
    *ret_counters = (struct ratls_tpm_counters){.reset_count = (uint32_t)reset,
                                                .restart_count = (uint32_t)restart,
                                                .clock_ms = (uint64_t)clock};
    return true;
}

/* Within a step. A row that no ledger writes is an error: it once held what must not go back. */
static enum ratls_status find_row(struct ratls_ledger *ledger, struct ratls_slice ak_name,
                                  struct ratls_tpm_counters *ret_counters, bool *ret_found,
                                  struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    bool has_row = false;
    enum ratls_status status = begin_query(ledger, RATLS_LEDGER_FIND_SEEN, ak_name, &query, err);

    if (status == RATLS_OK)
        status = ratls_ledger_next(ledger, query, &has_row, err);
    if (status != RATLS_OK)
        return status;
    if (has_row && !read_counters(query, ret_counters))
        status = ratls_ledger_damaged(ledger, "the counters of a key are none", err);
    if (has_row)
        ratls_ledger_query_done(query);
    *ret_found = has_row;
    return status;
}

enum ratls_status ratls_ledger_find_seen(struct ratls_ledger *ledger, struct ratls_slice ak_name,
                                         struct ratls_tpm_counters *ret_counters, bool *ret_found,
                                         struct ratls_error *err)
{
    struct ratls_tpm_counters counters = {0};
    bool is_found = false;
    enum ratls_status status = ratls_ledger_begin(ledger, false, err);

    if (status != RATLS_OK)
        return status;
    status = find_row(ledger, ak_name, &counters, &is_found, err);
    status = ratls_ledger_end(ledger, status, err);
    if (status != RATLS_OK)
        return status;
    if (is_found)
        *ret_counters = counters;
    *ret_found = is_found;
    return RATLS_OK;
}

static enum ratls_status put_row(struct ratls_ledger *ledger, struct ratls_slice ak_name,
                                 const struct ratls_tpm_counters *counters, struct ratls_error *err)
{
    const uint64_t clock = counters->clock_ms > INT64_MAX ? INT64_MAX : counters->clock_ms;
    sqlite3_stmt *query = NULL;
    enum ratls_status status = begin_query(ledger, RATLS_LEDGER_PUT_SEEN, ak_name, &query, err);

    if (status != RATLS_OK)
        return status;
    if (sqlite3_bind_int64(query, 2, counters->reset_count) != SQLITE_OK ||
        sqlite3_bind_int64(query, 3, counters->restart_count) != SQLITE_OK ||
        sqlite3_bind_int64(query, 4, (sqlite3_int64)clock) != SQLITE_OK)
        return ratls_ledger_fail(ledger, err);
    return ratls_ledger_do(ledger, query, err);
}

enum ratls_status ratls_ledger_put_seen(struct ratls_ledger *ledger, struct ratls_slice ak_name,
                                        const struct ratls_tpm_counters *counters,
                                        struct ratls_error *err)
{
    struct ratls_tpm_counters before;
    bool is_known = false;
    enum ratls_status status = ratls_ledger_begin(ledger, true, err);

    if (status != RATLS_OK)
        return status;
    status = find_row(ledger, ak_name, &before, &is_known, err);
    if (status == RATLS_OK)
        status = put_row(ledger, ak_name, counters, err);
    if (status == RATLS_OK && !is_known)
        status = ratls_ledger_prune(ledger, err);
    return ratls_ledger_end(ledger, status, err);
}

enum ratls_status ratls_ledger_forget_seen(struct ratls_ledger *ledger, struct ratls_slice ak_name,
                                           bool *ret_found, struct ratls_error *err)
{
    struct ratls_tpm_counters before;
    sqlite3_stmt *query = NULL;
    bool is_found = false;
    enum ratls_status status = ratls_ledger_begin(ledger, true, err);

    if (status != RATLS_OK)
        return status;
    status = find_row(ledger, ak_name, &before, &is_found, err);
    if (status == RATLS_OK)
        status = begin_query(ledger, RATLS_LEDGER_DROP_SEEN, ak_name, &query, err);
    if (status == RATLS_OK)
        status = ratls_ledger_do(ledger, query, err);
    status = ratls_ledger_end(ledger, status, err);
    if (status == RATLS_OK)
        *ret_found = is_found;
    return status;
}
