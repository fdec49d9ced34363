/* Pieces of a server's IMA list: evidence that answered further requests for logs alone. */
#ifndef RATLS_TOOL_PIECES_H
#define RATLS_TOOL_PIECES_H

#include "appraise.h"

#define RATLS_PIECES_MAX 4096 /* 16 MiB of list, in pieces of 4 KiB */
#define RATLS_PIECES_BYTES_MAX (18u << 20)

struct ratls_piece {
    uint8_t *p;
    size_t len;
};

/* Begins as {0}. */
struct ratls_pieces {
    size_t count;
    struct ratls_piece *items;
    size_t len;  /* of all of them */
    bool failed; /* memory is short, or they are too many: one is missing */
};

/* One more, copied. */
void ratls_pieces_keep(struct ratls_pieces *pieces, struct ratls_slice evidence);
void ratls_pieces_clear(struct ratls_pieces *pieces);

/*
 * The whole list of a server, from its begin to where it ends: the piece beside the quote and all
 * that follow. Nothing in it is authenticated before a prefix has
 * led to the quoted PCR. The caller frees *ret_list with free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_fetch_list(struct ratls_more *more,
                                                    const struct ratls_ima_slice *first,
                                                    uint16_t bank, uint8_t **ret_list,
                                                    size_t *ret_len, struct ratls_error *err);

#endif
