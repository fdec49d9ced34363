#include "cbor.h"

#include <cbor/callbacks.h>
#include <cbor/encoding.h>
#include <cbor/streaming.h>
#include <string.h>

#define ARGUMENT_BITS 5
#define ARGUMENT_MASK 0x1f
#define HEAD_MAX 9 /* RFC 8949, 3: the initial byte and a 64-bit argument */

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "libcbor gives counts and lengths as size_t");

enum item_kind {
    ITEM_REFUSED = 0, /* indefinite lengths, and what ends them */
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

static void set_item(void *context, enum item_kind kind, uint64_t argument, const uint8_t *p)
{
    struct item *item = context;

    *item = (struct item){.kind = kind, .argument = argument, .p = p};
}

static void take_uint8(void *context, uint8_t value)
{
    set_item(context, ITEM_UINT, value, NULL);
}

static void take_uint16(void *context, uint16_t value)
{
    set_item(context, ITEM_UINT, value, NULL);
}

static void take_uint32(void *context, uint32_t value)
{
    set_item(context, ITEM_UINT, value, NULL);
}

static void take_uint64(void *context, uint64_t value)
{
    set_item(context, ITEM_UINT, value, NULL);
}

static void take_bytes(void *context, cbor_data data, size_t len)
{
    set_item(context, ITEM_BYTES, len, data);
}

static void take_text(void *context, cbor_data data, size_t len)
{
    set_item(context, ITEM_TEXT, len, data);
}

static void take_array(void *context, size_t count)
{
    set_item(context, ITEM_ARRAY, count, NULL);
}

static void take_map(void *context, size_t count)
{
    set_item(context, ITEM_MAP, count, NULL);
}

static void take_negative8(void *context, uint8_t value)
{
    set_item(context, ITEM_NEGATIVE, value, NULL);
}

static void take_negative16(void *context, uint16_t value)
{
    set_item(context, ITEM_NEGATIVE, value, NULL);
}

static void take_negative32(void *context, uint32_t value)
{
    set_item(context, ITEM_NEGATIVE, value, NULL);
}

static void take_negative64(void *context, uint64_t value)
{
    set_item(context, ITEM_NEGATIVE, value, NULL);
}

static void take_float(void *context, float value)
{
    (void)value;
    set_item(context, ITEM_OTHER, 0, NULL);
}

static void take_double(void *context, double value)
{
    (void)value;
    set_item(context, ITEM_OTHER, 0, NULL);
}

static void take_boolean(void *context, bool value)
{
    set_item(context, ITEM_OTHER, value, NULL);
}

static void take_simple(void *context)
{
    set_item(context, ITEM_OTHER, 0, NULL);
}

/* Whatever has a null callback here leaves the item as it was: refused. */
static const struct cbor_callbacks CALLBACKS = {
    .uint8 = take_uint8,
    .uint16 = take_uint16,
    .uint32 = take_uint32,
    .uint64 = take_uint64,
    .negint64 = take_negative64,
    .negint32 = take_negative32,
    .negint16 = take_negative16,
    .negint8 = take_negative8,
    .byte_string_start = cbor_null_byte_string_start_callback,
    .byte_string = take_bytes,
    .string = take_text,
    .string_start = cbor_null_string_start_callback,
    .indef_array_start = cbor_null_indef_array_start_callback,
    .array_start = take_array,
    .indef_map_start = cbor_null_indef_map_start_callback,
    .map_start = take_map,
    .tag = cbor_null_tag_callback,
    .float2 = take_float,
    .float4 = take_float,
    .float8 = take_double,
    .undefined = take_simple,
    .null = take_simple,
    .boolean = take_boolean,
    .indef_break = cbor_null_indef_break_callback,
};

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
 * The head of a tag is that of an integer, but for the major type (RFC 8949, 3.1). libcbor refuses
 * some that were without a meaning when it was written, as that of COSE_Sign1.
 */
static struct cbor_decoder_result decode_tag(struct ratls_slice in, struct item *item)
{
    uint8_t head[HEAD_MAX];
    size_t len = in.len < sizeof head ? in.len : sizeof head;
    struct cbor_decoder_result result;

    memcpy(head, in.p, len);
    head[0] &= ARGUMENT_MASK;
    result = cbor_stream_decode(head, len, &CALLBACKS, item);
    item->kind = item->kind == ITEM_UINT ? ITEM_TAG : ITEM_REFUSED;
    return result;
}

/* Takes the next item, whatever it is. */
static struct item take_any(struct ratls_cbor *c)
{
    struct item item = {.kind = ITEM_REFUSED};
    struct cbor_decoder_result result;
    size_t string_len;

    if (c->failed || c->rest.len == 0)
        goto fail;
    if (c->rest.p[0] >> ARGUMENT_BITS == RATLS_CBOR_TAG)
        result = decode_tag(c->rest, &item);
    else
        result = cbor_stream_decode(c->rest.p, c->rest.len, &CALLBACKS, &item);
    if (result.status != CBOR_DECODER_FINISHED || item.kind == ITEM_REFUSED)
        goto fail;
    string_len = item.kind == ITEM_BYTES || item.kind == ITEM_TEXT ? (size_t)item.argument : 0;
    if (item.kind != ITEM_OTHER && result.read != shortest_head_len(item.argument) + string_len)
        goto fail;
    c->rest.p += result.read;
    c->rest.len -= result.read;
    return item;
fail:
    c->failed = true;
    return (struct item){.kind = ITEM_REFUSED};
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

void ratls_cbor_put_uint(struct ratls_writer *w, uint64_t value)
{
    uint8_t head[HEAD_MAX];

    ratls_write_bytes(w, ratls_slice(head, cbor_encode_uint(value, head, sizeof head)));
}

void ratls_cbor_put_int(struct ratls_writer *w, int64_t value)
{
    uint8_t head[HEAD_MAX];

    if (value >= 0) {
        ratls_cbor_put_uint(w, (uint64_t)value);
        return;
    }
    ratls_write_bytes(
        w, ratls_slice(head, cbor_encode_negint((uint64_t)(-1 - value), head, sizeof head)));
}

void ratls_cbor_put_tag(struct ratls_writer *w, uint64_t number)
{
    uint8_t head[HEAD_MAX];

    ratls_write_bytes(w, ratls_slice(head, cbor_encode_tag(number, head, sizeof head)));
}

void ratls_cbor_put_bytes_head(struct ratls_writer *w, size_t len)
{
    uint8_t head[HEAD_MAX];

    ratls_write_bytes(w, ratls_slice(head, cbor_encode_bytestring_start(len, head, sizeof head)));
}

void ratls_cbor_put_bytes(struct ratls_writer *w, struct ratls_slice bytes)
{
    ratls_cbor_put_bytes_head(w, bytes.len);
    ratls_write_bytes(w, bytes);
}

void ratls_cbor_put_text(struct ratls_writer *w, struct ratls_slice text)
{
    uint8_t head[HEAD_MAX];

    ratls_write_bytes(w, ratls_slice(head, cbor_encode_string_start(text.len, head, sizeof head)));
    ratls_write_bytes(w, text);
}

void ratls_cbor_put_array(struct ratls_writer *w, size_t count)
{
    uint8_t head[HEAD_MAX];

    ratls_write_bytes(w, ratls_slice(head, cbor_encode_array_start(count, head, sizeof head)));
}

void ratls_cbor_put_map(struct ratls_writer *w, size_t count)
{
    uint8_t head[HEAD_MAX];

    ratls_write_bytes(w, ratls_slice(head, cbor_encode_map_start(count, head, sizeof head)));
}
