#include "store_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base64url.h"
#include "fail.h"

#define VALUES_MAX 12
#define NUMBER_LEN 24
#define ESCAPED_LEN 4 /* of one byte: \xNN */

enum ratls_status ratls_store_stop(struct ratls_store_tx *tx, enum ratls_status status,
                                   const char *text)
{
    if (tx->status == RATLS_OK)
        tx->status = ratls_fail(tx->err, status, "%s", text);
    return tx->status;
}

static char *write_base64(struct ratls_slice bytes)
{
    const size_t len = RATLS_BASE64URL_LEN(bytes.len);
    char *text = malloc(len + 1);
    struct ratls_writer w = ratls_writer((uint8_t *)text, len);

    if (text == NULL)
        return NULL;
    ratls_base64url_write(bytes, &w);
    text[len] = '\0';
    return text;
}

static char *write_text(struct ratls_slice bytes)
{
    size_t size = bytes.len * ESCAPED_LEN + 1;
    char *text;

    if (size > RATLS_STORE_TEXT_MAX)
        size = RATLS_STORE_TEXT_MAX;
    text = malloc(size);
    if (text != NULL)
        ratls_escape(bytes, text, size);
    return text;
}

/* As the engines take it; NULL if memory is short. */
static char *write_value(const struct ratls_store_value *value)
{
    const size_t hex_size = value->bytes.len * 2 + 1;
    char *text = NULL;

    switch (value->kind) {
    case RATLS_STORE_NUMBER:
        text = malloc(NUMBER_LEN);
        if (text != NULL)
            (void)snprintf(text, NUMBER_LEN, "%lld", (long long)value->number);
        break;
    case RATLS_STORE_TEXT:
        text = write_text(value->bytes);
        break;
    case RATLS_STORE_HEX:
        text = malloc(hex_size);
        if (text != NULL)
            ratls_hex(value->bytes, text, hex_size);
        break;
    case RATLS_STORE_BASE64:
        text = write_base64(value->bytes);
        break;
    }
    return text;
}

static void start(struct ratls_store_tx *tx, const char *sql,
                  const struct ratls_store_value *values, size_t count)
{
    struct ratls_store_parameter parameters[VALUES_MAX];
    char *texts[VALUES_MAX];
    size_t n;

    if (count > VALUES_MAX)
        (void)ratls_store_stop(tx, RATLS_USAGE, "too many values");
    for (n = 0; tx->status == RATLS_OK && n < count; n++) {
        texts[n] = write_value(&values[n]);
        if (texts[n] == NULL)
            (void)ratls_store_stop(tx, RATLS_MEMORY, "out of memory");
        parameters[n].text = texts[n];
        parameters[n].is_number = values[n].kind == RATLS_STORE_NUMBER;
    }
    if (tx->status == RATLS_OK)
        tx->status = tx->engine->query(tx->link, sql, parameters, count, tx->err);
    while (n > 0)
        free(texts[--n]);
}

bool ratls_store_next(struct ratls_store_tx *tx)
{
    bool has_row = false;

    if (tx->status == RATLS_OK)
        tx->status = tx->engine->next(tx->link, &has_row, tx->err);
    if (tx->status != RATLS_OK || !has_row)
        ratls_store_end(tx);
    return tx->status == RATLS_OK && has_row;
}

bool ratls_store_ask(struct ratls_store_tx *tx, const char *sql,
                     const struct ratls_store_value *values, size_t count)
{
    start(tx, sql, values, count);
    return ratls_store_next(tx);
}

void ratls_store_end(struct ratls_store_tx *tx)
{
    tx->engine->end(tx->link);
}

size_t ratls_store_do(struct ratls_store_tx *tx, const char *sql,
                      const struct ratls_store_value *values, size_t count)
{
    bool has_row = true;
    size_t changes = 0;

    start(tx, sql, values, count);
    while (tx->status == RATLS_OK && has_row)
        tx->status = tx->engine->next(tx->link, &has_row, tx->err);
    if (tx->status == RATLS_OK)
        changes = tx->engine->changes(tx->link);
    ratls_store_end(tx);
    return changes;
}

void ratls_store_do_one(struct ratls_store_tx *tx, const char *sql,
                        const struct ratls_store_value *values, size_t count)
{
    if (ratls_store_do(tx, sql, values, count) != 1)
        (void)ratls_store_stop(tx, RATLS_IO,
                               "the store does not hold together: a row is not as it has to be");
}

int64_t ratls_store_ask_number(struct ratls_store_tx *tx, const char *sql,
                               const struct ratls_store_value *values, size_t count)
{
    int64_t number = 0;

    if (ratls_store_ask(tx, sql, values, count))
        number = ratls_store_read_number(tx, 0, INT64_MAX);
    else
        (void)ratls_store_stop(tx, RATLS_IO, "the store is damaged: a row is missing");
    ratls_store_end(tx);
    return number;
}

static void say_damaged(struct ratls_store_tx *tx)
{
    (void)ratls_store_stop(tx, RATLS_IO,
                           "the store is damaged: it has a value that no ratls writes; restore it "
                           "from a backup");
}

/* "" after a failure. */
static const char *read_column(struct ratls_store_tx *tx, int column)
{
    const char *text = tx->status == RATLS_OK ? tx->engine->text(tx->link, column) : "";

    if (text != NULL)
        return text;
    say_damaged(tx);
    return "";
}

bool ratls_store_is_null(struct ratls_store_tx *tx, int column)
{
    return tx->status == RATLS_OK && tx->engine->text(tx->link, column) == NULL;
}

int64_t ratls_store_read_number(struct ratls_store_tx *tx, int column, int64_t max)
{
    const char *text = read_column(tx, column);
    char *end = NULL;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && number <= max)
        return number;
    say_damaged(tx);
    return 0;
}

size_t ratls_store_read_hex_upto(struct ratls_store_tx *tx, int column, uint8_t *out, size_t max)
{
    const char *text = read_column(tx, column);
    const size_t len = strlen(text) / 2;

    if (tx->status == RATLS_OK && strlen(text) == 2 * len && len <= max &&
        ratls_unhex(text, out, len))
        return len;
    say_damaged(tx);
    return 0;
}

void ratls_store_read_hex(struct ratls_store_tx *tx, int column, uint8_t *out, size_t len)
{
    if (ratls_store_read_hex_upto(tx, column, out, len) != len)
        say_damaged(tx);
}

char *ratls_store_read_text(struct ratls_store_tx *tx, int column)
{
    const char *text = read_column(tx, column);
    char *copy = NULL;

    if (strlen(text) > 0 && !ratls_slice_is_printable(ratls_slice(text, strlen(text))))
        say_damaged(tx);
    else
        copy = strdup(text);
    if (copy == NULL)
        (void)ratls_store_stop(tx, RATLS_MEMORY, "out of memory");
    return copy;
}

uint8_t *ratls_store_read_base64(struct ratls_store_tx *tx, int column, size_t *ret_len)
{
    const char *text = read_column(tx, column);
    const size_t text_len = strlen(text);
    uint8_t *bytes = malloc(RATLS_BASE64URL_BYTES(text_len) + 1);

    *ret_len = 0;
    if (bytes == NULL)
        (void)ratls_store_stop(tx, RATLS_MEMORY, "out of memory");
    else if (!ratls_base64url_read(ratls_slice(text, text_len), bytes, ret_len))
        say_damaged(tx);
    return bytes;
}
