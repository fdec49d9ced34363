/*
 * Evidence on a session that is there already: of another session, another challenge, another turn,
 * another side, or older than it may be. T2 to T5 and T40 are numbers of attacks on evidence in
 * TLS: two sessions of one key are mixed, roles and modes are swapped, what was used is used again.
 */
#include "rows.h"
#include "statement_changes.h"

#define CONTEXT_LEN 12
#define MINUTE_MS 60000

/* param: counter in the high half, sequence in the low one. */
static void change_turn(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static uint8_t context[CONTEXT_LEN];
    struct ratls_writer w = ratls_writer(context, sizeof context);

    if (stage != FAKE_STATEMENT)
        return;
    ratls_write_u64(&w, (uint64_t)(*(int *)arg >> 8));
    ratls_write_u32(&w, (uint32_t)(*(int *)arg & 0xff));
    draft->statement.context = ratls_writer_slice(&w);
}

static void misplace_only(struct scene *scene)
{
    scene->absent = true;
    scene->misplaced = true;
}

static void find_fault(struct scene *scene)
{
    scene->fault = "bytes behind the answer";
}

static void require_exporter(struct scene *scene)
{
    scene->rules->needs_exporter = true;
}

static void send_none(struct scene *scene)
{
    scene->absent = true;
}

/* The policy's second key answers: as good as the first, but not on its session. */
static void answer_with_other_key(struct scene *scene)
{
    scene_accepted(scene);
    scene->expectation.before.ak_name[5] ^= 1;
}

static void boot_again(struct scene *scene)
{
    scene_accepted(scene);
    scene->tpm->reset_count++;
}

static void resume_from_sleep(struct scene *scene)
{
    scene_accepted(scene);
    scene->tpm->restart_count++;
}

/* Made when the last challenge was answered, and kept for a minute. */
static void push_late(struct scene *scene)
{
    scene_accepted(scene);
    scene->expectation.sequence = 1;
    scene->expectation.elapsed_ms = MINUTE_MS;
}

static void push_a_moment_late(struct scene *scene)
{
    push_late(scene);
    scene->tpm->clock_ms += MINUTE_MS - 10000 - MINUTE_MS / 20 - 1;
}

/* No clock shows what is expected then; nothing wraps around. */
static void push_at_the_end_of_time(struct scene *scene)
{
    push_late(scene);
    scene->expectation.before.clock_ms = UINT64_MAX - 1;
}

/* Kept for a time to come, by whoever may set the clock of the TPM. */
static void push_from_the_future(struct scene *scene)
{
    push_late(scene);
    scene->tpm->clock_ms += MINUTE_MS + 10000 + MINUTE_MS / 20 + 1;
}

/* The same behind an answer of an epoch, whose clock is from a minute before it. */
static void push_from_beyond_an_epoch(struct scene *scene)
{
    push_from_the_future(scene);
    scene->expectation.before.is_dated = true;
    scene->expectation.before.age_s = MINUTE_MS / 1000;
    scene->tpm->clock_ms += MINUTE_MS + MINUTE_MS / 20;
}

#define EXPORTER RATLS_MODE_EXPORTER
#define RENEWAL RATLS_MODE_RENEWAL

static const struct row rows[] = {
    {.name = "no answer",
     .check = RATLS_CHECK_EVIDENCE_PRESENT,
     .not_run = BIT(EVIDENCE_PLACE) | BIT(EVIDENCE_FORMAT) | ALL_OF_CONTENT,
     .mode = EXPORTER,
     .after = send_none,
     .expected = "evidence for this session (answer)",
     .actual = "none"},
    {.name = "a piece of another answer",
     .check = RATLS_CHECK_EVIDENCE_PLACE,
     .not_run = BIT(EVIDENCE_FORMAT) | ALL_OF_CONTENT,
     .mode = RENEWAL,
     .after = misplace_only,
     .at = "answer",
     .expected = "the answer that is awaited",
     .actual = "another counter or sequence"},
    {.name = "an answer that is none",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .mode = RENEWAL,
     .after = find_fault},
    {.name = "evidence of the handshake where the exporter is required",
     .check = RATLS_CHECK_EVIDENCE_BINDING,
     .after = require_exporter,
     .at = "channel",
     .expected = "evidence bound to the exporter (binding: exporter)"},
    {.name = "T5: mode 2 in an answer",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .mode = EXPORTER,
     .tamper = change_mode,
     .param = RATLS_MODE_HANDSHAKE,
     .expected = "0x0003",
     .actual = "0x0002"},
    {.name = "T5: mode 3 in a handshake",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .tamper = change_mode,
     .param = RATLS_MODE_EXPORTER,
     .expected = "0x0002",
     .actual = "0x0003"},
    {.name = "T5: mode 4 in a handshake",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .tamper = change_mode,
     .param = RATLS_MODE_RENEWAL},
    {.name = "T5: mode 3 in a renewal",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .mode = RENEWAL,
     .tamper = change_mode,
     .param = RATLS_MODE_EXPORTER},
    {.name = "T5: mode 4 in the first answer",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .mode = EXPORTER,
     .tamper = change_mode,
     .param = RATLS_MODE_RENEWAL},
    {.name = "T5: mode 2 in a renewal",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .mode = RENEWAL,
     .tamper = change_mode,
     .param = RATLS_MODE_HANDSHAKE},
    {.name = "T4: made by this side",
     .check = RATLS_CHECK_STATEMENT_ROLE,
     .mode = RENEWAL,
     .tamper = change_role,
     .param = RATLS_ROLE_CLIENT,
     .expected = "0x0001",
     .actual = "0x0002"},
    {.name = "T40: the nonce of another challenge",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .mode = RENEWAL,
     .tamper = change_nonce,
     .param = RATLS_NONCE_LEN},
    {.name = "T2: the exporter of another session of this key",
     .check = RATLS_CHECK_STATEMENT_BINDER,
     .mode = EXPORTER,
     .tamper = change_binder,
     .param = RATLS_BINDER_LEN},
    {.name = "T2: the exporter of another session, in a renewal",
     .check = RATLS_CHECK_STATEMENT_BINDER,
     .mode = RENEWAL,
     .tamper = change_binder,
     .param = RATLS_BINDER_LEN},
    {.name = "T3: another TLS key",
     .check = RATLS_CHECK_STATEMENT_SPKI,
     .mode = EXPORTER,
     .tamper = change_spki},
    {.name = "T40: the counter before",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .mode = RENEWAL,
     .tamper = change_turn,
     .param = (SCENE_COUNTER - 1) << 8,
     .expected = "000000000000000700000000",
     .actual = "000000000000000600000000"},
    {.name = "T40: the counter behind",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .mode = RENEWAL,
     .tamper = change_turn,
     .param = (SCENE_COUNTER + 1) << 8},
    {.name = "unasked, as an answer",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .mode = RENEWAL,
     .tamper = change_turn,
     .param = SCENE_COUNTER << 8 | 1},
    {.name = "no turn in a renewal",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .mode = RENEWAL,
     .tamper = change_context,
     .param = 0},
    {.name = "half a turn in a renewal",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .mode = RENEWAL,
     .tamper = change_context,
     .param = 8},
    {.name = "a turn in the first answer",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .mode = EXPORTER,
     .tamper = change_turn,
     .param = 0,
     .expected = "empty"},
    {.name = "another key than before",
     .check = RATLS_CHECK_QUOTE_BOOT,
     .mode = RENEWAL,
     .after = answer_with_other_key,
     .at = "quote.ak-public"},
    {.name = "another boot than before",
     .check = RATLS_CHECK_QUOTE_BOOT,
     .mode = RENEWAL,
     .after = boot_again,
     .at = "quote.attest.clockInfo"},
    {.name = "asleep meanwhile",
     .check = RATLS_CHECK_QUOTE_BOOT,
     .mode = RENEWAL,
     .after = resume_from_sleep},
    {.name = "unasked, and a minute old",
     .check = RATLS_CHECK_QUOTE_RECENT,
     .mode = RENEWAL,
     .after = push_late,
     .at = "quote.attest.clockInfo.clock"},
    {.name = "unasked, and a millisecond too old",
     .check = RATLS_CHECK_QUOTE_RECENT,
     .mode = RENEWAL,
     .after = push_a_moment_late},
    {.name = "unasked, and of a clock that was set forward",
     .check = RATLS_CHECK_QUOTE_RECENT,
     .mode = RENEWAL,
     .after = push_from_the_future,
     .at = "quote.attest.clockInfo.clock"},
    {.name = "set forward behind an epoch",
     .check = RATLS_CHECK_QUOTE_RECENT,
     .mode = RENEWAL,
     .after = push_from_beyond_an_epoch,
     .at = "quote.attest.clockInfo.clock"},
    {.name = "unasked, by a clock at its end",
     .check = RATLS_CHECK_QUOTE_RECENT,
     .mode = RENEWAL,
     .after = push_at_the_end_of_time},
};

const struct rows rows_exchange = {rows, sizeof rows / sizeof rows[0]};
