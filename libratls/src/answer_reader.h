/* An answer as it comes in, piece by piece, until it can be appraised (WIRE.md, 10). */
#ifndef RATLS_ANSWER_READER_H
#define RATLS_ANSWER_READER_H

#include "appraise.h"
#include "piece.h"

#define RATLS_ANSWER_MAX ((16u << 20) + (64u << 10)) /* bytes of evidence in all */
#define RATLS_ANSWER_PIECES_MAX 1024                 /* a list of 16 MiB comes in some 260 */

struct ratls_answer_piece; /* one whose turn has not come yet */

/*
 * Pieces that go on with a list are read as they come: what cannot be one makes the answer
 * complete at once, with a fault, so that nobody's memory is filled with anything else.
 */
struct ratls_answer_reader {
    struct ratls_turn turn; /* of the answer that is awaited */
    bool wants_list;
    struct ratls_answer_piece *first;
    struct ratls_answer_piece *last;
    size_t count; /* pieces */
    size_t len;   /* bytes of evidence */
    bool is_complete;
    bool is_misplaced; /* a piece is of another answer */
    const char *fault; /* why it is none; NULL: no reason up to now */
    uint64_t list_end; /* where the next piece of the list begins */
    uint16_t list_alg;
    bool has_more;          /* of the list, as the last piece says */
    struct ratls_more more; /* what an appraisal asks for the pieces behind the first */
    const struct ratls_answer_piece *given; /* the last that it was handed */
};

/*
 * For the answer of this turn; pieces of another are forgotten. wants_list: an IMA list was asked
 * for, so that there may be more than one piece.
 */
void ratls_answer_reader_begin(struct ratls_answer_reader *reader, const struct ratls_turn *turn,
                               bool wants_list);
void ratls_answer_reader_end(struct ratls_answer_reader *reader); /* also one of zeros */

/*
 * One more piece, as it came; copied. reader->is_complete says whether it can be appraised; then no
 * more may be added. RATLS_MEMORY is all that can fail: what is wrong with a piece is the report's.
 */
RATLS_MUST_CHECK enum ratls_status ratls_answer_reader_add(struct ratls_answer_reader *reader,
                                                           struct ratls_slice piece,
                                                           struct ratls_error *err);
/* The whole answer as one sequence of pieces; complete behind it, whatever it is. */
RATLS_MUST_CHECK enum ratls_status ratls_answer_reader_all(struct ratls_answer_reader *reader,
                                                           struct ratls_slice answer,
                                                           struct ratls_error *err);

/* Its evidence, where it came, and what is behind it. Borrows from the reader. */
void ratls_answer_submit(struct ratls_answer_reader *reader, struct ratls_submission *submission);

#endif
