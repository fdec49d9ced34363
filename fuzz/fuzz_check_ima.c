/*
 * Target: ratls_check_ima on any list, from any state, in the evidence and in pieces that are
 * fetched. The first bytes say how it comes; PCR 10 is what some prefix of it leads to, so that
 * entries are judged.
 *
 * Must hold: what follows the prefix changes neither a verdict nor a word; a list that is known up
 * to an entry has the verdict that it has from its begin, unless something known was at odds.
 */
#include <string.h>

#include "appraise.h"
#include "fake_ima.h"
#include "fake_policy.h"
#include "fuzz.h"
#include "ima_boot.h"

#define HEAD 4
#define PIECE_MIN 64

enum flag {
    LIST_OF_BANK = 1,
    PADDED = 2,
    VIOLATIONS_ALLOWED = 4,
    KNOWN = 8,
    NO_PREFIX = 16, /* PCR 10 is of another list */
    IN_PIECES = 32,
};

struct input {
    uint8_t flags;
    uint8_t prefix; /* entries that PCR 10 stands for, at most */
    uint8_t known;  /* of these */
    uint8_t piece;  /* bytes of an answer, less PIECE_MIN */
    struct ratls_slice list;
};

static struct fake_tpm *tpm;
static struct ratls_policy *policy;
static struct ratls_rules *rules;

struct source {
    struct ratls_more more; /* the first member */
    const struct input *input;
    struct ratls_slice list;
    uint8_t answer[RATLS_EVIDENCE_MAX];
};

static uint16_t list_alg(const struct input *input)
{
    return (input->flags & LIST_OF_BANK) != 0 ? RATLS_ALG_SHA256 : RATLS_ALG_SHA1;
}

static void begin(void)
{
    tpm = fake_tpm_new(FAKE_ECDSA_P256);
    policy = fake_policy_new(tpm);
    rules = fake_policy_rules(policy);
    EVP_PKEY_free(fake_ima_allow(rules));
    rules->selection.banks[0].pcrs = 0x7ff;
}

static struct ratls_slice rest_of(struct ratls_slice list, uint64_t offset, size_t max)
{
    struct ratls_reader r = ratls_reader(list);

    (void)ratls_read_bytes(&r, offset < list.len ? (size_t)offset : list.len);
    return ratls_slice(r.rest.p, r.rest.len < max ? r.rest.len : max);
}

static enum ratls_status fetch(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct source *s = (struct source *)self;
    struct ratls_writer w = ratls_writer(s->answer, sizeof s->answer);
    const struct ratls_evidence evidence = {
        .has_ima = true,
        .ima = {.list_alg = list_alg(s->input),
                .offset = request->ima_offset,
                .total = s->list.len,
                .entries =
                    rest_of(s->list, request->ima_offset, PIECE_MIN + (size_t)s->input->piece)},
    };

    (void)err;
    ratls_evidence_write(&evidence, &w);
    *ret_evidence = w.failed ? ratls_slice(NULL, 0) : ratls_writer_slice(&w);
    return RATLS_OK;
}

/* The state after so many entries, or after those that are some. */
static struct ratls_ima_state replay(const struct input *input, unsigned entries)
{
    const bool is_padded = (input->flags & (PADDED | LIST_OF_BANK)) == PADDED;
    struct ratls_ima_reader r = ratls_ima_reader(input->list, list_alg(input), 0, 0);
    struct ratls_ima_replay replay;
    struct ratls_ima_state state;
    struct ratls_ima_entry entry;

    FUZZ_CHECK(ratls_ima_state_init(list_alg(input), RATLS_ALG_SHA256,
                                    is_padded ? RATLS_IMA_PADDED : RATLS_IMA_NATIVE, &state,
                                    NULL) == RATLS_OK);
    FUZZ_CHECK(ratls_ima_replay_open(&state, &replay, NULL) == RATLS_OK);
    while (replay.state.entries < entries && ratls_ima_next(&r, &entry) &&
           ratls_ima_replay_entry(&replay, &entry, NULL) == RATLS_OK)
        continue;
    state = replay.state;
    ratls_ima_replay_close(&replay);
    return state;
}

/* A quote that passed, and the PCRs that it is over. */
static void pass_quote(struct ratls_appraisal *a, uint8_t *pcrs, const struct input *input)
{
    for (int check = 0; check < RATLS_CHECK_IMA_PRESENT; check++)
        ratls_check_holds(a->report, (enum ratls_check)check, true, "x", "x", "x");
    for (unsigned i = 0; i < RATLS_IMA_PCR; i++)
        memcpy(pcrs + 32 * i, fake_tpm_pcr(tpm, RATLS_ALG_SHA256, i), 32);
    memcpy(pcrs + 320, replay(input, input->prefix).pcr, 32);
    pcrs[320] ^= (input->flags & NO_PREFIX) != 0;
    a->evidence.pcr_values = ratls_slice(pcrs, 352);
    a->ak_name_len = fake_tpm_name(tpm, a->ak_name);
    a->attest.reset_count = 7;
}

static struct ratls_ledger_row know(const struct input *input, const struct ratls_appraisal *a)
{
    struct ratls_ledger_row known = {.ak_name_len = a->ak_name_len,
                                     .reset_count = a->attest.reset_count,
                                     .ima = replay(input, input->known),
                                     .boot_aggregate_alg = RATLS_ALG_SHA256};
    struct ratls_slice pcrs[RATLS_IMA_PCR];

    memcpy(known.ak_name, a->ak_name, a->ak_name_len);
    memcpy(known.rules_sha256, rules->ima.sha256, sizeof known.rules_sha256);
    for (unsigned i = 0; i < RATLS_IMA_PCR; i++)
        pcrs[i] = ratls_slice(fake_tpm_pcr(tpm, RATLS_ALG_SHA256, i), 32);
    FUZZ_CHECK(ratls_ima_boot_aggregate(RATLS_ALG_SHA256, pcrs, known.boot_aggregate, NULL) ==
               RATLS_OK);
    return known;
}

/* The report of one way in which the list comes. The caller frees it. */
static struct ratls_report *check(const struct input *input, struct ratls_slice list)
{
    static struct source source;
    static struct ratls_appraisal a; /* too much for a stack */
    const struct ratls_expectation expectation = {.server_name = "bank.example"};
    struct ratls_submission submission = {.expectation = &expectation};
    struct ratls_error err = {0};
    struct ratls_ledger_row known;
    uint8_t pcrs[352];
    bool is_cut = (input->flags & IN_PIECES) != 0;
    uint64_t offset = 0;

    memset(&a, 0, sizeof a);
    a.submission = &submission;
    a.rules = rules;
    a.report = ratls_report_new();
    a.err = &err;
    FUZZ_CHECK(a.report != NULL);
    pass_quote(&a, pcrs, input);
    known = know(input, &a);
    if ((input->flags & KNOWN) != 0 && known.ima.entries > 0) {
        submission.known = &known;
        offset = known.ima.offset;
    }
    source.more.fetch = fetch;
    source.input = input;
    source.list = list;
    submission.more = is_cut ? &source.more : NULL;
    a.evidence.has_ima = true;
    a.evidence.ima = (struct ratls_ima_slice){
        .list_alg = list_alg(input),
        .offset = offset,
        .total = list.len,
        .entries = rest_of(list, offset, is_cut ? PIECE_MIN + (size_t)input->piece : list.len)};
    FUZZ_CHECK(ratls_check_ima(&a) == RATLS_OK);
    return a.report;
}

static char *print(const struct ratls_report *report)
{
    char *text = NULL;

    FUZZ_CHECK(ratls_report_text(report, 0, &text) == RATLS_OK);
    for (const char *p = text; *p != '\0'; p++)
        FUZZ_CHECK(*p == '\n' || (*p >= ' ' && *p <= '~'));
    return text;
}

/* The same prefix with something else behind it. */
static void check_tail(const struct input *input, const struct ratls_report *report)
{
    struct ratls_ima_state end = replay(input, input->prefix);
    struct ratls_report *other;
    char *words, *other_words;
    uint8_t *list;

    if (!ratls_check_passed(report, RATLS_CHECK_IMA_REPLAY) || (input->flags & IN_PIECES) != 0)
        return;
    list = malloc((size_t)end.offset + 7);
    FUZZ_CHECK(list != NULL && end.offset <= input->list.len);
    memcpy(list, input->list.p, (size_t)end.offset);
    memset(list + end.offset, 0xff, 7);
    other = check(input, ratls_slice(list, (size_t)end.offset + 7));
    words = print(report);
    other_words = print(other);
    FUZZ_CHECK(strcmp(words, other_words) == 0);
    free(words);
    free(other_words);
    ratls_report_free(other);
    free(list);
}

/* What is at odds from a known state on is at odds from the begin. */
static void check_known(struct input input, const struct ratls_report *report)
{
    struct ratls_report *whole;

    if ((input.flags & (KNOWN | IN_PIECES)) != KNOWN || input.known > input.prefix)
        return;
    input.flags &= (uint8_t)~KNOWN;
    whole = check(&input, input.list);
    for (int i = RATLS_CHECK_IMA_VIOLATIONS; i <= RATLS_CHECK_IMA_ALLOW; i++)
        FUZZ_CHECK(report->slots[i].failures <= whole->slots[i].failures);
    FUZZ_CHECK(!ratls_report_accepted(whole) || ratls_report_accepted(report));
    ratls_report_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    struct ratls_report *report;

    if (policy == NULL)
        begin();
    if (size < HEAD)
        return 0;
    input = (struct input){.flags = data[0],
                           .prefix = data[1],
                           .known = data[2],
                           .piece = data[3],
                           .list = ratls_slice(data + HEAD, size - HEAD)};
    rules->ima.violations_allowed = (input.flags & VIOLATIONS_ALLOWED) != 0;
    report = check(&input, input.list);
    free(print(report));
    check_tail(&input, report);
    check_known(input, report);
    ratls_report_free(report);
    return 0;
}
