/* Answers with an IMA list that does not fit in one piece. */
#include "connection_pair.h"
#include "exchange_scene.h"

#define PIECES_MAX 64

/* The pieces of an answer, borrowed from it. */
struct pieces {
    size_t count;
    struct ratls_piece items[PIECES_MAX];
};

static struct exchange_message take_answer(struct scene *s)
{
    struct exchange_message challenge = exchange_pair_challenge(s->pair);
    struct exchange_message answer;

    clock_move(1000); /* only so many are answered in a second */
    cr_assert_eq(exchange_pair_answer(s->pair, challenge, &answer), RATLS_OK, "%s",
                 s->pair->error.text);
    free(challenge.p);
    return answer;
}

static void split(struct exchange_message answer, struct pieces *ret_pieces)
{
    struct ratls_slice rest = ratls_slice(answer.p, answer.len);

    ret_pieces->count = 0;
    while (rest.len > 0) {
        cr_assert_lt(ret_pieces->count, PIECES_MAX);
        cr_assert(ratls_piece_take(&rest, &ret_pieces->items[ret_pieces->count++]));
    }
}

static struct exchange_message join(const struct pieces *pieces)
{
    struct exchange_message out = {0};
    struct ratls_writer w = ratls_writer(NULL, SIZE_MAX);

    for (size_t i = 0; i < pieces->count; i++)
        ratls_piece_write(&pieces->items[i], &w);
    out.len = w.len;
    out.p = malloc(out.len + 1);
    cr_assert_not_null(out.p);
    w = ratls_writer(out.p, out.len);
    for (size_t i = 0; i < pieces->count; i++)
        ratls_piece_write(&pieces->items[i], &w);
    cr_assert_not(w.failed);
    return out;
}

Test(exchange_list, as_many_pieces_as_it_takes)
{
    static const size_t rows[] = {1, 2, 41};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct pieces pieces;
        struct scene s;
        struct exchange_message answer;

        open_scene(&s, rows[i] * 20, rows[i]);
        answer = take_answer(&s);
        split(answer, &pieces);
        cr_assert_eq(pieces.count, rows[i]);
        cr_assert_eq(exchange_pair_check(s.pair, answer), RATLS_OK, "%s",
                     exchange_pair_failure(s.pair));
        cr_assert_eq(s.log->quotes, 1);
        free(answer.p);
        close_scene(&s);
    }
}

/* Behind the quote the list grows with each look at it: what leads to the quote counts. */
Test(exchange_list, list_that_grows)
{
    struct scene s;

    open_scene(&s, ENTRIES, PIECES);
    s.log->grows = true;
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    close_scene(&s);
}

/* Only what is new is sent again, where the verifier keeps how far it knows the list. */
Test(exchange_list, what_is_known_is_not_asked_for)
{
    struct ratls_ledger *ledger = NULL;
    struct scene s;

    open_scene(&s, ENTRIES, PIECES);
    cr_assert_eq(ratls_ledger_new(NULL, &ledger, NULL), RATLS_OK);
    fake_policy_rules(s.world->policy)->ledger = ledger;
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    cr_assert_eq(s.log->asked_count, PIECES);
    log_measure(s.log, "/usr/bin/new");
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK, "%s", exchange_pair_failure(s.pair));
    cr_assert_eq(s.log->asked_count, PIECES + 1);
    cr_assert_gt(s.log->asked[PIECES].ima_offset, 0);
    fake_policy_rules(s.world->policy)->ledger = NULL;
    ratls_ledger_free(ledger);
    close_scene(&s);
}

/* Changes to the pieces of a good answer; none of them needs a key. */
static void swap_two(struct pieces *p)
{
    struct ratls_slice evidence = p->items[1].evidence;

    p->items[1].evidence = p->items[2].evidence;
    p->items[2].evidence = evidence;
}

static void repeat_one(struct pieces *p)
{
    p->items[2].evidence = p->items[1].evidence;
}

static void leave_out_one(struct pieces *p)
{
    memmove(&p->items[1], &p->items[2], (p->count - 2) * sizeof p->items[0]);
    p->count--;
}

static void leave_out_the_last(struct pieces *p)
{
    p->count--;
    p->items[p->count - 1].is_last = true;
}

static void leave_out_the_end(struct pieces *p)
{
    p->items[p->count - 1].is_last = false;
}

static void end_early(struct pieces *p)
{
    p->items[1].is_last = true;
}

static void add_one(struct pieces *p)
{
    p->items[p->count - 1].is_last = false;
    p->items[p->count] = p->items[1];
    p->items[p->count++].is_last = true;
}

static void begin_with_logs(struct pieces *p)
{
    memmove(&p->items[0], &p->items[1], (p->count - 1) * sizeof p->items[0]);
    p->count--;
}

static void quote_twice(struct pieces *p)
{
    p->items[1].evidence = p->items[0].evidence;
}

static void change_counter(struct pieces *p)
{
    p->items[3].turn.counter++;
}

static void change_sequence(struct pieces *p)
{
    p->items[3].turn.sequence++;
}

static void put_garbage(struct pieces *p)
{
    p->items[2].evidence = ratls_slice("garbage", 7);
}

static const struct {
    const char *name;
    void (*change)(struct pieces *pieces);
    const char *check;
    const char *words;
} CHANGES[] = {
    {"out of order", swap_two, "evidence.format", "does not go on where the one before it ended"},
    {"repeated", repeat_one, "evidence.format", "does not go on where the one before it ended"},
    {"one is missing", leave_out_one, "evidence.format",
     "does not go on where the one before it ended"},
    {"the last is missing", leave_out_the_last, "ima.replay", "bytes were not sent"},
    {"no end", leave_out_the_end, "evidence.format",
     "more pieces than the list that was asked for has"},
    {"an end in the middle", end_early, "evidence.format", "bytes behind the answer"},
    {"one too many", add_one, "evidence.format",
     "more pieces than the list that was asked for has"},
    {"without the quote", begin_with_logs, "evidence.format", "logs without a quote"},
    {"a second quote", quote_twice, "evidence.format",
     "does not go on where the one before it ended"},
    {"another counter", change_counter, "evidence.place", "another counter or sequence"},
    {"another sequence", change_sequence, "evidence.place", "another counter or sequence"},
    {"garbage", put_garbage, "evidence.format", "pieces that are no evidence"},
};

Test(exchange_list, t40_changed_pieces)
{
    struct scene s;

    open_scene(&s, ENTRIES, PIECES);
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        static struct pieces pieces;
        struct exchange_message answer = take_answer(&s);
        struct exchange_message changed;
        struct ratls_finding finding;

        split(answer, &pieces);
        cr_assert_eq(pieces.count, PIECES);
        CHANGES[i].change(&pieces);
        changed = join(&pieces);
        cr_assert_eq(exchange_pair_check(s.pair, changed), RATLS_REJECTED, "%s", CHANGES[i].name);
        cr_assert(ratls_report_first_failure(s.pair->report, &finding));
        cr_expect_str_eq(finding.check, CHANGES[i].check, "%s: %s", CHANGES[i].name, finding.check);
        cr_expect_not_null(strstr(finding.actual, CHANGES[i].words), "%s: %s", CHANGES[i].name,
                           finding.actual);
        free(changed.p);
        free(answer.p);
    }
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK);
    close_scene(&s);
}

/* Pieces of the list of another answer: well formed, at the right place, and of other files. */
Test(exchange_list, pieces_of_another_list)
{
    static struct pieces pieces, others;
    struct scene s, other;
    struct exchange_message answer, of_other, mixed;

    open_scene(&s, ENTRIES, PIECES);
    open_scene(&other, 1, 1);
    log_measure_many(other.log, ENTRIES / 2);
    log_measure(other.log, "/usr/bin/program-9999");
    log_measure_many(other.log, ENTRIES);
    other.log->piece_max = s.log->piece_max;
    answer = take_answer(&s);
    of_other = take_answer(&other);
    split(answer, &pieces);
    split(of_other, &others);
    cr_assert_eq(others.count, PIECES);
    for (size_t i = 1; i < PIECES; i++)
        pieces.items[i].evidence = others.items[i].evidence;
    mixed = join(&pieces);
    cr_assert_eq(exchange_pair_check(s.pair, mixed), RATLS_REJECTED);
    cr_assert_str_eq(exchange_pair_failure(s.pair), "ima.replay");
    free(mixed.p);
    free(answer.p);
    free(of_other.p);
    close_scene(&s);
    close_scene(&other);
}

/* More pieces than any answer may have: what came up to then is all that is kept of them. */
Test(exchange_list, too_many_pieces)
{
    static const uint8_t entries[16] = {1};
    static uint8_t evidence[256], piece[512];
    const struct ratls_turn turn = {.counter = 1};
    struct ratls_answer_reader reader = {0};

    ratls_answer_reader_begin(&reader, &turn, true);
    for (uint64_t i = 0; !reader.is_complete; i++) {
        struct ratls_evidence logs = {.has_ima = true,
                                      .ima = {.list_alg = RATLS_ALG_SHA1,
                                              .offset = i * sizeof entries,
                                              .total = UINT32_MAX,
                                              .entries = ratls_slice(entries, sizeof entries)}};
        struct ratls_writer w = ratls_writer(evidence, sizeof evidence);
        struct ratls_piece one = {.turn = turn};

        ratls_evidence_write(&logs, &w);
        one.evidence = ratls_writer_slice(&w);
        w = ratls_writer(piece, sizeof piece);
        ratls_piece_write(&one, &w);
        cr_assert_eq(ratls_answer_reader_add(&reader, ratls_writer_slice(&w), NULL), RATLS_OK);
        cr_assert_leq(i, RATLS_ANSWER_PIECES_MAX);
    }
    cr_assert_eq(reader.count, RATLS_ANSWER_PIECES_MAX);
    cr_assert_str_eq(reader.fault, "an answer that is longer than any may be");
    ratls_answer_reader_end(&reader);
}

/* Nobody asked for a list: nobody keeps it, were it as long as a list may be. */
Test(exchange_list, list_that_nobody_asked_for)
{
    static struct pieces pieces;
    struct exchange_message answer, challenge, relabelled;
    struct ratls_finding finding;
    struct scene s;

    open_scene(&s, ENTRIES, PIECES);
    answer = take_answer(&s);
    split(answer, &pieces);
    fake_policy_rules(s.world->policy)->ima.is_asked = false;
    challenge = exchange_pair_challenge(s.pair);
    for (size_t i = 0; i < pieces.count; i++)
        pieces.items[i].turn.counter = 1;
    relabelled = join(&pieces);
    cr_assert_eq(exchange_pair_check(s.pair, relabelled), RATLS_REJECTED);
    cr_assert(ratls_report_first_failure(s.pair->report, &finding));
    cr_assert_str_eq(finding.check, "evidence.format");
    cr_assert_not_null(strstr(finding.actual, "that was asked for"), "%s", finding.actual);
    free(challenge.p);
    free(relabelled.p);
    free(answer.p);
    close_scene(&s);
}
