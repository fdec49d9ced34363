/*
 * One lock for all ledgers of a process: no thread is inside of SQLite while another forks, so that
 * the child finds neither a lock that nobody will release nor a half-made step.
 */
#include "ledger_query.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "ledger_row.h"
#include "ledger_seen.h"
#include "ledger_sql.h"

#define STRING(x) #x
#define VALUE_OF(x) STRING(x)
#define ROWS VALUE_OF(RATLS_LEDGER_ROWS_MAX)
#define PENDING VALUE_OF(RATLS_LEDGER_PENDING_MAX)
#define SERVERS VALUE_OF(RATLS_LEDGER_SERVERS_MAX)
#define SEEN VALUE_OF(RATLS_LEDGER_SEEN_MAX)
#define OF_KEY " WHERE ak_name = ?1 AND rules = ?2"
#define ID_OF_KEY "(SELECT id FROM acknowledged" OF_KEY ")"

static const char *const queries[RATLS_LEDGER_QUERIES] = {
    [RATLS_LEDGER_FIND_SERVER] =
        "SELECT " RATLS_LEDGER_COLUMNS " FROM acknowledged WHERE rules = ?2 AND id ="
        " (SELECT id FROM speaker WHERE server = ?1 AND rules = ?2)",
    [RATLS_LEDGER_FIND_KEY] = "SELECT " RATLS_LEDGER_COLUMNS " FROM acknowledged" OF_KEY,
    [RATLS_LEDGER_FIND_PIECES] =
        "SELECT begin, length(bytes) FROM pending WHERE id = " ID_OF_KEY " ORDER BY begin",
    [RATLS_LEDGER_READ_PIECES] =
        "SELECT begin, length(bytes), bytes FROM pending WHERE id = " ID_OF_KEY " ORDER BY begin",
    [RATLS_LEDGER_PUT_ROW] =
        "INSERT INTO acknowledged(" RATLS_LEDGER_COLUMNS ", used)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
        " (SELECT coalesce(max(used), 0) + 1 FROM acknowledged))"
        " ON CONFLICT(ak_name, rules) DO UPDATE SET (reset_count, restart_count, list_alg,"
        " bank, mode, offset, entries, violations, pcr, boot_aggregate_alg, boot_aggregate,"
        " used) = (excluded.reset_count, excluded.restart_count, excluded.list_alg,"
        " excluded.bank, excluded.mode, excluded.offset, excluded.entries,"
        " excluded.violations, excluded.pcr, excluded.boot_aggregate_alg,"
        " excluded.boot_aggregate, excluded.used)",
    [RATLS_LEDGER_PUT_SERVER] = "INSERT OR REPLACE INTO speaker(server, rules, id)"
                                " VALUES(?3, ?2, " ID_OF_KEY ")",
    [RATLS_LEDGER_PUT_PIECE] =
        "INSERT INTO pending(id, begin, bytes) VALUES(" ID_OF_KEY ", ?3, ?4)",
    [RATLS_LEDGER_DROP_PENDING] = ("DELETE FROM pending WHERE id = " ID_OF_KEY),
    [RATLS_LEDGER_DROP_ROW] = ("DELETE FROM acknowledged" OF_KEY),
    [RATLS_LEDGER_FIND_SEEN] =
        "SELECT reset_count, restart_count, clock_ms FROM seen WHERE ak_name = ?1",
    [RATLS_LEDGER_PUT_SEEN] =
        "INSERT INTO seen(ak_name, reset_count, restart_count, clock_ms, used)"
        " VALUES(?1, ?2, ?3, ?4, (SELECT coalesce(max(used), 0) + 1 FROM seen))"
        " ON CONFLICT(ak_name) DO UPDATE SET (reset_count, restart_count, clock_ms, used) ="
        " (excluded.reset_count, excluded.restart_count, excluded.clock_ms, excluded.used)"
        " WHERE (excluded.reset_count, excluded.restart_count, excluded.clock_ms) >"
        " (reset_count, restart_count, clock_ms)",
    [RATLS_LEDGER_DROP_SEEN] = "DELETE FROM seen WHERE ak_name = ?1",
};

/*
 * A step gives numbers that are greater than all others, to a row and to the server's: those behind
 * the first N, counted from the greatest, go.
 */
static const char prune[] = "DELETE FROM acknowledged WHERE id IN (SELECT id FROM acknowledged"
                            " ORDER BY used DESC LIMIT -1 OFFSET " ROWS ");"
                            "DELETE FROM pending WHERE id IN (SELECT id FROM acknowledged"
                            " WHERE id IN (SELECT id FROM pending)"
                            " ORDER BY used DESC LIMIT -1 OFFSET " PENDING ");"
                            "DELETE FROM speaker WHERE rowid IN (SELECT rowid FROM speaker"
                            " ORDER BY rowid DESC LIMIT -1 OFFSET " SERVERS ");"
                            "DELETE FROM seen WHERE used IN (SELECT used FROM seen"
                            " ORDER BY used DESC LIMIT -1 OFFSET " SEEN ");";

struct connection {
    pid_t process;
    sqlite3 *db;
    sqlite3_stmt *statements[RATLS_LEDGER_QUERIES];
    struct connection *of_parent; /* inherited by a fork: not even closed */
};

struct ratls_ledger {
    char *path; /* NULL: in memory */
    struct connection *connection;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool are_fork_handlers_set; /* under the lock */
static int cancel_state;           /* of the thread that has the lock, as it was before */

/* SQLite waits for files: a program that cancels a thread there would leave the lock taken. */
static void take_lock(void)
{
    int before;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    (void)pthread_mutex_lock(&lock);
    cancel_state = before;
}

static void leave_lock(void)
{
    const int before = cancel_state;
    int ignored;

    (void)pthread_mutex_unlock(&lock);
    (void)pthread_setcancelstate(before, &ignored);
}

/* Not by pthread_once(): a moment without memory must not last for the life of the process. */
static bool set_fork_handlers(void)
{
    bool are_set;

    take_lock();
    if (!are_fork_handlers_set)
        are_fork_handlers_set = pthread_atfork(take_lock, leave_lock, leave_lock) == 0;
    are_set = are_fork_handlers_set;
    leave_lock();
    return are_set;
}

enum ratls_status ratls_ledger_new(const char *folder, struct ratls_ledger **ret_ledger,
                                   struct ratls_error *err)
{
    struct ratls_ledger *ledger = NULL;
    char *path = NULL;
    enum ratls_status status =
        folder == NULL ? RATLS_OK
                       : ratls_sql_path(&ratls_ledger_kind, folder, RATLS_LEDGER_FILE, &path, err);

    if (status != RATLS_OK)
        return status;
    if (set_fork_handlers())
        ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        free(path);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    ledger->path = path;
    *ret_ledger = ledger;
    return RATLS_OK;
}

/* Also after an error: what is open may be of a file that is gone. */
static void disconnect(struct ratls_ledger *ledger)
{
    struct connection *c = ledger->connection;

    if (c == NULL || c->process != getpid())
        return;
    ledger->connection = c->of_parent;
    for (size_t i = 0; i < RATLS_LEDGER_QUERIES; i++)
        (void)sqlite3_finalize(c->statements[i]);
    (void)sqlite3_close(c->db);
    free(c);
}

void ratls_ledger_free(struct ratls_ledger *ledger)
{
    if (ledger == NULL)
        return;
    take_lock();
    disconnect(ledger);
    leave_lock();
    while (ledger->connection != NULL) {
        struct connection *c = ledger->connection;

        ledger->connection = c->of_parent;
        free(c);
    }
    free(ledger->path);
    free(ledger);
}

static enum ratls_status connect_own(struct ratls_ledger *ledger, struct ratls_error *err)
{
    struct connection *c = ledger->connection;
    enum ratls_status status;

    if (c != NULL && c->process == getpid())
        return RATLS_OK;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_sql_open(&ratls_ledger_kind, ledger->path, &c->db, err);
    if (status != RATLS_OK) {
        free(c);
        return status;
    }
    c->process = getpid();
    c->of_parent = ledger->connection;
    ledger->connection = c;
    return RATLS_OK;
}

enum ratls_status ratls_ledger_fail(struct ratls_ledger *ledger, struct ratls_error *err)
{
    return ratls_sql_fail(&ratls_ledger_kind, ledger->connection->db, ledger->path, "SQLite", err);
}

enum ratls_status ratls_ledger_damaged(struct ratls_ledger *ledger, const char *what,
                                       struct ratls_error *err)
{
    return ratls_fail(err, RATLS_IO, "%s: %s%s", ledger->path == NULL ? "ledger" : ledger->path,
                      what, ratls_ledger_kind.damaged);
}

enum ratls_status ratls_ledger_begin(struct ratls_ledger *ledger, bool is_write,
                                     struct ratls_error *err)
{
    enum ratls_status status;

    take_lock();
    status = connect_own(ledger, err);
    if (status == RATLS_OK)
        status = ratls_sql_run(&ratls_ledger_kind, ledger->connection->db, ledger->path,
                               is_write ? "BEGIN IMMEDIATE" : "BEGIN", err);
    if (status != RATLS_OK) {
        disconnect(ledger);
        leave_lock();
    }
    return status;
}

/* To disconnect is to roll back. */
enum ratls_status ratls_ledger_end(struct ratls_ledger *ledger, enum ratls_status status,
                                   struct ratls_error *err)
{
    if (status == RATLS_OK)
        status =
            ratls_sql_run(&ratls_ledger_kind, ledger->connection->db, ledger->path, "COMMIT", err);
    if (status != RATLS_OK)
        disconnect(ledger);
    leave_lock();
    return status;
}

enum ratls_status ratls_ledger_query(struct ratls_ledger *ledger, enum ratls_ledger_query query,
                                     const struct ratls_ledger_row *key, sqlite3_stmt **ret_query,
                                     struct ratls_error *err)
{
    struct connection *c = ledger->connection;
    sqlite3_stmt **statement = &c->statements[query];

    if (*statement == NULL &&
        sqlite3_prepare_v3(c->db, queries[query], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) !=
            SQLITE_OK)
        return ratls_ledger_fail(ledger, err);
    if (key != NULL && ratls_ledger_bind_key(*statement, key) != SQLITE_OK)
        return ratls_ledger_fail(ledger, err);
    *ret_query = *statement;
    return RATLS_OK;
}

void ratls_ledger_query_done(sqlite3_stmt *query)
{
    (void)sqlite3_reset(query);
    (void)sqlite3_clear_bindings(query);
}

enum ratls_status ratls_ledger_next(struct ratls_ledger *ledger, sqlite3_stmt *query, bool *ret_row,
                                    struct ratls_error *err)
{
    int code = sqlite3_step(query);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return ratls_ledger_fail(ledger, err);
    if (code == SQLITE_DONE)
        ratls_ledger_query_done(query);
    *ret_row = code == SQLITE_ROW;
    return RATLS_OK;
}

enum ratls_status ratls_ledger_do(struct ratls_ledger *ledger, sqlite3_stmt *query,
                                  struct ratls_error *err)
{
    bool has_row;

    return ratls_ledger_next(ledger, query, &has_row, err);
}

enum ratls_status ratls_ledger_prune(struct ratls_ledger *ledger, struct ratls_error *err)
{
    return ratls_sql_run(&ratls_ledger_kind, ledger->connection->db, ledger->path, prune, err);
}
