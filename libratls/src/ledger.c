#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "ledger_query.h"
#include "ledger_row.h"

/* Columns of the pieces of pending. */
#define PIECE_BEGIN 0
#define PIECE_LEN 1
#define PIECE_BYTES 2

static bool is_same_boot(const struct ratls_ledger_row *a, const struct ratls_ledger_row *b)
{
    return a->reset_count == b->reset_count && a->restart_count == b->restart_count;
}

/* Both rest on the same acknowledged entries: pending bytes of one are those of the other. */
static bool is_same_base(const struct ratls_ledger_row *a, const struct ratls_ledger_row *b)
{
    return is_same_boot(a, b) && a->ima.list_alg == b->ima.list_alg && a->ima.bank == b->ima.bank &&
           a->ima.offset == b->ima.offset;
}

/* TPM 2.0 Part 1, 36: a boot is later if resetCount, then restartCount, is greater. */
static bool is_further(const struct ratls_ledger_row *a, const struct ratls_ledger_row *b)
{
    if (a->reset_count != b->reset_count)
        return a->reset_count > b->reset_count;
    if (a->restart_count != b->restart_count)
        return a->restart_count > b->restart_count;
    return a->ima.list_alg == b->ima.list_alg && a->ima.offset > b->ima.offset;
}

/* The one row of a query. */
static enum ratls_status read_row(struct ratls_ledger *ledger, sqlite3_stmt *query,
                                  struct ratls_ledger_row *ret_row, bool *ret_found,
                                  struct ratls_error *err)
{
    bool has_row = false;
    enum ratls_status status = ratls_ledger_next(ledger, query, &has_row, err);

    if (status != RATLS_OK)
        return status;
    *ret_found = has_row && ratls_ledger_read_row(query, ret_row);
    if (has_row)
        ratls_ledger_query_done(query);
    return RATLS_OK;
}

static enum ratls_status find_key(struct ratls_ledger *ledger, const struct ratls_ledger_row *key,
                                  struct ratls_ledger_row *ret_row, bool *ret_found,
                                  struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    enum ratls_status status = ratls_ledger_query(ledger, RATLS_LEDGER_FIND_KEY, key, &query, err);

    if (status == RATLS_OK)
        status = read_row(ledger, query, ret_row, ret_found, err);
    return status;
}

/* How many bytes of pending are there, one piece behind the other, and no more than may be. */
static enum ratls_status find_pending(struct ratls_ledger *ledger,
                                      const struct ratls_ledger_row *row, uint64_t *ret_len,
                                      struct ratls_error *err)
{
    uint64_t len = 0, max = RATLS_IMA_LIST_MAX - row->ima.offset;
    sqlite3_stmt *query = NULL;
    bool has_row = true;
    enum ratls_status status =
        ratls_ledger_query(ledger, RATLS_LEDGER_FIND_PIECES, row, &query, err);

    while (status == RATLS_OK && has_row) {
        sqlite3_int64 begin, piece;

        status = ratls_ledger_next(ledger, query, &has_row, err);
        if (status != RATLS_OK || !has_row)
            break;
        begin = sqlite3_column_int64(query, PIECE_BEGIN);
        piece = sqlite3_column_int64(query, PIECE_LEN);
        if (begin < 0 || (uint64_t)begin != len || piece <= 0 || (uint64_t)piece > max - len) {
            ratls_ledger_query_done(query);
            break;
        }
        len += (uint64_t)piece;
    }
    if (status == RATLS_OK)
        *ret_len = len;
    return status;
}

enum ratls_status ratls_ledger_find(struct ratls_ledger *ledger, const char *server,
                                    const uint8_t rules_sha256[static 32],
                                    struct ratls_ledger_row *ret_row, bool *ret_found,
                                    struct ratls_error *err)
{
    struct ratls_ledger_row row = {0};
    sqlite3_stmt *query = NULL;
    bool is_found = false;
    enum ratls_status status = ratls_ledger_begin(ledger, false, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_ledger_query(ledger, RATLS_LEDGER_FIND_SERVER, NULL, &query, err);
    if (status == RATLS_OK &&
        (sqlite3_bind_text(query, 1, server, -1, SQLITE_STATIC) != SQLITE_OK ||
         sqlite3_bind_blob(query, 2, rules_sha256, 32, SQLITE_STATIC) != SQLITE_OK))
        status = ratls_ledger_fail(ledger, err);
    if (status == RATLS_OK)
        status = read_row(ledger, query, &row, &is_found, err);
    if (status == RATLS_OK && is_found)
        status = find_pending(ledger, &row, &row.pending_len, err);
    status = ratls_ledger_end(ledger, status, err);
    if (status != RATLS_OK)
        return status;
    if (is_found)
        *ret_row = row;
    *ret_found = is_found;
    return RATLS_OK;
}

static enum ratls_status do_query(struct ratls_ledger *ledger, enum ratls_ledger_query which,
                                  const struct ratls_ledger_row *key, struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    enum ratls_status status = ratls_ledger_query(ledger, which, key, &query, err);

    if (status == RATLS_OK)
        status = ratls_ledger_do(ledger, query, err);
    return status;
}

/* The row in place of the key's old one, without pending. */
static enum ratls_status put_row(struct ratls_ledger *ledger, const struct ratls_ledger_row *row,
                                 struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    enum ratls_status status = ratls_ledger_query(ledger, RATLS_LEDGER_PUT_ROW, NULL, &query, err);

    if (status == RATLS_OK && ratls_ledger_bind_row(query, row) != SQLITE_OK)
        status = ratls_ledger_fail(ledger, err);
    if (status == RATLS_OK)
        status = ratls_ledger_do(ledger, query, err);
    if (status == RATLS_OK)
        status = do_query(ledger, RATLS_LEDGER_DROP_PENDING, row, err);
    return status;
}

static enum ratls_status put_server(struct ratls_ledger *ledger, const char *server,
                                    const struct ratls_ledger_row *row, struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    enum ratls_status status =
        ratls_ledger_query(ledger, RATLS_LEDGER_PUT_SERVER, row, &query, err);

    if (status == RATLS_OK && sqlite3_bind_text(query, 3, server, -1, SQLITE_STATIC) != SQLITE_OK)
        status = ratls_ledger_fail(ledger, err);
    if (status == RATLS_OK)
        status = ratls_ledger_do(ledger, query, err);
    if (status == RATLS_OK)
        status = ratls_ledger_prune(ledger, err);
    return status;
}

enum ratls_status ratls_ledger_put(struct ratls_ledger *ledger, const char *server,
                                   const struct ratls_ledger_row *row, struct ratls_error *err)
{
    struct ratls_ledger_row old;
    bool is_found = false;
    enum ratls_status status = ratls_ledger_begin(ledger, true, err);

    if (status != RATLS_OK)
        return status;
    status = find_key(ledger, row, &old, &is_found, err);
    if (status == RATLS_OK && !(is_found && is_further(&old, row)))
        status = put_row(ledger, row, err);
    if (status == RATLS_OK)
        status = put_server(ledger, server, row, err);
    return ratls_ledger_end(ledger, status, err);
}

/* Pieces one behind the other, up to len bytes. */
static enum ratls_status read_pieces(struct ratls_ledger *ledger,
                                     const struct ratls_ledger_row *row, struct ratls_writer *out,
                                     struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    bool has_row = true;
    enum ratls_status status =
        ratls_ledger_query(ledger, RATLS_LEDGER_READ_PIECES, row, &query, err);

    while (status == RATLS_OK && has_row && out->len < out->cap) {
        const void *bytes;
        size_t len, room = out->cap - out->len;

        status = ratls_ledger_next(ledger, query, &has_row, err);
        if (status != RATLS_OK || !has_row)
            return status;
        bytes = sqlite3_column_blob(query, PIECE_BYTES);
        len = (size_t)sqlite3_column_bytes(query, PIECE_BYTES);
        if (bytes == NULL || (uint64_t)sqlite3_column_int64(query, PIECE_BEGIN) != out->len)
            break;
        ratls_write_bytes(out, ratls_slice(bytes, len < room ? len : room));
    }
    if (query != NULL)
        ratls_ledger_query_done(query);
    return status;
}

static enum ratls_status read_pending(struct ratls_ledger *ledger,
                                      const struct ratls_ledger_row *row, struct ratls_writer *out,
                                      struct ratls_error *err)
{
    struct ratls_ledger_row stored;
    bool is_found = false;
    enum ratls_status status = ratls_ledger_begin(ledger, false, err);

    if (status != RATLS_OK)
        return status;
    status = find_key(ledger, row, &stored, &is_found, err);
    if (status == RATLS_OK && is_found && is_same_base(&stored, row))
        status = read_pieces(ledger, row, out, err);
    return ratls_ledger_end(ledger, status, err);
}

enum ratls_status ratls_ledger_pending(struct ratls_ledger *ledger,
                                       const struct ratls_ledger_row *row, uint8_t **ret_bytes,
                                       size_t *ret_len, struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    struct ratls_writer out;
    enum ratls_status status;

    if (row->pending_len > RATLS_IMA_LIST_MAX)
        return ratls_fail(err, RATLS_LIMIT, "an IMA list of more than %u bytes",
                          RATLS_IMA_LIST_MAX);
    if (row->pending_len > 0) {
        bytes = malloc((size_t)row->pending_len);
        if (bytes == NULL)
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    out = ratls_writer(bytes, (size_t)row->pending_len);
    status = bytes == NULL ? RATLS_OK : read_pending(ledger, row, &out, err);
    if (status != RATLS_OK || out.len == 0) {
        free(bytes);
        bytes = NULL;
    }
    if (status != RATLS_OK)
        return status;
    *ret_bytes = bytes;
    *ret_len = out.len;
    return RATLS_OK;
}

static enum ratls_status put_piece(struct ratls_ledger *ledger, const struct ratls_ledger_row *row,
                                   struct ratls_slice bytes, struct ratls_error *err)
{
    sqlite3_stmt *query = NULL;
    enum ratls_status status = ratls_ledger_query(ledger, RATLS_LEDGER_PUT_PIECE, row, &query, err);

    if (status == RATLS_OK &&
        (sqlite3_bind_int64(query, 3, (sqlite3_int64)row->pending_len) != SQLITE_OK ||
         sqlite3_bind_blob(query, 4, bytes.p, (int)bytes.len, SQLITE_STATIC) != SQLITE_OK))
        status = ratls_ledger_fail(ledger, err);
    if (status == RATLS_OK)
        status = ratls_ledger_do(ledger, query, err);
    return status;
}

/* Within a step: behind what is there, unless that is not what row says. */
static enum ratls_status append_piece(struct ratls_ledger *ledger, const char *server,
                                      const struct ratls_ledger_row *row, struct ratls_slice bytes,
                                      struct ratls_error *err)
{
    struct ratls_ledger_row old;
    bool is_found = false;
    uint64_t end = 0;
    enum ratls_status status = find_key(ledger, row, &old, &is_found, err);

    if (status == RATLS_OK && is_found && is_same_base(&old, row))
        status = find_pending(ledger, row, &end, err);
    else if (status == RATLS_OK && is_found && is_further(&old, row))
        return RATLS_OK;
    else if (status == RATLS_OK)
        status = put_row(ledger, row, err);
    if (status == RATLS_OK && end == row->pending_len)
        status = put_piece(ledger, row, bytes, err);
    if (status == RATLS_OK)
        status = put_server(ledger, server, row, err);
    return status;
}

enum ratls_status ratls_ledger_append(struct ratls_ledger *ledger, const char *server,
                                      struct ratls_ledger_row *row, struct ratls_slice bytes,
                                      struct ratls_error *err)
{
    uint64_t begin = row->ima.offset + row->pending_len;
    enum ratls_status status;

    if (begin > RATLS_IMA_LIST_MAX || bytes.len > RATLS_IMA_LIST_MAX - begin)
        return ratls_fail(err, RATLS_LIMIT, "an IMA list of more than %u bytes",
                          RATLS_IMA_LIST_MAX);
    if (bytes.len == 0)
        return RATLS_OK;
    status = ratls_ledger_begin(ledger, true, err);
    if (status != RATLS_OK)
        return status;
    status = append_piece(ledger, server, row, bytes, err);
    status = ratls_ledger_end(ledger, status, err);
    if (status == RATLS_OK)
        row->pending_len += bytes.len;
    return status;
}

enum ratls_status ratls_ledger_forget(struct ratls_ledger *ledger,
                                      const struct ratls_ledger_row *row, struct ratls_error *err)
{
    struct ratls_ledger_row old;
    bool is_found = false;
    enum ratls_status status = ratls_ledger_begin(ledger, true, err);

    if (status != RATLS_OK)
        return status;
    status = find_key(ledger, row, &old, &is_found, err);
    /* A damaged row, too, leads nowhere. */
    if (status == RATLS_OK && (!is_found || is_same_base(&old, row)))
        status = do_query(ledger, RATLS_LEDGER_DROP_ROW, row, err);
    return ratls_ledger_end(ledger, status, err);
}
