#include "bytes.h"

#include <openssl/crypto.h>
#include <string.h>

static const char HEX_DIGITS[] = "0123456789abcdef";
static const char CUT_MARK[] = "...";
#define CUT_MARK_LEN (sizeof CUT_MARK - 1)
#define ESCAPE_LEN 4 /* \xNN */

bool ratls_slice_equal(struct ratls_slice a, struct ratls_slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.p, b.p, a.len) == 0);
}

bool ratls_slice_is_zero(struct ratls_slice bytes)
{
    uint8_t any = 0;

    for (size_t i = 0; i < bytes.len; i++)
        any |= bytes.p[i];
    return any == 0;
}

static uint64_t read_big_endian(struct ratls_reader *r, size_t len)
{
    struct ratls_slice bytes = ratls_read_bytes(r, len);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.p[i];
    return value;
}

uint8_t ratls_read_u8(struct ratls_reader *r)
{
    return (uint8_t)read_big_endian(r, sizeof(uint8_t));
}

uint16_t ratls_read_u16(struct ratls_reader *r)
{
    return (uint16_t)read_big_endian(r, sizeof(uint16_t));
}

uint32_t ratls_read_u32(struct ratls_reader *r)
{
    return (uint32_t)read_big_endian(r, sizeof(uint32_t));
}

uint64_t ratls_read_u64(struct ratls_reader *r)
{
    return read_big_endian(r, sizeof(uint64_t));
}

uint64_t ratls_read_le64(struct ratls_reader *r)
{
    uint64_t low = ratls_read_le32(r);

    return low | (uint64_t)ratls_read_le32(r) << 32;
}

struct ratls_slice ratls_read_tpm2b(struct ratls_reader *r, size_t max)
{
    uint16_t len = ratls_read_u16(r);

    if (len > max)
        r->failed = true;
    return ratls_read_bytes(r, len);
}

bool ratls_reader_done(const struct ratls_reader *r)
{
    return !r->failed && r->rest.len == 0;
}

struct ratls_writer ratls_writer(uint8_t *p, size_t cap)
{
    return (struct ratls_writer){.p = p, .cap = cap};
}

void ratls_write_bytes(struct ratls_writer *w, struct ratls_slice bytes)
{
    if (w->failed || bytes.len > w->cap - w->len) {
        w->failed = true;
        return;
    }
    if (w->p != NULL && bytes.len > 0)
        memcpy(w->p + w->len, bytes.p, bytes.len);
    w->len += bytes.len;
}

static void write_big_endian(struct ratls_writer *w, uint64_t value, size_t len)
{
    uint8_t bytes[sizeof value];

    for (size_t i = len; i > 0; i--) {
        bytes[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    ratls_write_bytes(w, ratls_slice(bytes, len));
}

void ratls_write_u8(struct ratls_writer *w, uint8_t value)
{
    write_big_endian(w, value, sizeof value);
}

void ratls_write_u16(struct ratls_writer *w, uint16_t value)
{
    write_big_endian(w, value, sizeof value);
}

void ratls_write_u32(struct ratls_writer *w, uint32_t value)
{
    write_big_endian(w, value, sizeof value);
}

void ratls_write_u64(struct ratls_writer *w, uint64_t value)
{
    write_big_endian(w, value, sizeof value);
}

struct ratls_slice ratls_writer_slice(const struct ratls_writer *w)
{
    return w->failed ? ratls_slice(NULL, 0) : ratls_slice(w->p, w->len);
}

/* Ends a text after len characters, with the mark if it was cut; there is room for both. */
static void end_text(char *out, size_t cap, size_t len, bool was_cut)
{
    size_t mark_len = !was_cut ? 0 : cap > CUT_MARK_LEN ? CUT_MARK_LEN : cap - 1;

    memcpy(out + len, CUT_MARK, mark_len);
    out[len + mark_len] = '\0';
}

/* How many characters stand before the mark in a text that is cut. */
static size_t room_before_mark(size_t cap)
{
    return cap > CUT_MARK_LEN ? cap - 1 - CUT_MARK_LEN : 0;
}

void ratls_hex(struct ratls_slice bytes, char *out, size_t cap)
{
    bool is_cut = cap == 0 || bytes.len > (cap - 1) / 2;
    size_t count = is_cut ? room_before_mark(cap) / 2 : bytes.len;

    if (cap == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = HEX_DIGITS[bytes.p[i] >> 4];
        out[2 * i + 1] = HEX_DIGITS[bytes.p[i] & 0x0f];
    }
    end_text(out, cap, 2 * count, is_cut);
}

static bool is_hex_digit(char digit)
{
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f') ||
           (digit >= 'A' && digit <= 'F');
}

static bool has_hex_digits(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_hex_digit(text[i]))
            return false;
    return text[count] == '\0';
}

/* Of a digit: the low four bits, and letters, which alone have the seventh, begin with 1. */
static unsigned digit_value(char digit)
{
    return ((unsigned)digit & 0x0f) + 9 * ((unsigned)digit >> 6 & 1);
}

bool ratls_unhex(const char *text, uint8_t *out, size_t len)
{
    if (!has_hex_digits(text, 2 * len))
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    return true;
}

static bool is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte <= 0x7e;
}

bool ratls_slice_is_printable(struct ratls_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_printable(text.p[i]))
            return false;
    return true;
}

/* How many bytes can be shown in at most max characters; their number of characters in *ret_len. */
static size_t count_shown(struct ratls_slice bytes, size_t max, size_t *ret_len)
{
    size_t len = 0;
    size_t i;

    for (i = 0; i < bytes.len; i++) {
        size_t width = is_printable(bytes.p[i]) ? 1 : ESCAPE_LEN;

        if (width > max - len)
            break;
        len += width;
    }
    *ret_len = len;
    return i;
}

void ratls_escape(struct ratls_slice bytes, char *out, size_t cap)
{
    size_t len;
    size_t count;
    bool is_cut;

    if (cap == 0)
        return;
    is_cut = count_shown(bytes, cap - 1, &len) < bytes.len;
    count = is_cut ? count_shown(bytes, room_before_mark(cap), &len) : bytes.len;
    for (size_t i = 0, at = 0; i < count; i++) {
        if (is_printable(bytes.p[i])) {
            out[at++] = (char)bytes.p[i];
            continue;
        }
        out[at++] = '\\';
        out[at++] = 'x';
        out[at++] = HEX_DIGITS[bytes.p[i] >> 4];
        out[at++] = HEX_DIGITS[bytes.p[i] & 0x0f];
    }
    end_text(out, cap, len, is_cut);
}
