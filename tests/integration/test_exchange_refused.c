/*
 * Answers that are refused: used again, of another session, of another side, cut, changed. T1, T2,
 * T4, T5, T20 and T40 are numbers of attacks on evidence in TLS, as in tests/tamper.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "challenge.h"
#include "connection_pair.h"
#include "exchange.h"
#include "exchange_pair.h"
#include "octets.h"

#define SECOND_MS 1000
#define IN_A_SECOND 10 /* WIRE.md, 6 */

/* A session on which `count` answers were accepted. */
static struct exchange_pair *new_pair(struct tls_world *world, unsigned count)
{
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);

    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(exchange_pair_attest(pair), RATLS_OK);
    return pair;
}

static struct exchange_message answer_to(struct exchange_pair *pair,
                                         struct exchange_message challenge)
{
    struct exchange_message answer;

    cr_assert_eq(exchange_pair_answer(pair, challenge, &answer), RATLS_OK, "%s", pair->error.text);
    return answer;
}

/* An answer to a challenge of its own, of as many as a test needs: each in a second of its own. */
static struct exchange_message take_answer(struct exchange_pair *pair)
{
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct exchange_message answer;

    clock_move(SECOND_MS);
    answer = answer_to(pair, challenge);
    free(challenge.p);
    return answer;
}

static enum ratls_verdict verdict_of(const struct exchange_pair *pair, enum ratls_check check)
{
    struct ratls_finding finding;

    cr_assert(ratls_report_finding(pair->report, check, &finding));
    return finding.verdict;
}

static void assert_refused(struct exchange_pair *pair, struct exchange_message answer,
                           const char *check)
{
    cr_assert_eq(exchange_pair_check(pair, answer), RATLS_REJECTED, "%s", pair->error.text);
    cr_assert_not(ratls_report_accepted(pair->report));
    cr_assert_str_eq(exchange_pair_failure(pair), check);
}

/* The same evidence in a piece that says that it is the answer to this challenge. */
static struct exchange_message relabel(struct exchange_message answer, uint64_t counter)
{
    struct exchange_message out = {.p = malloc(answer.len + 8)};
    struct ratls_writer w = ratls_writer(out.p, answer.len + 8);
    struct ratls_piece piece;

    cr_assert(ratls_piece_read(ratls_slice(answer.p, answer.len), &piece));
    piece.turn.counter = counter;
    ratls_piece_write(&piece, &w);
    cr_assert_not(w.failed);
    out.len = w.len;
    return out;
}

Test(exchange_refused, t1_t40_an_answer_that_was_used)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 1);
    struct exchange_message used = take_answer(pair);
    struct exchange_message challenge, relabelled;

    cr_assert_eq(exchange_pair_check(pair, used), RATLS_OK);
    cr_assert_eq(exchange_pair_check(pair, used), RATLS_USAGE);
    cr_assert_str_eq(pair->error.text, "no challenge is open: make one first");
    challenge = exchange_pair_challenge(pair);
    assert_refused(pair, used, "evidence.place");
    free(challenge.p);
    challenge = exchange_pair_challenge(pair);
    relabelled = relabel(used, 3);
    assert_refused(pair, relabelled, "statement.nonce");
    cr_assert_eq(verdict_of(pair, RATLS_CHECK_STATEMENT_BINDER), RATLS_FAIL);
    cr_assert_eq(verdict_of(pair, RATLS_CHECK_STATEMENT_CONTEXT), RATLS_FAIL);
    cr_assert_eq(verdict_of(pair, RATLS_CHECK_QUOTE_SIGNATURE), RATLS_PASS);
    free(relabelled.p);
    free(challenge.p);
    free(used.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* T5: the first answer, in mode 3, for a renewal. */
Test(exchange_refused, t5_the_first_answer_for_a_renewal)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 0);
    struct exchange_message first = take_answer(pair);
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct exchange_message relabelled = relabel(first, 1);

    assert_refused(pair, relabelled, "statement.mode");
    free(relabelled.p);
    free(challenge.p);
    free(first.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* A challenge that another one made void is answered by nobody. */
Test(exchange_refused, t40_the_answer_to_a_void_challenge)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 1);
    struct exchange_message late = take_answer(pair);
    struct exchange_message challenge = exchange_pair_challenge(pair);

    assert_refused(pair, late, "evidence.place");
    cr_assert_eq(exchange_pair_attest(pair), RATLS_OK, "a refusal is no end of the session");
    free(challenge.p);
    free(late.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* The side that attests signs no count twice, and none that is lower. */
Test(exchange_refused, t40_a_challenge_that_was_used)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 0);
    struct exchange_message first = exchange_pair_challenge(pair);
    struct exchange_message second = exchange_pair_challenge(pair);
    struct exchange_message answer = answer_to(pair, second);
    struct exchange_message none;
    unsigned attested = world->attested;

    cr_assert_eq(exchange_pair_answer(pair, second, &none), RATLS_USAGE);
    cr_assert_str_eq(pair->error.text,
                     "a challenge that is not newer than the last one on this session");
    cr_assert_eq(exchange_pair_answer(pair, first, &none), RATLS_USAGE);
    cr_assert_null(none.p);
    cr_assert_eq(world->attested, attested);
    cr_assert_eq(exchange_pair_check(pair, answer), RATLS_OK);
    free(first.p);
    free(second.p);
    free(answer.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* T2: whoever has the TLS key relays the challenge to the real server, over a session of his own.
 */
Test(exchange_refused, t2_relayed_over_another_session)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *victim = new_pair(world, 0);
    struct exchange_pair *relay = new_pair(world, 0);
    struct exchange_message challenge = exchange_pair_challenge(victim);
    struct exchange_message answer = answer_to(relay, challenge);

    assert_refused(victim, answer, "statement.binder");
    for (int check = 0; check < RATLS_CHECK_COUNT; check++)
        cr_expect(check == RATLS_CHECK_STATEMENT_BINDER ||
                      verdict_of(victim, (enum ratls_check)check) != RATLS_FAIL,
                  "check %d", check);
    free(challenge.p);
    free(answer.p);
    exchange_pair_free(victim);
    exchange_pair_free(relay);
    tls_world_free(world);
}

/* T4: the peer sends our challenge back as its own, and our answer as its own. */
Test(exchange_refused, t4_our_own_evidence)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 0);
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct exchange_message answer = {0};

    cr_assert_eq(ratls_exchange_answer(pair->asks, RATLS_ROLE_CLIENT, world->attester, challenge.p,
                                       challenge.len, &answer.p, &answer.len, &pair->error),
                 RATLS_OK, "%s", pair->error.text);
    assert_refused(pair, answer, "statement.role");
    cr_assert_eq(verdict_of(pair, RATLS_CHECK_STATEMENT_BINDER), RATLS_FAIL);
    cr_assert_eq(verdict_of(pair, RATLS_CHECK_STATEMENT_SPKI), RATLS_FAIL);
    free(challenge.p);
    free(answer.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* As fast as it likes: the TPM signs ten times in a second. */
Test(exchange_refused, a_peer_that_asks_too_often)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, IN_A_SECOND);
    struct exchange_pair *other = new_pair(world, 0);
    struct exchange_message challenge, answer;

    for (unsigned i = 0; i < IN_A_SECOND; i++) {
        challenge = exchange_pair_challenge(pair);
        cr_assert_eq(exchange_pair_answer(pair, challenge, &answer), RATLS_LIMIT);
        cr_assert_not_null(strstr(pair->error.text, "more than 10 times in a second"), "%s",
                           pair->error.text);
        cr_assert_null(answer.p);
        if (i < IN_A_SECOND - 1)
            free(challenge.p);
    }
    cr_expect_eq(exchange_pair_attest(other), RATLS_OK, "others are not to suffer");
    clock_move(SECOND_MS);
    answer = answer_to(pair, challenge);
    cr_expect_eq(exchange_pair_check(pair, answer), RATLS_OK, "the last challenge is still good");
    free(challenge.p);
    free(answer.p);
    exchange_pair_free(other);
    exchange_pair_free(pair);
    tls_world_free(world);
}

Test(exchange_refused, machine_that_was_started_again)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 1);

    world->tpm->reset_count++;
    cr_assert_eq(exchange_pair_attest(pair), RATLS_REJECTED);
    cr_assert_str_eq(exchange_pair_failure(pair), "quote.boot");
    world->tpm->reset_count--;
    cr_assert_eq(exchange_pair_attest(pair), RATLS_OK);
    exchange_pair_free(pair);
    tls_world_free(world);
}

Test(exchange_refused, machine_that_changed)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 2);

    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    cr_assert_eq(exchange_pair_attest(pair), RATLS_REJECTED);
    cr_assert_str_eq(exchange_pair_failure(pair), "pcr.value");
    exchange_pair_free(pair);
    tls_world_free(world);
}

/*
 * T20: cut at every byte, or with one behind it. Each costs a challenge and none is accepted; what
 * is left of an answer to a whole one is of no use.
 */
Test(exchange_refused, t20_cut_at_every_byte)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 1);

    for (size_t len = 0; len <= 3000; len++) {
        struct exchange_message whole = take_answer(pair);
        struct octets cut = octets_copy(whole.p, len < whole.len ? len : whole.len);
        struct exchange_message message = {cut.p, cut.len};
        bool is_whole = len >= whole.len;

        cr_assert_eq(exchange_pair_check(pair, message), is_whole ? RATLS_OK : RATLS_REJECTED,
                     "%zu of %zu bytes", len, whole.len);
        if (!is_whole)
            cr_assert_str_eq(exchange_pair_failure(pair), "evidence.format");
        free(cut.p);
        free(whole.p);
        if (is_whole)
            len = 3001;
    }
    exchange_pair_free(pair);
    tls_world_free(world);
}

Test(exchange_refused, bytes_behind_the_answer)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 1);
    struct exchange_message answer = take_answer(pair);
    struct octets longer = octets_copy(answer.p, answer.len);
    struct ratls_finding finding;

    longer.p = realloc(longer.p, answer.len + 1);
    longer.p[answer.len] = 0;
    assert_refused(pair, (struct exchange_message){longer.p, answer.len + 1}, "evidence.format");
    cr_assert(ratls_report_first_failure(pair->report, &finding));
    cr_assert_not_null(strstr(finding.actual, "bytes behind the answer"), "%s", finding.actual);
    free(longer.p);
    free(answer.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* Nobody has the key of another: whatever bit is turned, it is another message. */
Test(exchange_refused, every_changed_byte)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 0);
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct exchange_message answer = answer_to(pair, challenge);
    struct exchange_message none;

    for (size_t i = 0; i < answer.len; i++) {
        struct ratls_request request = pair->exchange->request;

        answer.p[i] ^= 1;
        pair->exchange->next_counter = 0;
        cr_assert_eq(ratls_exchange_adopt(pair->exchange, &request, NULL, 0, NULL), RATLS_OK);
        cr_assert_eq(exchange_pair_check(pair, answer), RATLS_REJECTED, "byte %zu", i);
        answer.p[i] ^= 1;
    }
    for (size_t len = 0; len < challenge.len; len++) {
        struct octets cut = octets_copy(challenge.p, len);

        cr_assert_eq(exchange_pair_answer(pair, (struct exchange_message){cut.p, cut.len}, &none),
                     RATLS_MALFORMED, "%zu bytes", len);
        free(cut.p);
    }
    cr_assert_eq(world->attested, 1);
    free(challenge.p);
    free(answer.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* What the attester says is passed on, and the count is used up. */
static enum ratls_status fail_to_attest(struct ratls_attester *self,
                                        const struct ratls_attest_request *request,
                                        uint8_t **ret_evidence, size_t *ret_len,
                                        struct ratls_error *ret_error)
{
    (void)self, (void)request, (void)ret_evidence, (void)ret_len;
    *ret_error = (struct ratls_error){RATLS_TPM, "the TPM is gone"};
    return RATLS_TPM;
}

/* Bytes that no evidence is: an attester of the program's own may be wrong. */
static enum ratls_status attest_too_much(struct ratls_attester *self,
                                         const struct ratls_attest_request *request,
                                         uint8_t **ret_evidence, size_t *ret_len,
                                         struct ratls_error *ret_error)
{
    (void)self, (void)request, (void)ret_error;
    *ret_evidence = calloc(1, RATLS_EVIDENCE_MAX + 1);
    *ret_len = RATLS_EVIDENCE_MAX + 1;
    return RATLS_OK;
}

Test(exchange_refused, attester_that_cannot)
{
    static const struct {
        enum ratls_status (*attest)(struct ratls_attester *, const struct ratls_attest_request *,
                                    uint8_t **, size_t *, struct ratls_error *);
        enum ratls_status status;
        const char *words;
    } rows[] = {{fail_to_attest, RATLS_TPM, "the TPM is gone"},
                {attest_too_much, RATLS_USAGE, "the attester returned 65532 bytes"}};
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = new_pair(world, 0);
    enum ratls_status (*const own)(struct ratls_attester *, const struct ratls_attest_request *,
                                   uint8_t **, size_t *, struct ratls_error *) =
        world->attester->attest;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world->attester->attest = rows[i].attest;
        cr_assert_eq(exchange_pair_attest(pair), rows[i].status);
        cr_assert_str_eq(pair->error.text, rows[i].words);
    }
    world->attester->attest = own;
    cr_assert_eq(exchange_pair_attest(pair), RATLS_OK);
    cr_assert_eq(world->asked.mode, RATLS_MODE_RENEWAL);
    exchange_pair_free(pair);
    tls_world_free(world);
}
