/*
 * Where a test keeps its store: a folder of its own or, if a PostgreSQL server was started for the
 * tests (with_postgresql.sh), a schema of its own there.
 */
#ifndef RATLS_TEST_STORE_PLACE_H
#define RATLS_TEST_STORE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct store_place {
    char folder[64];
    char file[96];   /* SQLite */
    char where[512]; /* for ratls_store_open() */
    char schema[64]; /* PostgreSQL */
    bool is_postgresql;
};

void store_place_make(struct store_place *place);
void store_place_remove(const struct store_place *place);
/* By another connection, as an administrator would. */
void store_place_run(const struct store_place *place, const char *sql);
/* The only number of the only row. */
int64_t store_place_number(const struct store_place *place, const char *sql);

#endif
