/*
 * Targets: ratls_piece_take, ratls_piece_write, and the reader of answers, which takes the input in
 * one and piece by piece, and must find the same.
 */
#include <string.h>

#include "answer_reader.h"
#include "fuzz.h"

static const struct ratls_turn turn = {.counter = 1};

/* Written again, and one by one into a reader. */
static void take_pieces(struct ratls_slice in, struct ratls_answer_reader *reader)
{
    static uint8_t out[RATLS_PIECE_MAX];
    struct ratls_piece piece;
    struct ratls_slice rest = in;

    while (ratls_piece_take(&rest, &piece)) {
        struct ratls_writer w = ratls_writer(out, sizeof out);

        ratls_piece_write(&piece, &w);
        FUZZ_CHECK(!w.failed && w.len == (size_t)(rest.p - in.p));
        FUZZ_CHECK(memcmp(out, in.p, w.len) == 0);
        in = rest;
        if (!reader->is_complete)
            FUZZ_CHECK(ratls_answer_reader_add(reader, ratls_writer_slice(&w), NULL) == RATLS_OK);
    }
}

/* What an appraisal gets: each piece once, and then nothing. */
static void check_given(struct ratls_answer_reader *reader)
{
    const struct ratls_log_request logs = {0};
    struct ratls_submission submission = {0};
    struct ratls_slice evidence = {0};
    size_t count = reader->count;

    ratls_answer_submit(reader, &submission);
    FUZZ_CHECK(submission.present == (count > 0 || reader->fault != NULL));
    for (size_t i = 1; i <= count; i++) {
        FUZZ_CHECK(submission.more->fetch(submission.more, &logs, &evidence, NULL) == RATLS_OK);
        FUZZ_CHECK((evidence.len > 0) == (i < count));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_slice in = ratls_slice(data, size);
    struct ratls_answer_reader at_once = {0};
    struct ratls_answer_reader by_piece = {0};

    ratls_answer_reader_begin(&at_once, &turn, true);
    ratls_answer_reader_begin(&by_piece, &turn, true);
    FUZZ_CHECK(ratls_answer_reader_all(&at_once, in, NULL) == RATLS_OK);
    FUZZ_CHECK(at_once.is_complete && at_once.len <= RATLS_ANSWER_MAX);
    take_pieces(in, &by_piece);
    FUZZ_CHECK(by_piece.count == at_once.count && by_piece.is_misplaced == at_once.is_misplaced);
    check_given(&at_once);
    ratls_answer_reader_end(&at_once);
    ratls_answer_reader_end(&by_piece);
    return 0;
}
