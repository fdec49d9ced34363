/* For store.c: the tables, and how those of an older version become ours. */
#ifndef RATLS_CA_STORE_SCHEMA_H
#define RATLS_CA_STORE_SCHEMA_H

#include "store_query.h"

/* What makes each version of the one before it; the first makes all of version 1. */
struct ratls_store_versions {
    const char *const *steps;
    int64_t count;
};

extern const struct ratls_store_versions ratls_store_versions;

/* A step of RATLS_STORE_SETUP. arg: versions, or NULL for ours. */
void ratls_store_set_up(struct ratls_store_tx *tx, void *arg);

#endif
