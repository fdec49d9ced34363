#include "cbor.h"

#include <string.h>

#define ARGUMENT_BITS 5
#define ARGUMENT_MASK 0x1f
#define HEAD_MAX 9 /* RFC 8949, 3: the initial byte and a 64-bit argument */

enum argument_info { ARGUMENT_1 = 24, ARGUMENT_2, ARGUMENT_4, ARGUMENT_8 }; /* bytes behind it */

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "counts and lengths are returned as size_t");

enum item_kind {
    ITEM_REFUSED = 0,
    ITEM_UINT,
    ITEM_BYTES,
    ITEM_TEXT,
    ITEM_ARRAY,
    ITEM_MAP,
    ITEM_NEGATIVE, /* these three are only passed over, or asked for: WIRE.md, 1 has none */
    ITEM_TAG,
    ITEM_OTHER,
};

struct item {
    enum item_kind kind;
    uint64_t argument; /* the value, the length or the count */
    const uint8_t *p;  /* of strings */
};

static const enum item_kind kinds[] = {ITEM_UINT,  ITEM_NEGATIVE, ITEM_BYTES, ITEM_TEXT,
                                       ITEM_ARRAY, ITEM_MAP,      ITEM_TAG,   ITEM_OTHER};

/* RFC 8949, 4.2.1: the shortest head for an argument. */
static size_t shortest_head_len(uint64_t argument)
{
    if (argument < 24)
        return 1;
    if (argument <= UINT8_MAX)
        return 2;
    if (argument <= UINT16_MAX)
        return 3;
    return argument <= UINT32_MAX ? 5 : HEAD_MAX;
}

/*
 * Simple values and floats (RFC 8949, 3.3), which are only passed over: false to undefined, and
 * floats of 2, 4 and 8 bytes. All others have no meaning, or a second form.
 */
static bool is_known_simple(uint8_t info)
{
    return (info >= 20 && info < ARGUMENT_1) || (info > ARGUMENT_1 && info <= ARGUMENT_8);
}

/*
 * The head of an item (RFC 8949, 3): the initial byte, and the argument in it or in the 1, 2, 4 or
 * 8 bytes behind it.
 * Refuses what has no definite length, and arguments in a longer form than the shortest.
 */
static struct item read_head(struct ratls_reader *r)
{
    const uint8_t initial = ratls_read_u8(r);
    const uint8_t info = initial & ARGUMENT_MASK;
    const bool is_other = initial >> ARGUMENT_BITS == RATLS_CBOR_OTHER;
    const size_t before = r->rest.len;
    struct item item = {.kind = kinds[initial >> ARGUMENT_BITS], .argument = info};

    if (info == ARGUMENT_1)
        item.argument = ratls_read_u8(r);
    if (info == ARGUMENT_2)
        item.argument = ratls_read_u16(r);
    if (info == ARGUMENT_4)
        item.argument = ratls_read_u32(r);
    if (info == ARGUMENT_8)
        item.argument = ratls_read_u64(r);
    if (info > ARGUMENT_8 || (is_other && !is_known_simple(info)) ||
        (!is_other && 1 + before - r->rest.len != shortest_head_len(item.argument)))
        r->failed = true;
    return item;
}

/* Takes the next item, whatever it is. */
static struct item take_any(struct ratls_cbor *c)
{
    struct ratls_reader r = ratls_reader(c->rest);
    struct item item = read_head(&r);

    if (item.kind == ITEM_BYTES || item.kind == ITEM_TEXT)
        item.p = ratls_read_bytes(&r, (size_t)item.argument).p;
    if (c->failed || r.failed) {
        c->failed = true;
        return (struct item){.kind = ITEM_REFUSED};
    }
    c->rest = r.rest;
    return item;
}

/* Takes the next item, if it is of this kind and its argument lies within min and max. */
static struct item take_item(struct ratls_cbor *c, enum item_kind kind, uint64_t min, uint64_t max)
{
    struct ratls_cbor begin = *c;
    struct item item = take_any(c);

    if (item.kind == kind && item.argument >= min && item.argument <= max)
        return item;
    *c = begin;
    c->failed = true;
    return (struct item){.kind = ITEM_REFUSED};
}

struct ratls_cbor ratls_cbor(struct ratls_slice in)
{
    return (struct ratls_cbor){.rest = in};
}

uint64_t ratls_cbor_uint(struct ratls_cbor *c, uint64_t max)
{
    return take_item(c, ITEM_UINT, 0, max).argument;
}

struct ratls_slice ratls_cbor_bytes(struct ratls_cbor *c, size_t min, size_t max)
{
    struct item item = take_item(c, ITEM_BYTES, min, max);

    return ratls_slice(item.p, (size_t)item.argument);
}

struct ratls_slice ratls_cbor_text(struct ratls_cbor *c, size_t min, size_t max)
{
    struct item item = take_item(c, ITEM_TEXT, min, max);
    struct ratls_slice text = ratls_slice(item.p, (size_t)item.argument);

    if (ratls_slice_is_printable(text))
        return text;
    c->failed = true;
    return ratls_slice(NULL, 0);
}

size_t ratls_cbor_array(struct ratls_cbor *c, size_t min, size_t max)
{
    return (size_t)take_item(c, ITEM_ARRAY, min, max).argument;
}

size_t ratls_cbor_map(struct ratls_cbor *c, size_t min, size_t max)
{
    return (size_t)take_item(c, ITEM_MAP, min, max).argument;
}

void ratls_cbor_expect_text(struct ratls_cbor *c, const char *expected)
{
    size_t len = strlen(expected);

    if (!ratls_slice_equal(ratls_cbor_text(c, len, len), ratls_slice(expected, len)))
        c->failed = true;
}

void ratls_cbor_expect_uint(struct ratls_cbor *c, uint64_t expected)
{
    take_item(c, ITEM_UINT, expected, expected);
}

enum ratls_cbor_kind ratls_cbor_peek(const struct ratls_cbor *c)
{
    if (c->failed || c->rest.len == 0)
        return RATLS_CBOR_OTHER;
    return (enum ratls_cbor_kind)(c->rest.p[0] >>
                                  ARGUMENT_BITS); /* RFC 8949, 3.1: the major type */
}

/* RFC 8949, 3.1: of a negative integer the argument is -1 minus its value. */
int64_t ratls_cbor_int(struct ratls_cbor *c, int64_t min, int64_t max)
{
    bool is_negative = ratls_cbor_peek(c) == RATLS_CBOR_NEGATIVE;
    struct item item =
        take_item(c, is_negative ? ITEM_NEGATIVE : ITEM_UINT, 0, (uint64_t)INT64_MAX);
    int64_t value = is_negative ? -1 - (int64_t)item.argument : (int64_t)item.argument;

    if (c->failed || value < min || value > max) {
        c->failed = true;
        return 0;
    }
    return value;
}

uint64_t ratls_cbor_tag(struct ratls_cbor *c)
{
    return take_item(c, ITEM_TAG, 0, UINT64_MAX).argument;
}

/* How many items lie directly in this one. */
static uint64_t count_inner(const struct item *item)
{
    switch (item->kind) {
    case ITEM_ARRAY:
        return item->argument;
    case ITEM_MAP:
        return item->argument > UINT64_MAX / 2 ? UINT64_MAX : 2 * item->argument;
    case ITEM_TAG:
        return 1;
    default:
        return 0;
    }
}

void ratls_cbor_skip(struct ratls_cbor *c)
{
    uint64_t missing = 1;

    while (missing > 0 && !c->failed) {
        struct item item = take_any(c);
        uint64_t inner = count_inner(&item);

        missing--;
        /* Each takes a byte at least: there cannot be more of them than bytes. */
        if (inner > c->rest.len || missing > c->rest.len - inner)
            c->failed = true;
        missing += inner;
    }
}

bool ratls_cbor_done(const struct ratls_cbor *c)
{
    return !c->failed && c->rest.len == 0;
}

/* The shortest head (RFC 8949, 4.2.1). */
static void put_head(struct ratls_writer *w, enum ratls_cbor_kind kind, uint64_t argument)
{
    const size_t len = shortest_head_len(argument);
    const uint8_t major = (uint8_t)(kind << ARGUMENT_BITS);
    uint8_t head[HEAD_MAX] = {(uint8_t)(major | (len == 1 ? argument : 0))};

    if (len > 1)
        head[0] = (uint8_t)(major | (ARGUMENT_1 + __builtin_ctz((unsigned)len - 1)));
    for (size_t i = len; i > 1; i--) {
        head[i - 1] = (uint8_t)argument;
        argument >>= 8;
    }
    ratls_write_bytes(w, ratls_slice(head, len));
}

void ratls_cbor_put_uint(struct ratls_writer *w, uint64_t value)
{
    put_head(w, RATLS_CBOR_UINT, value);
}

void ratls_cbor_put_int(struct ratls_writer *w, int64_t value)
{
    if (value >= 0)
        put_head(w, RATLS_CBOR_UINT, (uint64_t)value);
    else
        put_head(w, RATLS_CBOR_NEGATIVE, (uint64_t)(-1 - value));
}

void ratls_cbor_put_tag(struct ratls_writer *w, uint64_t number)
{
    put_head(w, RATLS_CBOR_TAG, number);
}

void ratls_cbor_put_bytes_head(struct ratls_writer *w, size_t len)
{
    put_head(w, RATLS_CBOR_BYTES, len);
}

void ratls_cbor_put_bytes(struct ratls_writer *w, struct ratls_slice bytes)
{
    put_head(w, RATLS_CBOR_BYTES, bytes.len);
    ratls_write_bytes(w, bytes);
}

void ratls_cbor_put_text(struct ratls_writer *w, struct ratls_slice text)
{
    put_head(w, RATLS_CBOR_TEXT, text.len);
    ratls_write_bytes(w, text);
}

void ratls_cbor_put_array(struct ratls_writer *w, size_t count)
{
    put_head(w, RATLS_CBOR_ARRAY, count);
}

void ratls_cbor_put_map(struct ratls_writer *w, size_t count)
{
    put_head(w, RATLS_CBOR_MAP, count);
}
