/*
 * For store*.c: the two engines, SQLite and PostgreSQL, as one. They get the same texts of SQL,
 * with parameters $1, $2 ...: what comes from outside is never part of a text.
 */
#ifndef RATLS_CA_STORE_LINK_H
#define RATLS_CA_STORE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <ratls/error.h>

#define RATLS_STORE_BUSY_MS 5000 /* how long to wait for others that write */

/* A parameter: a number is a BIGINT, all else TEXT. */
struct ratls_store_parameter {
    const char *text; /* also of a number, in decimal */
    bool is_number;
};

enum ratls_store_access {
    RATLS_STORE_READ,
    RATLS_STORE_WRITE, /* one at a time; what the one before wrote is seen */
    RATLS_STORE_SETUP, /* the same, where there may be no tables yet */
};

/* Where a failed call left us. */
enum ratls_store_trouble {
    RATLS_STORE_STEADY,
    RATLS_STORE_CONFLICT, /* with another transaction: may be tried again; nothing was done */
    RATLS_STORE_LOST,     /* no connection; after commit(): nobody knows whether it was done */
};

struct ratls_store_link; /* a connection; of the engine's own type */

/*
 * The rows of a query, from next() on; text() borrows from them, and is NULL for NULL. end() is
 * called once, also after an error of next().
 */
struct ratls_store_engine {
    const char *has_tables; /* a query: 1, or 0 for a new store */
    enum ratls_status (*connect)(const char *where, struct ratls_store_link **ret_link,
                                 struct ratls_error *err);
    void (*disconnect)(struct ratls_store_link *link); /* rolls back; accepts NULL */
    enum ratls_status (*begin)(struct ratls_store_link *link, enum ratls_store_access access,
                               struct ratls_error *err);
    enum ratls_status (*commit)(struct ratls_store_link *link, struct ratls_error *err);
    enum ratls_status (*run)(struct ratls_store_link *link, const char *sql,
                             struct ratls_error *err); /* several statements */
    enum ratls_status (*query)(struct ratls_store_link *link, const char *sql,
                               const struct ratls_store_parameter *parameters, size_t count,
                               struct ratls_error *err); /* one at a time, until end() */
    enum ratls_status (*next)(struct ratls_store_link *link, bool *ret_row,
                              struct ratls_error *err);
    const char *(*text)(struct ratls_store_link *link, int column);
    size_t (*changes)(struct ratls_store_link *link); /* of a query that was read to its end */
    void (*end)(struct ratls_store_link *link);
    enum ratls_store_trouble (*trouble)(const struct ratls_store_link *link);
};

extern const struct ratls_store_engine ratls_store_sqlite;
extern const struct ratls_store_engine ratls_store_postgresql; /* or one that says what to build */

#endif
