/*
 * Each record has SHA-256("ratls-audit-1" || previous || seq || at || kind || subject || detail):
 * previous is the hash of the record before it, 32 bytes of 0 for the first; numbers have 8 bytes,
 * big-endian; each text is preceded by its length in 8 bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto.h"
#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

#define PAGE 100  /* of RATLS_SQL_EACH_RECORD: no more than these are in memory */
#define NUMBERS 5 /* of a record: seq, at, and three lengths */

/* The texts are as they are in the store. */
static enum ratls_status hash_record(const uint8_t previous[static 32],
                                     const struct ratls_store_record *record,
                                     uint8_t out[static 32], struct ratls_error *err)
{
    static const char label[] = "ratls-audit-1";
    const char *const texts[] = {record->kind, record->subject, record->detail};
    uint8_t numbers[NUMBERS * 8];
    struct ratls_writer w = ratls_writer(numbers, sizeof numbers);
    struct ratls_slice parts[] = {
        ratls_slice(label, sizeof label - 1),
        ratls_slice(previous, 32),
        ratls_slice(numbers, 16),
        ratls_slice(numbers + 16, 8),
        ratls_slice(texts[0], strlen(texts[0])),
        ratls_slice(numbers + 24, 8),
        ratls_slice(texts[1], strlen(texts[1])),
        ratls_slice(numbers + 32, 8),
        ratls_slice(texts[2], strlen(texts[2])),
    };

    ratls_write_u64(&w, (uint64_t)record->seq);
    ratls_write_u64(&w, (uint64_t)record->at);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ratls_write_u64(&w, strlen(texts[i]));
    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof parts[0], out, err);
}

/* As in the store; NULL if memory is short. */
static char *escape(const char *text)
{
    const size_t len = text == NULL ? 0 : strlen(text);
    char *escaped = malloc(RATLS_STORE_TEXT_MAX);

    if (escaped != NULL)
        ratls_escape(ratls_slice(text, len), escaped, RATLS_STORE_TEXT_MAX);
    return escaped;
}

static void find_last(struct ratls_store_tx *tx, struct ratls_store_record *ret_last)
{
    *ret_last = (struct ratls_store_record){0};
    if (!ratls_store_ask(tx, RATLS_SQL_LAST_RECORD, NULL, 0))
        return;
    ret_last->seq = ratls_store_read_number(tx, 0, INT64_MAX - 1);
    ratls_store_read_hex(tx, 1, ret_last->sha256, sizeof ret_last->sha256);
    ratls_store_end(tx);
}

static void append(struct ratls_store_tx *tx, struct ratls_store_record *record)
{
    struct ratls_store_record last;

    find_last(tx, &last);
    record->seq = last.seq + 1;
    if (tx->status == RATLS_OK)
        tx->status = hash_record(last.sha256, record, record->sha256, tx->err);
    ratls_store_do_one(tx, RATLS_SQL_ADD_RECORD,
                       RATLS_WITH(ratls_of_number(record->seq), ratls_of_number(record->at),
                                  ratls_of_name(ratls_slice(record->kind, strlen(record->kind))),
                                  ratls_of_text(record->subject), ratls_of_text(record->detail),
                                  ratls_of_hex(last.sha256, 32), ratls_of_hex(record->sha256, 32)));
    memcpy(tx->recorded, record->sha256, sizeof tx->recorded);
    tx->is_recorded = tx->status == RATLS_OK;
}

void ratls_store_record(struct ratls_store_tx *tx, int64_t now, const char *kind,
                        const char *subject, const char *format, ...)
{
    char *detail = NULL;
    char *texts[3] = {NULL, NULL, NULL};
    va_list args;

    va_start(args, format);
    if (vasprintf(&detail, format, args) < 0)
        detail = NULL;
    va_end(args);
    texts[0] = escape(kind);
    texts[1] = escape(subject);
    texts[2] = detail == NULL ? NULL : escape(detail);
    if (texts[0] == NULL || texts[1] == NULL || texts[2] == NULL)
        (void)ratls_store_stop(tx, RATLS_MEMORY, "out of memory");
    if (tx->status == RATLS_OK)
        append(tx, &(struct ratls_store_record){
                       .at = now, .kind = texts[0], .subject = texts[1], .detail = texts[2]});
    free(detail);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

struct note {
    const char *kind, *subject, *detail;
    int64_t now;
};

static void add_note(struct ratls_store_tx *tx, void *arg)
{
    const struct note *note = arg;

    ratls_store_record(tx, note->now, note->kind, note->subject, "%s", note->detail);
}

enum ratls_status ratls_store_audit(struct ratls_store *store, const char *kind,
                                    const char *subject, const char *detail, int64_t now,
                                    struct ratls_error *err)
{
    struct note note = {kind, subject, detail, now};

    return ratls_store_run(store, RATLS_STORE_WRITE, add_note, &note, err);
}

/* A walk through the log. */
struct walk {
    int64_t from; /* the next one */
    bool (*call)(void *arg, const struct ratls_store_record *record);
    void *arg;
    bool is_check;    /* false: call is asked */
    bool is_whole;    /* so far, and */
    uint8_t head[32]; /* of the last one that was good */
};

static bool is_next(struct ratls_store_tx *tx, struct walk *walk,
                    const struct ratls_store_record *record, const uint8_t previous[static 32])
{
    uint8_t sha256[32];

    if (tx->status == RATLS_OK)
        tx->status = hash_record(walk->head, record, sha256, tx->err);
    walk->is_whole = tx->status == RATLS_OK && record->seq == walk->from &&
                     memcmp(previous, walk->head, sizeof walk->head) == 0 &&
                     memcmp(sha256, record->sha256, sizeof sha256) == 0;
    if (walk->is_whole)
        memcpy(walk->head, sha256, sizeof sha256);
    return walk->is_whole;
}

/* Whether to go on. */
static bool visit(struct ratls_store_tx *tx, struct walk *walk)
{
    char *const texts[] = {ratls_store_read_text(tx, 2), ratls_store_read_text(tx, 3),
                           ratls_store_read_text(tx, 4)};
    struct ratls_store_record record = {.seq = ratls_store_read_number(tx, 0, INT64_MAX - 1),
                                        .at = ratls_store_read_number(tx, 1, INT64_MAX),
                                        .kind = texts[0],
                                        .subject = texts[1],
                                        .detail = texts[2]};
    uint8_t previous[32] = {0};
    bool goes_on = false;

    ratls_store_read_hex(tx, 5, previous, sizeof previous);
    ratls_store_read_hex(tx, 6, record.sha256, sizeof record.sha256);
    if (tx->status == RATLS_OK)
        goes_on =
            walk->is_check ? is_next(tx, walk, &record, previous) : walk->call(walk->arg, &record);
    if (goes_on)
        walk->from = record.seq + 1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    return goes_on;
}

static void walk_through(struct ratls_store_tx *tx, void *arg)
{
    struct walk *walk = arg;
    bool goes_on = true;
    int count = PAGE;

    while (goes_on && count == PAGE) {
        bool has_row =
            ratls_store_ask(tx, RATLS_SQL_EACH_RECORD, RATLS_WITH(ratls_of_number(walk->from)));

        for (count = 0; has_row && goes_on; count++) {
            goes_on = visit(tx, walk);
            has_row = goes_on && ratls_store_next(tx);
        }
        ratls_store_end(tx);
    }
}

enum ratls_status ratls_store_each_record(struct ratls_store *store, int64_t from,
                                          bool (*call)(void *arg,
                                                       const struct ratls_store_record *record),
                                          void *arg, struct ratls_error *err)
{
    struct walk walk = {.from = from, .call = call, .arg = arg};

    return ratls_store_run(store, RATLS_STORE_READ, walk_through, &walk, err);
}

enum ratls_status ratls_store_verify_audit(struct ratls_store *store, uint8_t head[static 32],
                                           int64_t *ret_count, bool *ret_whole,
                                           struct ratls_error *err)
{
    struct walk walk = {.from = 1, .is_check = true, .is_whole = true};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_READ, walk_through, &walk, err);

    if (status != RATLS_OK)
        return status;
    memcpy(head, walk.head, sizeof walk.head);
    *ret_count = walk.from - 1;
    *ret_whole = walk.is_whole;
    return RATLS_OK;
}
