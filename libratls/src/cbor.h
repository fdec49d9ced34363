/*
 * Deterministic CBOR (WIRE.md, 1). Heads are read and written here: the callbacks of a library
 * cost more than all else that there is to reading evidence. No allocation. Errors stick, as in
 * bytes.h.
 */
#ifndef RATLS_CBOR_H
#define RATLS_CBOR_H

#include "bytes.h"

struct ratls_cbor {
    struct ratls_slice rest;
    bool failed;
};

struct ratls_cbor ratls_cbor(struct ratls_slice in);
uint64_t ratls_cbor_uint(struct ratls_cbor *c, uint64_t max);
struct ratls_slice ratls_cbor_bytes(struct ratls_cbor *c, size_t min, size_t max);
/* Printable ASCII only. */
struct ratls_slice ratls_cbor_text(struct ratls_cbor *c, size_t min, size_t max);
/* The number of items that follow, min to max. The caller reads exactly that many. */
size_t ratls_cbor_array(struct ratls_cbor *c, size_t min, size_t max);
/* The number of pairs that follow. The caller checks the order of the keys. */
size_t ratls_cbor_map(struct ratls_cbor *c, size_t min, size_t max);
/* A byte string that must be equal to expected, and so on: fail otherwise. */
void ratls_cbor_expect_text(struct ratls_cbor *c, const char *expected);
void ratls_cbor_expect_uint(struct ratls_cbor *c, uint64_t expected);

/*
 * For formats of others (CoRIM, CWT), which have more in them than is read here: deterministic as
 * well, but with tags, negative numbers, and items that are passed over.
 */
enum ratls_cbor_kind {
    RATLS_CBOR_UINT,
    RATLS_CBOR_NEGATIVE,
    RATLS_CBOR_BYTES,
    RATLS_CBOR_TEXT,
    RATLS_CBOR_ARRAY,
    RATLS_CBOR_MAP,
    RATLS_CBOR_TAG,
    RATLS_CBOR_OTHER, /* simple values and floating-point numbers */
};

/* What the next item seems to be; RATLS_CBOR_OTHER behind the end or after a failure. */
enum ratls_cbor_kind ratls_cbor_peek(const struct ratls_cbor *c);
/* An integer of either sign. */
int64_t ratls_cbor_int(struct ratls_cbor *c, int64_t min, int64_t max);
/* The number of a tag. What it is of comes next. */
uint64_t ratls_cbor_tag(struct ratls_cbor *c);
/* Passes over one item, with all that is in it, to any depth. Text may be any UTF-8. */
void ratls_cbor_skip(struct ratls_cbor *c);
bool ratls_cbor_done(const struct ratls_cbor *c);

void ratls_cbor_put_uint(struct ratls_writer *w, uint64_t value);
void ratls_cbor_put_int(struct ratls_writer *w, int64_t value);
void ratls_cbor_put_tag(struct ratls_writer *w, uint64_t number);
/* Only the head of a byte string: its len bytes follow by other means. */
void ratls_cbor_put_bytes_head(struct ratls_writer *w, size_t len);
void ratls_cbor_put_bytes(struct ratls_writer *w, struct ratls_slice bytes);
void ratls_cbor_put_text(struct ratls_writer *w, struct ratls_slice text);
void ratls_cbor_put_array(struct ratls_writer *w, size_t count);
void ratls_cbor_put_map(struct ratls_writer *w, size_t count);

#endif
