/* Rows for ledgers of tests, and a folder for them. */
#ifndef RATLS_TEST_LEDGER_ROWS_H
#define RATLS_TEST_LEDGER_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "must.h"

#define ENTRY_LEN 100 /* as if every entry had it */

struct ledger_folder {
    char path[64];
    char file[96];
};

static inline void ledger_folder_make(struct ledger_folder *folder)
{
    snprintf(folder->path, sizeof folder->path, "/tmp/ratls-ledger-XXXXXX");
    must(mkdtemp(folder->path) != NULL);
    snprintf(folder->file, sizeof folder->file, "%s/" RATLS_LEDGER_FILE, folder->path);
}

static inline void ledger_folder_remove(const struct ledger_folder *folder)
{
    char journal[128];

    snprintf(journal, sizeof journal, "%s-journal", folder->file);
    (void)unlink(journal);
    (void)unlink(folder->file);
    must(rmdir(folder->path) == 0);
}

/* Every field follows from the key and the number of entries, so that a mixture would be seen. */
static inline struct ratls_ledger_row ledger_row(uint8_t key, uint64_t entries)
{
    struct ratls_ledger_row row = {
        .ak_name_len = 34,
        .reset_count = 7,
        .restart_count = 3,
        .ima = {.list_alg = RATLS_ALG_SHA1,
                .bank = RATLS_ALG_SHA256,
                .mode = entries == 0 ? RATLS_IMA_EITHER : RATLS_IMA_NATIVE,
                .offset = ENTRY_LEN * entries,
                .entries = entries,
                .violations = entries / 2},
        .boot_aggregate_alg = entries == 0 ? 0 : RATLS_ALG_SHA256,
    };

    memset(row.ak_name, key, row.ak_name_len);
    memset(row.rules_sha256, 0x11, sizeof row.rules_sha256);
    memset(row.ima.pcr, (int)(entries & 0xff), 32);
    if (entries > 0)
        memset(row.boot_aggregate, (int)(key ^ (entries & 0xff)), 32);
    return row;
}

static inline bool ledger_rows_equal(const struct ratls_ledger_row *a,
                                     const struct ratls_ledger_row *b)
{
    return a->ak_name_len == b->ak_name_len &&
           memcmp(a->ak_name, b->ak_name, sizeof a->ak_name) == 0 &&
           memcmp(a->rules_sha256, b->rules_sha256, sizeof a->rules_sha256) == 0 &&
           a->reset_count == b->reset_count && a->restart_count == b->restart_count &&
           a->ima.list_alg == b->ima.list_alg && a->ima.bank == b->ima.bank &&
           a->ima.mode == b->ima.mode && a->ima.offset == b->ima.offset &&
           a->ima.entries == b->ima.entries && a->ima.violations == b->ima.violations &&
           memcmp(a->ima.pcr, b->ima.pcr, sizeof a->ima.pcr) == 0 &&
           a->boot_aggregate_alg == b->boot_aggregate_alg &&
           memcmp(a->boot_aggregate, b->boot_aggregate, sizeof a->boot_aggregate) == 0 &&
           a->pending_len == b->pending_len;
}

static inline void ledger_must(enum ratls_status status, const struct ratls_error *err)
{
    if (status != RATLS_OK)
        fprintf(stderr, "%s\n", err->text);
    must(status == RATLS_OK);
}

/* Of a folder; NULL: in memory. */
static inline struct ratls_ledger *ledger_open(const char *folder)
{
    struct ratls_ledger *ledger = NULL;
    struct ratls_error err = {0};

    ledger_must(ratls_ledger_new(folder, &ledger, &err), &err);
    return ledger;
}

static inline void ledger_put(struct ratls_ledger *ledger, const char *server,
                              const struct ratls_ledger_row *row)
{
    struct ratls_error err = {0};

    ledger_must(ratls_ledger_put(ledger, server, row, &err), &err);
}

/* Whether it is there, for rules whose digest has this byte 32 times. */
static inline bool ledger_find(struct ratls_ledger *ledger, const char *server, uint8_t rules,
                               struct ratls_ledger_row *ret_row)
{
    struct ratls_error err = {0};
    uint8_t rules_sha256[32];
    bool is_found = false;

    memset(rules_sha256, rules, sizeof rules_sha256);
    ledger_must(ratls_ledger_find(ledger, server, rules_sha256, ret_row, &is_found, &err), &err);
    return is_found;
}

#endif
