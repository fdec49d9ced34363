/* What is sent behind an answer, unasked; and what is awaited at all. */
#include "answer_writer.h"
#include "exchange_scene.h"

/* What an attester pushes behind its last answer, as a connection carries it. */
static enum ratls_status push(struct scene *s, uint64_t counter, uint32_t sequence)
{
    const struct ratls_turn turn = {.counter = counter, .sequence = sequence};
    struct ratls_attester *attester = s->world->attester;
    struct ratls_answer_writer writer = {0};
    struct ratls_attest_request request;
    uint8_t *evidence = NULL, *piece = NULL;
    size_t evidence_len = 0, len = 0;
    bool is_last = false, is_complete = false;

    cr_assert_eq(ratls_exchange_request(s->pair->attests, RATLS_ROLE_SERVER,
                                        &s->pair->exchange->request, &turn, &request, NULL),
                 RATLS_OK);
    cr_assert_eq(attester->attest(attester, &request, &evidence, &evidence_len, NULL), RATLS_OK);
    cr_assert_eq(
        ratls_answer_writer_begin(attester, &turn, &request, evidence, evidence_len, &writer, NULL),
        RATLS_OK);
    while (!is_last) {
        cr_assert_eq(ratls_answer_writer_next(&writer, &piece, &len, &is_last, NULL), RATLS_OK);
        cr_assert_eq(ratls_exchange_take(s->pair->exchange, ratls_slice(piece, len), &is_complete,
                                         &s->pair->error),
                     RATLS_OK, "%s", s->pair->error.text);
        free(piece);
        if (is_complete)
            break;
    }
    ratls_answer_writer_end(&writer);
    cr_assert(is_complete);
    ratls_report_free(s->pair->report);
    s->pair->report = NULL;
    return ratls_exchange_judge(s->pair->exchange, &s->pair->report, &s->pair->error);
}

Test(exchange_list, evidence_that_is_pushed)
{
    struct scene s;

    open_scene(&s, ENTRIES, PIECES);
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    cr_assert_eq(push(&s, 0, 1), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    cr_assert_eq(s.world->asked.mode, RATLS_MODE_RENEWAL);
    cr_assert_eq(push(&s, 0, 2), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    cr_assert_eq(push(&s, 0, 2), RATLS_REJECTED, "the same sequence again");
    cr_assert_str_eq(exchange_pair_failure(s.pair), "evidence.place");
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK);
    cr_assert_eq(push(&s, 1, 1), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    s.pair->exchange->anchored_ms -= 3600000;
    cr_assert_eq(push(&s, 1, 2), RATLS_REJECTED);
    cr_assert_str_eq(exchange_pair_failure(s.pair), "quote.recent");
    close_scene(&s);
}

/* Behind a refusal nothing is awaited, and nothing before the first answer. */
Test(exchange_list, nothing_is_awaited)
{
    struct scene s;
    bool is_complete = false;

    open_scene(&s, ENTRIES, PIECES);
    cr_assert_eq(
        ratls_exchange_take(s.pair->exchange, ratls_slice("x", 1), &is_complete, &s.pair->error),
        RATLS_USAGE);
    fake_tpm_pcr(s.world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_REJECTED);
    cr_assert_eq(
        ratls_exchange_take(s.pair->exchange, ratls_slice("x", 1), &is_complete, &s.pair->error),
        RATLS_USAGE);
    cr_assert_not(is_complete);
    close_scene(&s);
}

/* A piece that was on its way when the next challenge went out is passed over. */
Test(exchange_list, pieces_that_cross_a_challenge)
{
    struct scene s;
    struct exchange_message challenge, answer;
    struct ratls_piece crossing = {.turn = {.counter = 0, .sequence = 1}, .is_last = true};
    uint8_t bytes[64];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
    bool is_complete = true;

    open_scene(&s, ENTRIES, PIECES);
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK);
    crossing.evidence = ratls_slice("anything", 8);
    ratls_piece_write(&crossing, &w);
    challenge = exchange_pair_challenge(s.pair);
    cr_assert_eq(ratls_exchange_take(s.pair->exchange, ratls_writer_slice(&w), &is_complete, NULL),
                 RATLS_OK);
    cr_assert_not(is_complete);
    cr_assert_eq(exchange_pair_answer(s.pair, challenge, &answer), RATLS_OK);
    cr_assert_eq(exchange_pair_check(s.pair, answer), RATLS_OK);
    free(challenge.p);
    free(answer.p);
    close_scene(&s);
}
