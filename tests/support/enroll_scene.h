/* Messages of an enrolment that are read, and written again. */
#ifndef RATLS_TEST_ENROLL_SCENE_H
#define RATLS_TEST_ENROLL_SCENE_H

#include <criterion/criterion.h>

#include "enroll_message.h"

#define ENROLL_ROOM 131072 /* more than any message may have */

enum enroll_kind { ENROLL_REQUEST, ENROLL_CHALLENGE, ENROLL_ANSWER, ENROLL_RESULT, ENROLL_KINDS };

static inline bool enroll_copy_request(struct ratls_slice in, struct ratls_writer *w)
{
    struct ratls_enroll_request request;
    bool is_read = ratls_enroll_request_read(in, &request);

    if (is_read)
        ratls_enroll_request_write(&request, w);
    return is_read;
}

static inline bool enroll_copy_challenge(struct ratls_slice in, struct ratls_writer *w)
{
    struct ratls_enroll_challenge challenge;
    bool is_read = ratls_enroll_challenge_read(in, &challenge);

    if (is_read)
        ratls_enroll_challenge_write(&challenge, w);
    return is_read;
}

static inline bool enroll_copy_answer(struct ratls_slice in, struct ratls_writer *w)
{
    struct ratls_enroll_answer answer;
    bool is_read = ratls_enroll_answer_read(in, &answer);

    if (is_read)
        ratls_enroll_answer_write(&answer, w);
    return is_read;
}

static inline bool enroll_copy_result(struct ratls_slice in, struct ratls_writer *w)
{
    struct ratls_enroll_result result;
    bool is_read = ratls_enroll_result_read(in, &result);

    if (is_read)
        ratls_enroll_result_write(&result, w);
    return is_read;
}

/* Whether the reader takes a message; if so, the same bytes come of it. */
static inline bool enroll_is_taken(enum enroll_kind kind, struct ratls_slice in)
{
    static bool (*const copies[ENROLL_KINDS])(struct ratls_slice in, struct ratls_writer * w) = {
        enroll_copy_request, enroll_copy_challenge, enroll_copy_answer, enroll_copy_result};
    static uint8_t out[ENROLL_ROOM];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    if (!copies[kind](in, &w))
        return false;
    cr_expect(!w.failed && ratls_slice_equal(ratls_writer_slice(&w), in), "written otherwise");
    return true;
}

#endif
