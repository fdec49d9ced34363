#include "store_place.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAS_LIBPQ
#include <libpq-fe.h>
#endif

#include "must.h"

static int take_number(void *arg, int count, char **values, char **names)
{
    (void)names;
    must(count == 1 && values[0] != NULL);
    *(int64_t *)arg = strtoll(values[0], NULL, 10);
    return 0;
}

static void ask_sqlite(const struct store_place *place, const char *sql, int64_t *ret_number)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    must(sqlite3_open(place->file, &db) == SQLITE_OK);
    must(sqlite3_busy_timeout(db, 5000) == SQLITE_OK);
    if (sqlite3_exec(db, sql, ret_number == NULL ? NULL : take_number, ret_number, &why) !=
        SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, why);
        abort();
    }
    must(sqlite3_close(db) == SQLITE_OK);
}

#ifdef HAS_LIBPQ
static void ask_postgresql(const char *where, const char *sql, int64_t *ret_number)
{
    PGconn *connection = PQconnectdb(where);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType type = PQresultStatus(result);

    if (type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(connection));
        abort();
    }
    if (ret_number != NULL) {
        must(PQntuples(result) == 1);
        *ret_number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    PQfinish(connection);
}
#else
static void ask_postgresql(const char *where, const char *sql, int64_t *ret_number)
{
    (void)where;
    (void)sql;
    (void)ret_number;
    must(false);
}
#endif

void store_place_make(struct store_place *place)
{
    const char *server = getenv("RATLS_TEST_POSTGRESQL");
    char sql[128];

    memset(place, 0, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/ratls-store-XXXXXX");
    must(mkdtemp(place->folder) != NULL);
    snprintf(place->file, sizeof place->file, "%s/ca.sqlite", place->folder);
    if (server == NULL) {
        snprintf(place->where, sizeof place->where, "%s", place->folder);
        return;
    }
    place->is_postgresql = true;
    snprintf(place->schema, sizeof place->schema, "\"%s\"", place->folder + strlen("/tmp/"));
    snprintf(place->where, sizeof place->where, "%s&options=-csearch_path%%3D%s", server,
             place->schema);
    snprintf(sql, sizeof sql, "SET client_min_messages = error; CREATE SCHEMA %s", place->schema);
    ask_postgresql(server, sql, NULL);
}

void store_place_remove(const struct store_place *place)
{
    char path[128], sql[128];

    if (place->is_postgresql) {
        snprintf(sql, sizeof sql, "SET client_min_messages = error; DROP SCHEMA %s CASCADE",
                 place->schema);
        ask_postgresql(getenv("RATLS_TEST_POSTGRESQL"), sql, NULL);
    }
    snprintf(path, sizeof path, "%s-journal", place->file);
    (void)unlink(path);
    (void)unlink(place->file);
    must(rmdir(place->folder) == 0);
}

void store_place_run(const struct store_place *place, const char *sql)
{
    if (place->is_postgresql)
        ask_postgresql(place->where, sql, NULL);
    else
        ask_sqlite(place, sql, NULL);
}

int64_t store_place_number(const struct store_place *place, const char *sql)
{
    int64_t number = -1;

    if (place->is_postgresql)
        ask_postgresql(place->where, sql, &number);
    else
        ask_sqlite(place, sql, &number);
    return number;
}
