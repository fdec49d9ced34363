#include "piece.h"

#include "cbor.h"

#define ITEMS 4

bool ratls_piece_take(struct ratls_slice *rest, struct ratls_piece *ret)
{
    struct ratls_cbor c = ratls_cbor(*rest);
    struct ratls_piece piece;

    ratls_cbor_array(&c, ITEMS, ITEMS);
    piece.turn.counter = ratls_cbor_uint(&c, UINT64_MAX);
    piece.turn.sequence = (uint32_t)ratls_cbor_uint(&c, UINT32_MAX);
    piece.is_last = ratls_cbor_uint(&c, 1) == 1;
    piece.evidence = ratls_cbor_bytes(&c, 1, RATLS_EVIDENCE_MAX);
    if (c.failed)
        return false;
    *rest = c.rest;
    *ret = piece;
    return true;
}

bool ratls_piece_read(struct ratls_slice in, struct ratls_piece *ret)
{
    struct ratls_piece piece;

    if (!ratls_piece_take(&in, &piece) || in.len != 0)
        return false;
    *ret = piece;
    return true;
}

void ratls_piece_write(const struct ratls_piece *piece, struct ratls_writer *w)
{
    if (piece->evidence.len == 0 || piece->evidence.len > RATLS_EVIDENCE_MAX) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_array(w, ITEMS);
    ratls_cbor_put_uint(w, piece->turn.counter);
    ratls_cbor_put_uint(w, piece->turn.sequence);
    ratls_cbor_put_uint(w, piece->is_last);
    ratls_cbor_put_bytes(w, piece->evidence);
}
