/*
 * Writers come one after the other, as in SQLite: the audit log alone would make any two of them
 * conflict. They take a lock by LOCK TABLE, before any statement that sees the tables: a SELECT of
 * an advisory lock would fix what is seen before it has waited (PostgreSQL 15, 13.3.5 and LOCK).
 * Readers do not wait.
 *
 * Nothing here waits for ever: not for a server that is stopped, not for another's lock.
 */
#include "store_link.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "moment.h"

#define OID_INT8 20
#define OID_TEXT 25
#define PARAMETERS_MAX 16
#define ANSWER_MS 15000 /* more than the server allows itself below */
#define WORDS_MAX 160

struct ratls_store_link {
    PGconn *connection;
    PGresult *result;
    int row; /* of the result; the one that was read last */
    enum ratls_store_trouble trouble;
};

/* An instance that stops in a transaction must not stop the others. */
static const char settings[] = "SET lock_timeout = 5000; SET statement_timeout = 10000;"
                               "SET idle_in_transaction_session_timeout = 10000;"
                               "SET synchronous_commit = on";

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* The first line of what PostgreSQL says. */
static enum ratls_status fail(struct ratls_store_link *link, struct ratls_error *err)
{
    const char *words = NULL;
    const char *host = PQhost(link->connection);
    size_t len;

    if (link->result != NULL)
        words = PQresultErrorField(link->result, PG_DIAG_MESSAGE_PRIMARY);
    if (words == NULL || words[0] == '\0')
        words = PQerrorMessage(link->connection);
    if (words == NULL || words[0] == '\0')
        words = "no answer";
    if (strstr(words, "://") != NULL) /* libpq says all of an address, with its password */
        words = "the address cannot be read: postgresql://USER@HOST/DATABASE";
    len = strcspn(words, "\n");
    return ratls_fail(err, RATLS_IO, "PostgreSQL on %s: %.*s%s",
                      host == NULL || host[0] == '\0' ? "this machine" : host,
                      (int)(len < WORDS_MAX ? len : WORDS_MAX), words,
                      link->trouble == RATLS_STORE_LOST ? "; it is tried again with the next call"
                                                        : "");
}

/* SQLSTATE (PostgreSQL, appendix A): 40001, 40P01: tried again; 08*, 57P*: the connection ends. */
static enum ratls_store_trouble find_trouble(const struct ratls_store_link *link)
{
    const char *state = PQresultErrorField(link->result, PG_DIAG_SQLSTATE);

    if (state == NULL || PQstatus(link->connection) == CONNECTION_BAD)
        return RATLS_STORE_LOST;
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0)
        return RATLS_STORE_CONFLICT;
    return strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0 ? RATLS_STORE_LOST
                                                                         : RATLS_STORE_STEADY;
}

static void end(struct ratls_store_link *link)
{
    PQclear(link->result);
    link->result = NULL;
    link->row = -1;
}

/* Until the server has answered, or for ANSWER_MS. */
static bool wait_for_answer(struct ratls_store_link *link)
{
    const int64_t limit = ratls_moment_now().boot_ms + ANSWER_MS;

    while (PQisBusy(link->connection) != 0) {
        struct pollfd fd = {.fd = PQsocket(link->connection), .events = POLLIN};
        const int64_t left = limit - ratls_moment_now().boot_ms;

        if (left <= 0 || fd.fd < 0 || (poll(&fd, 1, (int)left) < 0 && errno != EINTR))
            return false;
        if (PQconsumeInput(link->connection) == 0)
            return false;
    }
    return true;
}

/* The last result of what was sent: the one that says how it ended. */
static enum ratls_status take_result(struct ratls_store_link *link, bool was_sent,
                                     struct ratls_error *err)
{
    ExecStatusType type;

    end(link);
    link->trouble = RATLS_STORE_STEADY;
    for (bool is_last = !was_sent; !is_last;) {
        PGresult *result;

        if (!wait_for_answer(link)) {
            end(link);
            break;
        }
        result = PQgetResult(link->connection);
        is_last = result == NULL;
        if (is_last)
            break;
        PQclear(link->result);
        link->result = result;
    }
    type = PQresultStatus(link->result); /* of NULL: PGRES_FATAL_ERROR */
    if (type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK)
        return RATLS_OK;
    link->trouble = find_trouble(link);
    return fail(link, err);
}

static enum ratls_status run(struct ratls_store_link *link, const char *sql,
                             struct ratls_error *err)
{
    return take_result(link, PQsendQuery(link->connection, sql) != 0, err);
}

static void disconnect(struct ratls_store_link *link)
{
    if (link == NULL)
        return;
    PQclear(link->result);
    PQfinish(link->connection);
    free(link);
}

static enum ratls_status connect(const char *where, struct ratls_store_link **ret_link,
                                 struct ratls_error *err)
{
    /* What stands before dbname can be said otherwise in the address. */
    static const char *const keys[] = {"connect_timeout",
                                       "tcp_user_timeout",
                                       "keepalives_idle",
                                       "fallback_application_name",
                                       "dbname",
                                       "client_encoding",
                                       NULL};
    const char *const values[] = {"5", "10000", "10", "ratls-ca", where, "UTF8", NULL};
    struct ratls_store_link *link = calloc(1, sizeof *link);
    enum ratls_status status = RATLS_OK;

    if (link != NULL)
        link->connection = PQconnectdbParams(keys, values, 1);
    if (link == NULL || link->connection == NULL) {
        free(link);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    link->trouble = RATLS_STORE_LOST;
    (void)PQsetNoticeReceiver(link->connection, ignore_notice, NULL);
    if (PQstatus(link->connection) != CONNECTION_OK)
        status = fail(link, err);
    else
        status = run(link, settings, err);
    if (status == RATLS_OK)
        *ret_link = link;
    else
        disconnect(link);
    return status;
}

static enum ratls_status begin(struct ratls_store_link *link, enum ratls_store_access access,
                               struct ratls_error *err)
{
    switch (access) {
    case RATLS_STORE_READ:
        return run(link, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    case RATLS_STORE_WRITE:
        return run(link, "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE meta IN EXCLUSIVE MODE",
                   err);
    case RATLS_STORE_SETUP: /* READ COMMITTED: each statement sees what there is by then */
        return run(link,
                   "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(1918989411)",
                   err);
    }
    return ratls_fail(err, RATLS_USAGE, "no such access");
}

/* COMMIT of a transaction that had failed says ROLLBACK, and no error. */
static enum ratls_status commit(struct ratls_store_link *link, struct ratls_error *err)
{
    enum ratls_status status = run(link, "COMMIT", err);

    if (status == RATLS_OK && strcmp(PQcmdStatus(link->result), "COMMIT") != 0)
        status = ratls_fail(err, RATLS_IO, "PostgreSQL took the transaction back");
    end(link);
    return status;
}

static enum ratls_status query(struct ratls_store_link *link, const char *sql,
                               const struct ratls_store_parameter *parameters, size_t count,
                               struct ratls_error *err)
{
    const char *values[PARAMETERS_MAX];
    Oid types[PARAMETERS_MAX];

    if (count > PARAMETERS_MAX)
        return ratls_fail(err, RATLS_USAGE, "too many parameters");
    for (size_t i = 0; i < count; i++) {
        values[i] = parameters[i].text;
        types[i] = parameters[i].is_number ? OID_INT8 : OID_TEXT;
    }
    return take_result(
        link,
        PQsendQueryParams(link->connection, sql, (int)count, types, values, NULL, NULL, 0) != 0,
        err);
}

static enum ratls_status next(struct ratls_store_link *link, bool *ret_row, struct ratls_error *err)
{
    (void)err;
    link->row++;
    *ret_row = link->row < PQntuples(link->result);
    return RATLS_OK;
}

static const char *text(struct ratls_store_link *link, int column)
{
    if (PQgetisnull(link->result, link->row, column) != 0)
        return NULL;
    return PQgetvalue(link->result, link->row, column);
}

static size_t changes(struct ratls_store_link *link)
{
    return (size_t)strtoull(PQcmdTuples(link->result), NULL, 10);
}

static enum ratls_store_trouble trouble(const struct ratls_store_link *link)
{
    return link->trouble;
}

const struct ratls_store_engine ratls_store_postgresql = {
    .has_tables = "SELECT count(to_regclass('meta'))",
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
