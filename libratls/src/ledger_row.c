#include "ledger_row.h"

#include <string.h>

enum column { /* of a result; the parameter is one more */
              AK_NAME,
              RULES,
              RESET_COUNT,
              RESTART_COUNT,
              LIST_ALG,
              BANK,
              MODE,
              OFFSET,
              ENTRIES,
              VIOLATIONS,
              PCR,
              BOOT_AGGREGATE_ALG,
              BOOT_AGGREGATE,
};

static int bind_blob(sqlite3_stmt *statement, enum column column, const uint8_t *p, size_t len)
{
    return sqlite3_bind_blob(statement, (int)column + 1, p, (int)len, SQLITE_STATIC);
}

static int bind_number(sqlite3_stmt *statement, enum column column, uint64_t number)
{
    return sqlite3_bind_int64(statement, (int)column + 1, (sqlite3_int64)number);
}

int ratls_ledger_bind_key(sqlite3_stmt *statement, const struct ratls_ledger_row *row)
{
    int code = bind_blob(statement, AK_NAME, row->ak_name, row->ak_name_len);

    if (code == SQLITE_OK)
        code = bind_blob(statement, RULES, row->rules_sha256, sizeof row->rules_sha256);
    return code;
}

int ratls_ledger_bind_row(sqlite3_stmt *statement, const struct ratls_ledger_row *row)
{
    const struct {
        enum column column;
        uint64_t value;
    } numbers[] = {
        {RESET_COUNT, row->reset_count},
        {RESTART_COUNT, row->restart_count},
        {LIST_ALG, row->ima.list_alg},
        {BANK, row->ima.bank},
        {MODE, (uint64_t)row->ima.mode},
        {OFFSET, row->ima.offset},
        {ENTRIES, row->ima.entries},
        {VIOLATIONS, row->ima.violations},
        {BOOT_AGGREGATE_ALG, row->boot_aggregate_alg},
    };
    int code = ratls_ledger_bind_key(statement, row);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && code == SQLITE_OK; i++)
        code = bind_number(statement, numbers[i].column, numbers[i].value);
    if (code == SQLITE_OK)
        code = bind_blob(statement, PCR, row->ima.pcr, ratls_tpm_hash_len(row->ima.bank));
    if (code == SQLITE_OK)
        code = bind_blob(statement, BOOT_AGGREGATE, row->boot_aggregate,
                         ratls_tpm_hash_len(row->boot_aggregate_alg));
    return code;
}

/* As outside bytes are read: what is wrong sticks. */
struct columns {
    sqlite3_stmt *statement;
    bool failed;
};

static uint64_t read_number(struct columns *c, enum column column, uint64_t max)
{
    sqlite3_int64 number = sqlite3_column_int64(c->statement, (int)column);

    if (sqlite3_column_type(c->statement, (int)column) != SQLITE_INTEGER || number < 0 ||
        (uint64_t)number > max) {
        c->failed = true;
        return 0;
    }
    return (uint64_t)number;
}

static size_t read_blob(struct columns *c, enum column column, size_t min, size_t max, uint8_t *out)
{
    const void *p = sqlite3_column_blob(c->statement, (int)column);
    int len = sqlite3_column_bytes(c->statement, (int)column);

    if (sqlite3_column_type(c->statement, (int)column) != SQLITE_BLOB || len < 0 ||
        (size_t)len < min || (size_t)len > max) {
        c->failed = true;
        return 0;
    }
    if (len > 0)
        memcpy(out, p, (size_t)len);
    return (size_t)len;
}

/* A state that ratls_ima_replay_until() can leave, or the one before any entry. */
static bool is_state(const struct ratls_ima_state *state)
{
    bool is_begin = state->offset == 0;

    if (!ratls_tpm_is_strong_hash(state->bank) ||
        (state->list_alg != RATLS_ALG_SHA1 && state->list_alg != state->bank))
        return false;
    if (is_begin != (state->entries == 0) || state->entries > state->offset ||
        state->violations > state->entries)
        return false;
    if (!is_begin && state->mode == RATLS_IMA_EITHER)
        return false;
    return state->list_alg == RATLS_ALG_SHA1 || state->mode == RATLS_IMA_NATIVE;
}

static bool read_state(struct columns *c, struct ratls_ima_state *ret_state)
{
    struct ratls_ima_state state = {0};
    size_t len;

    state.list_alg = (uint16_t)read_number(c, LIST_ALG, UINT16_MAX);
    state.bank = (uint16_t)read_number(c, BANK, UINT16_MAX);
    state.mode = (enum ratls_ima_mode)read_number(c, MODE, RATLS_IMA_PADDED);
    state.offset = read_number(c, OFFSET, RATLS_IMA_LIST_MAX);
    state.entries = read_number(c, ENTRIES, RATLS_IMA_LIST_MAX);
    state.violations = read_number(c, VIOLATIONS, RATLS_IMA_LIST_MAX);
    len = ratls_tpm_hash_len(state.bank);
    (void)read_blob(c, PCR, len, len, state.pcr); /* at most RATLS_DIGEST_MAX */
    if (c->failed || !is_state(&state))
        return false;
    *ret_state = state;
    return true;
}

bool ratls_ledger_read_row(sqlite3_stmt *statement, struct ratls_ledger_row *ret_row)
{
    struct columns c = {.statement = statement};
    struct ratls_ledger_row row = {0};
    size_t len;

    row.ak_name_len = read_blob(&c, AK_NAME, 3, sizeof row.ak_name, row.ak_name);
    (void)read_blob(&c, RULES, sizeof row.rules_sha256, sizeof row.rules_sha256, row.rules_sha256);
    row.reset_count = (uint32_t)read_number(&c, RESET_COUNT, UINT32_MAX);
    row.restart_count = (uint32_t)read_number(&c, RESTART_COUNT, UINT32_MAX);
    row.boot_aggregate_alg = (uint16_t)read_number(&c, BOOT_AGGREGATE_ALG, UINT16_MAX);
    len = read_blob(&c, BOOT_AGGREGATE, 0, sizeof row.boot_aggregate, row.boot_aggregate);
    if (!read_state(&c, &row.ima) || c.failed || len != ratls_tpm_hash_len(row.boot_aggregate_alg))
        return false;
    *ret_row = row;
    return true;
}
