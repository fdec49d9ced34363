#include "store_link.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "sql_file.h"
#include "store.h"

#define APPLICATION_ID 0x72617463 /* "ratc" */
#define LEN_MAX (24 << 20) /* of a CRL as long as clients take it (crypto_crl.h), in base64 */
#define PARAMETER_NAME_MAX 8

struct ratls_store_link {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *query;
};

/* The version of the tables is in one of them, as in PostgreSQL. */
static const struct ratls_sql_kind kind = {
    .name = "store",
    .decides = "whose names are whose",
    .damaged = ". Nothing else has what is in it: restore the folder from a backup",
    .foreign = "give the CA a folder of its own",
    .application_id = APPLICATION_ID,
    .busy_ms = RATLS_STORE_BUSY_MS,
    .len_max = LEN_MAX,
};

static enum ratls_status fail(struct ratls_store_link *link, struct ratls_error *err)
{
    if (sqlite3_errcode(link->db) == SQLITE_BUSY)
        return ratls_fail(err, RATLS_IO,
                          "%s: another process has written for longer than %d seconds; try again",
                          link->path, RATLS_STORE_BUSY_MS / 1000);
    return ratls_sql_fail(&kind, link->db, link->path, "SQLite", err);
}

static void disconnect(struct ratls_store_link *link)
{
    if (link == NULL)
        return;
    (void)sqlite3_finalize(link->query);
    (void)sqlite3_close(link->db);
    free(link->path);
    free(link);
}

static enum ratls_status connect(const char *where, struct ratls_store_link **ret_link,
                                 struct ratls_error *err)
{
    struct ratls_store_link *link = calloc(1, sizeof *link);
    enum ratls_status status;

    if (link == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_sql_path(&kind, where, RATLS_STORE_FILE, &link->path, err);
    if (status == RATLS_OK)
        status = ratls_sql_open(&kind, link->path, &link->db, err);
    if (status == RATLS_OK)
        *ret_link = link;
    else
        disconnect(link);
    return status;
}

static enum ratls_status run(struct ratls_store_link *link, const char *sql,
                             struct ratls_error *err)
{
    return sqlite3_exec(link->db, sql, NULL, NULL, NULL) == SQLITE_OK ? RATLS_OK : fail(link, err);
}

static enum ratls_status begin(struct ratls_store_link *link, enum ratls_store_access access,
                               struct ratls_error *err)
{
    return run(link, access == RATLS_STORE_READ ? "BEGIN" : "BEGIN IMMEDIATE", err);
}

static enum ratls_status commit(struct ratls_store_link *link, struct ratls_error *err)
{
    return run(link, "COMMIT", err);
}

/* SQLite takes $1 for a name, and numbers the parameters as it meets them. */
static bool bind(sqlite3_stmt *query, size_t i, const struct ratls_store_parameter *parameter)
{
    char name[PARAMETER_NAME_MAX];
    int at;

    (void)snprintf(name, sizeof name, "$%u", (unsigned)i + 1);
    at = sqlite3_bind_parameter_index(query, name);
    if (parameter->is_number)
        return sqlite3_bind_int64(query, at, strtoll(parameter->text, NULL, 10)) == SQLITE_OK;
    return sqlite3_bind_text(query, at, parameter->text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
}

static void end(struct ratls_store_link *link)
{
    (void)sqlite3_finalize(link->query);
    link->query = NULL;
}

static enum ratls_status query(struct ratls_store_link *link, const char *sql,
                               const struct ratls_store_parameter *parameters, size_t count,
                               struct ratls_error *err)
{
    bool is_good;

    end(link);
    is_good = sqlite3_prepare_v2(link->db, sql, -1, &link->query, NULL) == SQLITE_OK;
    for (size_t i = 0; i < count && is_good; i++)
        is_good = bind(link->query, i, &parameters[i]);
    return is_good ? RATLS_OK : fail(link, err);
}

static enum ratls_status next(struct ratls_store_link *link, bool *ret_row, struct ratls_error *err)
{
    int code = sqlite3_step(link->query);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail(link, err);
    *ret_row = code == SQLITE_ROW;
    return RATLS_OK;
}

static const char *text(struct ratls_store_link *link, int column)
{
    return (const char *)sqlite3_column_text(link->query, column);
}

static size_t changes(struct ratls_store_link *link)
{
    return (size_t)sqlite3_changes(link->db);
}

/* A commit that failed on the disk may yet have been done: that is seen after a new look at it. */
static enum ratls_store_trouble trouble(const struct ratls_store_link *link)
{
    int code = sqlite3_errcode(link->db);

    return code == SQLITE_OK || code == SQLITE_BUSY ? RATLS_STORE_STEADY : RATLS_STORE_LOST;
}

const struct ratls_store_engine ratls_store_sqlite = {
    .has_tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'",
    .connect = connect,
    .disconnect = disconnect,
    .begin = begin,
    .commit = commit,
    .run = run,
    .query = query,
    .next = next,
    .text = text,
    .changes = changes,
    .end = end,
    .trouble = trouble,
};
