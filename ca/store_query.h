/*
 * For store*.c: a transaction, and queries in it. What fails sticks: the rest does nothing, reads
 * are 0 or NULL, and status says why; ask once, at the end. What a store has is read as bytes from
 * outside are: a value that no store writes fails.
 */
#ifndef RATLS_CA_STORE_QUERY_H
#define RATLS_CA_STORE_QUERY_H

#include <string.h>

#include "store.h"
#include "store_link.h"

#define RATLS_STORE_TEXT_MAX 8192 /* what is longer is cut; 16 names of 253 letters are 4 063 */

struct ratls_store_tx {
    const struct ratls_store_engine *engine;
    struct ratls_store_link *link;
    enum ratls_status status;
    struct ratls_error *err;
    bool is_recorded;     /* in the audit log: */
    uint8_t recorded[32]; /* hash of the last record */
};

struct ratls_store_value {
    enum { RATLS_STORE_NUMBER, RATLS_STORE_TEXT, RATLS_STORE_HEX, RATLS_STORE_BASE64 } kind;
    int64_t number;
    struct ratls_slice bytes;
};

static inline struct ratls_store_value ratls_of_number(int64_t number)
{
    return (struct ratls_store_value){.kind = RATLS_STORE_NUMBER, .number = number};
}

/* In the store it is printable ASCII: all else is escaped. NULL is "". */
static inline struct ratls_store_value ratls_of_text(const char *text)
{
    return (struct ratls_store_value){.kind = RATLS_STORE_TEXT,
                                      .bytes = ratls_slice(text, text == NULL ? 0 : strlen(text))};
}

static inline struct ratls_store_value ratls_of_name(struct ratls_slice name)
{
    return (struct ratls_store_value){.kind = RATLS_STORE_TEXT, .bytes = name};
}

static inline struct ratls_store_value ratls_of_hex(const uint8_t *p, size_t len)
{
    return (struct ratls_store_value){.kind = RATLS_STORE_HEX, .bytes = ratls_slice(p, len)};
}

static inline struct ratls_store_value ratls_of_base64(struct ratls_slice bytes)
{
    return (struct ratls_store_value){.kind = RATLS_STORE_BASE64, .bytes = bytes};
}

/* The values of a query, $1 first: two arguments. */
#define RATLS_WITH(...)                                                                            \
    (const struct ratls_store_value[]){__VA_ARGS__},                                               \
        sizeof((const struct ratls_store_value[]){__VA_ARGS__}) / sizeof(struct ratls_store_value)

/* Returns status, after making it the transaction's unless that has failed already. */
enum ratls_status ratls_store_stop(struct ratls_store_tx *tx, enum ratls_status status,
                                   const char *text);

/* How many rows it changed. */
size_t ratls_store_do(struct ratls_store_tx *tx, const char *sql,
                      const struct ratls_store_value *values, size_t count);
/* do, which has to change one row: else RATLS_IO. */
void ratls_store_do_one(struct ratls_store_tx *tx, const char *sql,
                        const struct ratls_store_value *values, size_t count);
/* Whether there is a first row. One query at a time: end it, unless next has said false. */
bool ratls_store_ask(struct ratls_store_tx *tx, const char *sql,
                     const struct ratls_store_value *values, size_t count);
bool ratls_store_next(struct ratls_store_tx *tx);
void ratls_store_end(struct ratls_store_tx *tx);
/* The only number of the only row. */
int64_t ratls_store_ask_number(struct ratls_store_tx *tx, const char *sql,
                               const struct ratls_store_value *values, size_t count);

/* Columns of the row. Numbers are not negative. The caller frees texts and bytes. */
int64_t ratls_store_read_number(struct ratls_store_tx *tx, int column, int64_t max);
void ratls_store_read_hex(struct ratls_store_tx *tx, int column, uint8_t *out, size_t len);
size_t ratls_store_read_hex_upto(struct ratls_store_tx *tx, int column, uint8_t *out, size_t max);
char *ratls_store_read_text(struct ratls_store_tx *tx, int column);
uint8_t *ratls_store_read_base64(struct ratls_store_tx *tx, int column, size_t *ret_len);
/* Whether the column is NULL, as of a table that was joined and has no such row. */
bool ratls_store_is_null(struct ratls_store_tx *tx, int column);

/*
 * One transaction. step may run more than once: it begins by clearing what it returns. It is taken
 * back unless step leaves RATLS_OK in tx->status.
 */
enum ratls_status ratls_store_run(struct ratls_store *store, enum ratls_store_access access,
                                  void (*step)(struct ratls_store_tx *tx, void *arg), void *arg,
                                  struct ratls_error *err);

/* Within a transaction: the next record of the audit log. */
void ratls_store_record(struct ratls_store_tx *tx, int64_t now, const char *kind,
                        const char *subject, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * For a request that gets a challenge: whether it may be kept. Removes older ones where there are
 * too many.
 */
bool ratls_store_make_room(struct ratls_store_tx *tx, const struct ratls_store_request *request,
                           int64_t now);

/*
 * Whether the audit log tells of a challenge for this endorsement key, or of what became of one but
 * a certificate: as long as fewer requests than these have a challenge and no certificate.
 */
#define RATLS_STORE_RECORDED_PER_EK 32
bool ratls_store_has_record(struct ratls_store_tx *tx, const uint8_t ek_sha256[static 32]);

/* Names as one text, separated by one space each; NULL if they are none. The caller frees it. */
char *ratls_store_join(const struct ratls_store_names *names);

#endif
