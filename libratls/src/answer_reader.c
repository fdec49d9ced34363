#include "answer_reader.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

struct ratls_answer_piece {
    struct ratls_answer_piece *next;
    size_t len;
    uint8_t evidence[];
};

/*
 * The pieces behind the first, in their order. Nothing vouches for them: of the list counts what
 * leads to the quoted PCR. None left: nothing, which is no evidence.
 */
static enum ratls_status give_next(struct ratls_more *self, const struct ratls_log_request *request,
                                   struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct ratls_answer_reader *reader =
        (struct ratls_answer_reader *)((char *)self - offsetof(struct ratls_answer_reader, more));

    (void)request, (void)err;
    if (reader->given != NULL)
        reader->given = reader->given->next;
    *ret_evidence = reader->given == NULL
                        ? ratls_slice(NULL, 0)
                        : ratls_slice(reader->given->evidence, reader->given->len);
    return RATLS_OK;
}

void ratls_answer_reader_begin(struct ratls_answer_reader *reader, const struct ratls_turn *turn,
                               bool wants_list)
{
    ratls_answer_reader_end(reader);
    reader->turn = *turn;
    reader->wants_list = wants_list;
    reader->more = (struct ratls_more){.fetch = give_next, .is_here = true};
}

void ratls_answer_reader_end(struct ratls_answer_reader *reader)
{
    while (reader->first != NULL) {
        struct ratls_answer_piece *piece = reader->first;

        reader->first = piece->next;
        free(piece);
    }
    *reader = (struct ratls_answer_reader){0};
}

static void end_with(struct ratls_answer_reader *reader, const char *fault)
{
    reader->is_complete = true;
    reader->fault = fault;
}

static enum ratls_status keep(struct ratls_answer_reader *reader, struct ratls_slice evidence,
                              struct ratls_error *err)
{
    struct ratls_answer_piece *piece = malloc(sizeof *piece + evidence.len);

    if (piece == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    piece->next = NULL;
    piece->len = evidence.len;
    memcpy(piece->evidence, evidence.p, evidence.len);
    if (reader->last == NULL)
        reader->first = piece;
    else
        reader->last->next = piece;
    reader->last = piece;
    reader->count++;
    reader->len += evidence.len;
    return RATLS_OK;
}

/* Where the list is behind this piece. False: it is not what comes next. */
static bool follow_list(struct ratls_answer_reader *reader, const struct ratls_evidence *evidence)
{
    const struct ratls_ima_slice *ima = &evidence->ima;

    if (reader->count > 0 && (evidence->has_quote || evidence->boot_log.len != 0 ||
                              !evidence->has_ima || ima->entries.len == 0 ||
                              ima->list_alg != reader->list_alg || ima->offset != reader->list_end))
        return false;
    reader->list_alg = ima->list_alg;
    reader->list_end = ima->offset + ima->entries.len;
    reader->has_more = reader->wants_list && evidence->has_ima && reader->list_end < ima->total;
    return true;
}

/* What makes this piece one that cannot come here; NULL: nothing. */
static const char *find_fault(struct ratls_answer_reader *reader, const struct ratls_piece *piece)
{
    struct ratls_evidence evidence = {0};
    bool is_readable = ratls_evidence_read(piece->evidence, &evidence);

    if (reader->count == RATLS_ANSWER_PIECES_MAX ||
        piece->evidence.len > RATLS_ANSWER_MAX - reader->len)
        return "an answer that is longer than any may be";
    if (!is_readable)
        return reader->count == 0 && piece->is_last ? NULL : "pieces that are no evidence";
    if (!follow_list(reader, &evidence))
        return "a piece that does not go on where the one before it ended";
    if (!piece->is_last && !reader->has_more)
        return "more pieces than the list that was asked for has";
    return NULL;
}

static enum ratls_status add(struct ratls_answer_reader *reader, const struct ratls_piece *piece,
                             struct ratls_error *err)
{
    const char *fault = NULL;
    enum ratls_status status;

    if (!ratls_turn_is(&piece->turn, &reader->turn)) {
        reader->is_misplaced = reader->is_complete = true;
        return RATLS_OK;
    }
    fault = find_fault(reader, piece);
    status = fault == NULL || reader->count == 0 ? keep(reader, piece->evidence, err) : RATLS_OK;
    if (status == RATLS_OK && (fault != NULL || piece->is_last))
        end_with(reader, fault);
    return status;
}

enum ratls_status ratls_answer_reader_add(struct ratls_answer_reader *reader,
                                          struct ratls_slice piece, struct ratls_error *err)
{
    struct ratls_piece read;

    if (ratls_piece_read(piece, &read))
        return add(reader, &read, err);
    end_with(reader, "a piece that does not follow it");
    return RATLS_OK;
}

enum ratls_status ratls_answer_reader_all(struct ratls_answer_reader *reader,
                                          struct ratls_slice answer, struct ratls_error *err)
{
    struct ratls_piece piece;
    enum ratls_status status = RATLS_OK;

    while (status == RATLS_OK && !reader->is_complete) {
        if (!ratls_piece_take(&answer, &piece))
            end_with(reader, "an answer without its end");
        else
            status = add(reader, &piece, err);
    }
    if (status == RATLS_OK && reader->fault == NULL && !reader->is_misplaced && answer.len != 0)
        end_with(reader, "bytes behind the answer");
    return status;
}

void ratls_answer_submit(struct ratls_answer_reader *reader, struct ratls_submission *submission)
{
    reader->given = reader->first;
    submission->present = reader->first != NULL || reader->fault != NULL;
    submission->misplaced = reader->is_misplaced;
    submission->fault = reader->fault;
    if (reader->first != NULL)
        submission->evidence = ratls_slice(reader->first->evidence, reader->first->len);
    submission->more = &reader->more;
}
