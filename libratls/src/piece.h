/* A piece of an answer to a challenge (WIRE.md, 10). */
#ifndef RATLS_PIECE_H
#define RATLS_PIECE_H

#include <ratls/attester.h>

#include "bytes.h"
#include "turn.h"

#define RATLS_PIECE_HEAD_MAX 19 /* all but the evidence */
#define RATLS_PIECE_MAX (RATLS_PIECE_HEAD_MAX + RATLS_EVIDENCE_MAX)

struct ratls_piece {
    struct ratls_turn turn;
    bool is_last;
    struct ratls_slice evidence;
};

/* The first piece of a sequence of them (RFC 8742); *rest is then what is behind it. Borrows. */
bool ratls_piece_take(struct ratls_slice *rest, struct ratls_piece *ret);
/* Exactly one. */
bool ratls_piece_read(struct ratls_slice in, struct ratls_piece *ret);
void ratls_piece_write(const struct ratls_piece *piece, struct ratls_writer *w);

#endif
