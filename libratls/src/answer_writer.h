/* An answer as it goes out, piece by piece (WIRE.md, 10): never more of it in memory than two. */
#ifndef RATLS_ANSWER_WRITER_H
#define RATLS_ANSWER_WRITER_H

#include "evidence.h"
#include "turn.h"

struct ratls_answer_writer {
    struct ratls_attester *attester; /* borrowed: has the rest of the IMA list */
    struct ratls_turn turn;
    uint8_t *evidence; /* of the next piece; NULL: all are written */
    size_t evidence_len;
    struct ratls_attest_request more; /* for the piece behind it: logs alone */
    bool has_more;                    /* of the list, as the next piece says */
    size_t len;                       /* bytes of evidence, with the next piece */
};

/*
 * With evidence that the attester made for this turn; takes it over, in every case. The caller ends
 * the writer with ratls_answer_writer_end().
 */
RATLS_MUST_CHECK enum ratls_status
ratls_answer_writer_begin(struct ratls_attester *attester, const struct ratls_turn *turn,
                          const struct ratls_attest_request *request, uint8_t *evidence, size_t len,
                          struct ratls_answer_writer *ret, struct ratls_error *err);
void ratls_answer_writer_end(struct ratls_answer_writer *writer); /* also one of zeros */

/*
 * The next piece, encoded; *ret_piece is malloc'd, the caller frees it. *ret_last: there are no
 * more. Asks the attester for the piece behind it, if there is one: files, no TPM. The answer ends
 * where the list ends, or is too long, or the attester has no more of it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_answer_writer_next(struct ratls_answer_writer *writer,
                                                            uint8_t **ret_piece, size_t *ret_len,
                                                            bool *ret_last,
                                                            struct ratls_error *err);

#endif
