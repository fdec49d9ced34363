/* The channel, and evidence that is missing, in another place, or no evidence. */
#include <string.h>

#include "rows.h"

#define TLS_1_2 0x0303
#define ALL_AFTER_PRESENCE (BIT(EVIDENCE_PLACE) | BIT(EVIDENCE_FORMAT) | ALL_OF_CONTENT)

static void use_tls12(struct scene *scene)
{
    scene->expectation.tls_version = TLS_1_2;
}

static void use_tls12_without(struct scene *scene)
{
    use_tls12(scene);
    scene->absent = true;
}

static void resume(struct scene *scene)
{
    scene->resumed = true;
}

static void resume_without(struct scene *scene)
{
    scene->resumed = scene->absent = true;
}

static void send_none(struct scene *scene)
{
    scene->absent = true;
}

static void send_none_where_certificates_do(struct scene *scene)
{
    scene->absent = true;
    scene->rules->freshness = RATLS_FRESHNESS_CERTIFICATE;
}

static void want_session(struct scene *scene)
{
    scene->rules->freshness = RATLS_FRESHNESS_NONCE;
}

static void misplace(struct scene *scene)
{
    scene->misplaced = true;
}

static void misplace_only(struct scene *scene)
{
    scene->misplaced = scene->absent = true;
}

static void set_length(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_WIRE)
        draft->wire_len = (size_t) * (int *)arg;
}

static void append_byte(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_WIRE)
        draft->wire[draft->wire_len++] = (uint8_t) * (int *)arg;
}

static void append_to_statement(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF)
        draft->statement_cbor.p[draft->statement_cbor.len++] = (uint8_t) * (int *)arg;
}

/* RFC 9162 has no tree without leaves. */
static void empty_tree(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const uint8_t one_leaf[] = {0x83, 0x00, 0x01, 0x40};
    uint8_t *found;

    (void)arg;
    if (stage != FAKE_WIRE)
        return;
    found = memmem(draft->wire, draft->wire_len, one_leaf, sizeof one_leaf);
    if (found != NULL)
        found[2] = 0x00;
}

static void add_logs(struct ratls_evidence *evidence)
{
    static const uint8_t log[] = {1, 2, 3};

    evidence->boot_log = ratls_slice(log, sizeof log);
    evidence->has_ima = true;
    evidence->ima = (struct ratls_ima_slice){.list_alg = RATLS_ALG_SHA1};
}

static void send_logs_alone(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_SIGNED)
        return;
    draft->evidence = (struct ratls_evidence){0};
    add_logs(&draft->evidence);
}

static void add_one_log(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage != FAKE_SIGNED)
        return;
    add_logs(&draft->evidence);
    if (*(int *)arg == 0)
        draft->evidence.has_ima = false;
    else
        draft->evidence.boot_log.len = 0;
}

static const struct row rows[] = {
    {.name = "TLS 1.2, though evidence came",
     .check = RATLS_CHECK_TLS_VERSION,
     .after = use_tls12,
     .at = "channel",
     .expected = "0x0304",
     .actual = "0x0303"},
    {.name = "TLS 1.2, which has no place for evidence",
     .check = RATLS_CHECK_TLS_VERSION,
     .not_run = BIT(EVIDENCE_PRESENT) | ALL_AFTER_PRESENCE,
     .after = use_tls12_without},
    {.name = "resumed, though evidence came",
     .check = RATLS_CHECK_TLS_RESUMPTION,
     .after = resume,
     .expected = "a full handshake",
     .actual = "a resumed session"},
    {.name = "resumed without evidence",
     .check = RATLS_CHECK_TLS_RESUMPTION,
     .not_run = BIT(EVIDENCE_PRESENT) | ALL_AFTER_PRESENCE,
     .after = resume_without},
    {.name = "resumed, evidence of the certificate",
     .check = RATLS_CHECK_TLS_RESUMPTION,
     .mode = RATLS_MODE_CERTIFICATE,
     .after = resume},
    {.name = "no evidence",
     .check = RATLS_CHECK_EVIDENCE_PRESENT,
     .not_run = ALL_AFTER_PRESENCE,
     .after = send_none,
     .at = "channel",
     .expected = "evidence for this session (handshake)",
     .actual = "none"},
    {.name = "no evidence where that of a certificate would do",
     .check = RATLS_CHECK_EVIDENCE_PRESENT,
     .not_run = ALL_AFTER_PRESENCE,
     .after = send_none_where_certificates_do,
     .expected = "evidence, in the handshake or in the certificate",
     .actual = "none"},
    {.name = "only evidence of the certificate",
     .check = RATLS_CHECK_EVIDENCE_PRESENT,
     .mode = RATLS_MODE_CERTIFICATE,
     .after = want_session,
     .expected = "evidence for this session (handshake)",
     .actual = "only evidence in the certificate"},
    {.name = "extension twice",
     .check = RATLS_CHECK_EVIDENCE_PLACE,
     .after = misplace,
     .expected = "once, in the first certificate entry",
     .actual = "twice, or in another place"},
    {.name = "extension only in another entry",
     .check = RATLS_CHECK_EVIDENCE_PLACE,
     .not_run = BIT(EVIDENCE_FORMAT) | ALL_OF_CONTENT,
     .after = misplace_only},
    {.name = "empty evidence",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = set_length,
     .param = 0,
     .at = "evidence",
     .expected = "the format of version 1",
     .actual = "0 bytes that do not follow it"},
    {.name = "trailing zero",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = append_byte,
     .param = 0},
    {.name = "trailing break",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = append_byte,
     .param = 0xff},
    {.name = "65531 bytes",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = set_length,
     .param = RATLS_EVIDENCE_MAX,
     .actual = "65531 bytes that do not follow it"},
    {.name = "65532 bytes",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = set_length,
     .param = RATLS_EVIDENCE_MAX + 1},
    {.name = "trailing byte in the statement, signed",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = append_to_statement,
     .param = 0,
     .at = "evidence.statement"},
    {.name = "a tree without leaves",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = empty_tree},
    {.name = "logs alone",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = send_logs_alone,
     .at = "evidence",
     .expected = "the format of version 1",
     .actual = "86 bytes: logs without a quote"},
    {.name = "a boot log in a certificate",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = add_one_log,
     .param = 0,
     .at = "evidence"},
    {.name = "an IMA list in a certificate",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = add_one_log,
     .param = 1},
};

const struct rows rows_channel = {rows, sizeof rows / sizeof rows[0]};
