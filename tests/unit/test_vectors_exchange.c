/* The test vectors of WIRE.md, 10: challenge, piece, and the statement of a renewal. */
#include <criterion/criterion.h>

#include "agent_values.h"
#include "challenge.h"
#include "crypto.h"
#include "evidence.h"
#include "exporter_by_hand.h"
#include "octets.h"
#include "piece.h"
#include "statement.h"
#include "turn.h"
#include "values.h"

static const char *folder(void)
{
    static char path[VECTOR_PATH_MAX];
    const char *source = getenv("RATLS_SOURCE_DIR");

    cr_assert_not_null(source, "RATLS_SOURCE_DIR is not set");
    snprintf(path, sizeof path, "%s/tests/vectors", source);
    return path;
}

static void expect_value(struct ratls_slice actual, const struct values *values, const char *name)
{
    cr_expect(ratls_slice_equal(actual, values_get(values, name)), "%s", name);
}

Test(vectors_exchange, challenge)
{
    static struct values values, of_request;
    struct ratls_slice in = vector_load(folder(), "challenge.cbor");
    struct ratls_challenge challenge;
    uint8_t out[RATLS_CHALLENGE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    values_load(folder(), "challenge.values", &values);
    values_load(folder(), "request.values", &of_request);
    cr_assert(ratls_challenge_read(in, &challenge));
    cr_expect_eq(challenge.counter, values_number(&values, "counter"));
    cr_expect_eq(challenge.period_ms, values_number(&values, "period-ms"));
    cr_expect_eq(challenge.request.offers, values_number(&values, "offers"));
    expect_value(ratls_slice(challenge.request.nonce, RATLS_NONCE_LEN), &of_request, "nonce");
    cr_expect_eq(challenge.request.logs.ima_offset, values_number(&of_request, "ima-offset"));
    ratls_challenge_write(&challenge, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in));
    vector_free(in);
}

Test(vectors_exchange, piece)
{
    static struct values values;
    struct ratls_slice in = vector_load(folder(), "piece.cbor");
    struct ratls_slice evidence = vector_load(folder(), "logs.evidence.cbor");
    struct ratls_piece piece;
    uint8_t out[VALUE_LINE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    values_load(folder(), "piece.values", &values);
    cr_assert(ratls_piece_read(in, &piece));
    cr_expect_eq(piece.turn.counter, values_number(&values, "counter"));
    cr_expect_eq(piece.turn.sequence, values_number(&values, "sequence"));
    cr_expect_eq(piece.is_last, values_number(&values, "last"));
    cr_expect(ratls_slice_equal(piece.evidence, evidence));
    ratls_piece_write(&piece, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in));
    vector_free(in);
    vector_free(evidence);
}

/* The statement says what challenge and piece say, and its binders are those of both roles. */
Test(vectors_exchange, renewal)
{
    static struct values values;
    struct ratls_slice in = vector_load(folder(), "renewal.statement.cbor");
    struct ratls_slice expected = vector_load(folder(), "renewal.leaf.bin");
    const struct ratls_turn turn = {.counter = 2, .sequence = 1};
    uint8_t context[RATLS_TURN_CONTEXT_LEN], bound[RATLS_NONCE_LEN + sizeof context];
    uint8_t leaf[32], binder[32];
    struct ratls_statement s;

    values_load(folder(), "renewal.values", &values);
    cr_assert(ratls_statement_read(in, &s));
    cr_expect_eq(s.mode, RATLS_MODE_RENEWAL);
    cr_expect_eq(s.mode, values_number(&values, "mode"));
    expect_value(s.nonce, &values, "nonce");
    expect_value(s.binder, &values, "binder");
    expect_value(s.context, &values, "context");
    cr_expect(ratls_slice_equal(s.context, ratls_turn_context(&turn, context)));
    cr_expect_eq(s.manifest.len, 0);
    cr_assert_eq(ratls_merkle_leaf(in, leaf, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(expected, ratls_slice(leaf, sizeof leaf)));
    memcpy(bound, s.nonce.p, RATLS_NONCE_LEN);
    memcpy(bound + RATLS_NONCE_LEN, s.context.p, sizeof context);
    export_by_hand(values_get(&values, "exporter-secret").p, "EXPORTER-ratls-server",
                   ratls_slice(bound, sizeof bound), binder);
    expect_value(ratls_slice(binder, sizeof binder), &values, "binder");
    export_by_hand(values_get(&values, "exporter-secret").p, "EXPORTER-ratls-client",
                   ratls_slice(bound, sizeof bound), binder);
    expect_value(ratls_slice(binder, sizeof binder), &values, "client-binder");
    vector_free(in);
    vector_free(expected);
}

/* ---- WIRE.md, 13 ---- */

static void expect_question(const char *name, enum ratls_agent_kind kind)
{
    static struct values values;
    struct ratls_slice request_bytes = vector_load(folder(), "request.cbor");
    struct ratls_slice in = vector_load(folder(), name);
    struct ratls_agent_question question, expected = {.kind = kind};
    uint8_t out[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_request request;

    values_load(folder(), "agent.values", &values);
    cr_assert_eq(ratls_request_read(request_bytes, &request), RATLS_REQUEST_OK);
    values_agent_question(&values, &request, &expected);
    if (kind == RATLS_AGENT_STATE)
        expected.request = (struct ratls_attest_request){.selection = request.selection};
    cr_assert(ratls_agent_question_read(in, &question), "%s", name);
    cr_expect_arr_eq(&question, &expected, sizeof question, "%s", name);
    ratls_agent_question_write(&question, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in), "%s", name);
    vector_free(in);
    vector_free(request_bytes);
}

Test(vectors_exchange, agent_questions)
{
    expect_question("agent.evidence-question.cbor", RATLS_AGENT_EVIDENCE);
    expect_question("agent.state-question.cbor", RATLS_AGENT_STATE);
}

Test(vectors_exchange, agent_answers)
{
    static struct values values;
    struct ratls_slice good = vector_load(folder(), "agent.evidence-answer.cbor");
    struct ratls_slice refusal = vector_load(folder(), "agent.refusal.cbor");
    struct ratls_slice evidence = vector_load(folder(), "logs.evidence.cbor");
    struct ratls_agent_answer answer;

    values_load(folder(), "agent.values", &values);
    cr_assert(ratls_agent_answer_read(good, &answer));
    cr_expect_eq(answer.id, values_number(&values, "id"));
    cr_expect_eq(answer.status, RATLS_OK);
    cr_expect(ratls_slice_equal(answer.payload, evidence));
    cr_assert(ratls_agent_answer_read(refusal, &answer));
    cr_expect_eq(answer.id, values_number(&values, "id"));
    cr_expect_eq(answer.status, values_number(&values, "status"));
    expect_value(answer.text, &values, "text");
    vector_free(good);
    vector_free(refusal);
    vector_free(evidence);
}
