/*
 * Borrowed bytes, and readers and writers with bounds. Every byte from a peer goes through these:
 * no pointer arithmetic elsewhere.
 *
 * Errors stick: after the first failure every read returns zero or an empty slice and every write
 * does nothing. Read all the fields, then ask once.
 */
#ifndef RATLS_BYTES_H
#define RATLS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does not own its bytes. An empty slice may have p == NULL. */
struct ratls_slice {
    const uint8_t *p;
    size_t len;
};

static inline struct ratls_slice ratls_slice(const void *p, size_t len)
{
    return (struct ratls_slice){.p = (const uint8_t *)p, .len = len};
}

bool ratls_slice_equal(struct ratls_slice a, struct ratls_slice b); /* constant time for a length */
bool ratls_slice_is_zero(struct ratls_slice bytes);                 /* likewise; true of none */
bool ratls_slice_is_printable(struct ratls_slice text);             /* ASCII; true of none */

struct ratls_reader {
    struct ratls_slice rest;
    bool failed;
};

static inline struct ratls_reader ratls_reader(struct ratls_slice in)
{
    return (struct ratls_reader){.rest = in};
}

/* Inline, as what logs are made of: a call for each number is a tenth of what an event costs. */
static inline struct ratls_slice ratls_read_bytes(struct ratls_reader *r, size_t len)
{
    struct ratls_slice taken = {.p = r->rest.p, .len = len};

    if (r->failed || len > r->rest.len) {
        r->failed = true;
        return ratls_slice(NULL, 0);
    }
    if (len > 0) {
        r->rest.p += len;
        r->rest.len -= len;
    }
    return taken;
}

uint8_t ratls_read_u8(struct ratls_reader *r);
uint16_t ratls_read_u16(struct ratls_reader *r); /* big-endian */
uint32_t ratls_read_u32(struct ratls_reader *r);
uint64_t ratls_read_u64(struct ratls_reader *r);

/* Little-endian: logs of firmware and kernel. */
static inline uint16_t ratls_read_le16(struct ratls_reader *r)
{
    struct ratls_slice b = ratls_read_bytes(r, sizeof(uint16_t));

    if (b.len == 0) /* no conditional expression: gcc warns of its conversion, with sanitizers */
        return 0;
    return (uint16_t)(b.p[0] | b.p[1] << 8);
}

static inline uint32_t ratls_read_le32(struct ratls_reader *r)
{
    struct ratls_slice b = ratls_read_bytes(r, sizeof(uint32_t));

    return b.len == 0
               ? 0
               : b.p[0] | (uint32_t)b.p[1] << 8 | (uint32_t)b.p[2] << 16 | (uint32_t)b.p[3] << 24;
}

uint64_t ratls_read_le64(struct ratls_reader *r);
/* A TPM2B: u16 length, then that many bytes; fails if there are more than max. */
struct ratls_slice ratls_read_tpm2b(struct ratls_reader *r, size_t max);
/* True if nothing failed and nothing is left. */
bool ratls_reader_done(const struct ratls_reader *r);

struct ratls_writer {
    uint8_t *p; /* NULL: it only counts, up to cap */
    size_t cap;
    size_t len;
    bool failed; /* it did not fit */
};

struct ratls_writer ratls_writer(uint8_t *p, size_t cap);
void ratls_write_u8(struct ratls_writer *w, uint8_t value);
void ratls_write_u16(struct ratls_writer *w, uint16_t value);
void ratls_write_u32(struct ratls_writer *w, uint32_t value);
void ratls_write_u64(struct ratls_writer *w, uint64_t value);
void ratls_write_bytes(struct ratls_writer *w, struct ratls_slice bytes);
struct ratls_slice ratls_writer_slice(const struct ratls_writer *w);

/* Lower-case hexadecimal with a final NUL; cut, with "..." at the end, if cap is too small. */
void ratls_hex(struct ratls_slice bytes, char *out, size_t cap);
/* Exactly 2 * len hexadecimal digits of either case to len bytes. False for any other text. */
bool ratls_unhex(const char *text, uint8_t *out, size_t len);
/* Printable ASCII stays, all else becomes \xNN; cut with "..." if it does not fit. */
void ratls_escape(struct ratls_slice bytes, char *out, size_t cap);

#endif
