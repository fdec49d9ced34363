#include "refvals_json.h"

#include <string.h>

#include "fail.h"

#define HIGH_SURROGATE 0xd800u
#define LOW_SURROGATE 0xdc00u

/*
 * All strings and keys, as they are decoded. jansson calls itself for each level, and what it has
 * no memory for is missing from its strings without a word (lex_save() in its load.c): a path
 * would be another one. So what is in the text is compared with what it made of it.
 */
struct tally {
    uint64_t len;
    uint64_t sum;
};

struct scan {
    struct tally strings;
    size_t depth;
    size_t max_depth;
};

static void add_byte(struct tally *tally, uint32_t byte)
{
    tally->len++;
    tally->sum += byte;
}

/* As UTF-8 (RFC 3629, 3). */
static void add_code_point(struct tally *tally, uint32_t code)
{
    if (code < 0x80) {
        add_byte(tally, code);
    } else if (code < 0x800) {
        add_byte(tally, 0xc0 | code >> 6);
        add_byte(tally, 0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        add_byte(tally, 0xe0 | code >> 12);
        add_byte(tally, 0x80 | (code >> 6 & 0x3f));
        add_byte(tally, 0x80 | (code & 0x3f));
    } else {
        add_byte(tally, 0xf0 | code >> 18);
        add_byte(tally, 0x80 | (code >> 12 & 0x3f));
        add_byte(tally, 0x80 | (code >> 6 & 0x3f));
        add_byte(tally, 0x80 | (code & 0x3f));
    }
}

/* The four digits behind "\u". */
static uint32_t read_unit(struct ratls_reader *r)
{
    struct ratls_slice digits = ratls_read_bytes(r, 4);
    char text[5] = "0000";
    uint8_t unit[2] = {0};

    if (!r->failed)
        memcpy(text, digits.p, 4);
    if (!ratls_unhex(text, unit, sizeof unit))
        r->failed = true;
    return (uint32_t)unit[0] << 8 | unit[1];
}

static void scan_code_point(struct ratls_reader *r, struct tally *tally)
{
    uint32_t code = read_unit(r);

    if (code >= HIGH_SURROGATE && code < LOW_SURROGATE) {
        ratls_read_u16(r); /* \u */
        code = 0x10000 + ((code - HIGH_SURROGATE) << 10) + (read_unit(r) - LOW_SURROGATE);
    }
    add_code_point(tally, code);
}

static void scan_escape(struct ratls_reader *r, struct tally *tally)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    uint8_t byte = ratls_read_u8(r);
    const char *name = byte == 0 ? NULL : strchr(names, byte);

    if (byte == 'u')
        scan_code_point(r, tally);
    else
        add_byte(tally, name == NULL ? byte : (uint8_t)values[name - names]);
}

/* The reader stands behind the quotation mark. */
static void scan_string(struct ratls_reader *r, struct tally *tally)
{
    while (!r->failed) {
        uint8_t byte = ratls_read_u8(r);

        if (byte == '"')
            return;
        if (byte == '\\')
            scan_escape(r, tally);
        else
            add_byte(tally, byte);
    }
}

/* False: it is too deep. Where the text is no JSON, jansson says so. */
static bool scan_text(struct scan *scan, struct ratls_slice text)
{
    struct ratls_reader r = ratls_reader(text);

    while (!r.failed && r.rest.len > 0) {
        uint8_t byte = ratls_read_u8(&r);

        if (byte == '"')
            scan_string(&r, &scan->strings);
        else if ((byte == '{' || byte == '[') && ++scan->depth > scan->max_depth)
            return false;
        else if ((byte == '}' || byte == ']') && scan->depth > 0)
            scan->depth--;
    }
    return true;
}

static void add_string(struct tally *tally, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        add_byte(tally, (uint8_t)text[i]);
}

static void add_value(struct tally *tally, json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        add_string(tally, json_string_value(value), json_string_length(value));
    json_array_foreach(value, i, member) add_value(tally, member);
    json_object_foreach(value, key, member)
    {
        add_string(tally, key, strlen(key));
        add_value(tally, member);
    }
}

/* The words of jansson have a piece of the file in them; without memory it may have no words. */
static enum ratls_status fail_json(const char *path, const json_error_t *error,
                                   struct ratls_error *err)
{
    char shown[2 * JSON_ERROR_TEXT_LENGTH];

    if (json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0')
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ratls_escape(ratls_slice(error->text, strlen(error->text)), shown, sizeof shown);
    return ratls_fail(err, RATLS_USAGE, "%s:%d:%d: %s", path, error->line, error->column, shown);
}

enum ratls_status ratls_refvals_json(const char *path, struct ratls_slice text, size_t max_depth,
                                     json_t **ret_json, struct ratls_error *err)
{
    struct scan scan = {.max_depth = max_depth};
    struct tally made = {0};
    json_error_t error;
    json_t *json;

    if (!scan_text(&scan, text))
        return ratls_fail(err, RATLS_USAGE, "%s: JSON nested deeper than %zu", path, max_depth);
    json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return fail_json(path, &error, err);
    add_value(&made, json);
    if (made.len != scan.strings.len || made.sum != scan.strings.sum) {
        json_decref(json);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_json = json;
    return RATLS_OK;
}
