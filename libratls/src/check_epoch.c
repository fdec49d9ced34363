/*
 * Evidence of an epoch: its quote is not over the statement of the session but over one of the
 * epoch (mode 5), which names a key, and the key signs the statement of the session. That one goes
 * through statement.* as any other. When the quote was made is told by a time stamp that the
 * statement of the epoch covers: it cannot be older.
 *
 * epoch.token and epoch.age need epoch.asked, for without it there is no authority and no limit;
 * epoch.age needs epoch.token.
 */
#include "appraise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto_epoch.h"
#include "epoch_memory.h"

#define FUTURE_MAX_S 300 /* by how much clocks may differ, if the epoch is longer */

static void skip_all(struct ratls_appraisal *a)
{
    static const enum ratls_check checks[] = {RATLS_CHECK_EPOCH_ASKED, RATLS_CHECK_EPOCH_STATEMENT,
                                              RATLS_CHECK_EPOCH_SIGNATURE, RATLS_CHECK_EPOCH_TOKEN,
                                              RATLS_CHECK_EPOCH_AGE};

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        ratls_check_not_asked(a->report, checks[i]);
}

static void check_asked(struct ratls_appraisal *a)
{
    const bool is_asked = a->rules->freshness == RATLS_FRESHNESS_EPOCH;

    ratls_check_holds(a->report, RATLS_CHECK_EPOCH_ASKED, is_asked, "evidence",
                      is_asked ? "evidence for this session, or of an epoch"
                               : "a quote for this session: the policy takes no epochs",
                      "evidence of an epoch");
}

static void check_text(struct ratls_appraisal *a, const char *at, const char *expected,
                       struct ratls_slice actual)
{
    ratls_check_text(a->report, RATLS_CHECK_EPOCH_STATEMENT, at, expected, actual);
}

static void check_uint(struct ratls_appraisal *a, const char *at, uint64_t expected,
                       uint64_t actual)
{
    ratls_check_uint(a->report, RATLS_CHECK_EPOCH_STATEMENT, at, expected, actual);
}

static void check_bytes(struct ratls_appraisal *a, const char *at, struct ratls_slice expected,
                        struct ratls_slice actual)
{
    ratls_check_bytes(a->report, RATLS_CHECK_EPOCH_STATEMENT, at, expected, actual);
}

/* Everything that is not the session's is as in the statement of a session (WIRE.md, 5). */
static enum ratls_status check_statement(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const struct ratls_statement *s = &a->epoch_statement;
    const struct ratls_slice none = {NULL, 0};
    uint8_t hash[32];
    struct ratls_slice manifest;
    enum ratls_status status = ratls_evidence_manifest(&a->evidence, hash, &manifest, a->err);

    if (status == RATLS_OK)
        status = ratls_sha256(a->evidence.session.key, a->epoch.key_sha256, a->err);
    if (status != RATLS_OK)
        return status;
    check_text(a, "epoch.statement.label", RATLS_STATEMENT_LABEL, s->label);
    check_uint(a, "epoch.statement.mode", RATLS_MODE_EPOCH, s->mode);
    check_uint(a, "epoch.statement.role", e->role, s->role);
    check_uint(a, "epoch.statement.tls-version", 0, s->tls_version);
    check_uint(a, "epoch.statement.cipher-suite", 0, s->cipher_suite);
    check_bytes(a, "epoch.statement.nonce", none, s->nonce);
    check_bytes(a, "epoch.statement.binder", none, s->binder);
    check_bytes(a, "epoch.statement.spki-sha256",
                ratls_slice(e->spki_sha256, sizeof e->spki_sha256), s->spki_sha256);
    check_text(a, "epoch.statement.service", a->rules->service, s->service);
    check_bytes(a, "epoch.statement.manifest", manifest, s->manifest);
    check_bytes(a, "epoch.statement.context",
                ratls_slice(a->epoch.key_sha256, sizeof a->epoch.key_sha256), s->context);
    return RATLS_OK;
}

/* To make a key of its bytes costs a third of what the verification does. */
static enum ratls_status find_key(struct ratls_appraisal *a)
{
    struct ratls_epoch_memory *memory = a->rules->epoch.memory;

    if (memory != NULL)
        a->epoch.key = ratls_epoch_memory_key(memory, a->epoch.key_sha256);
    return a->epoch.key == NULL ? ratls_epoch_public(a->evidence.session.key, &a->epoch.key, a->err)
                                : RATLS_OK;
}

static enum ratls_status check_signature(struct ratls_appraisal *a)
{
    const struct ratls_epoch_session *session = &a->evidence.session;
    bool is_valid = false;
    enum ratls_status status = find_key(a);

    if (status == RATLS_OK)
        status = ratls_epoch_verify_by(a->epoch.key, session->statement, session->signature,
                                       &is_valid, a->err);
    if (status == RATLS_OK)
        ratls_check_holds(a->report, RATLS_CHECK_EPOCH_SIGNATURE, is_valid, "epoch.signature",
                          "a signature by the key of the epoch, ECDSA on P-256 with SHA-256",
                          is_valid ? "a valid signature" : "another, or by another kind of key");
    return status;
}

/* The same token comes with every handshake of an epoch. */
static enum ratls_status read_token(struct ratls_appraisal *a, struct ratls_token *ret_token,
                                    char why[static RATLS_TOKEN_WHY_MAX])
{
    struct ratls_epoch_memory *memory = a->rules->epoch.memory;
    struct ratls_slice token = a->evidence.token;
    enum ratls_status status = ratls_sha256(token, a->epoch.token_sha256, a->err);

    why[0] = '\0';
    if (status != RATLS_OK || ratls_epoch_memory_token(memory, a->epoch.token_sha256, ret_token))
        return status;
    return ratls_token_verify(token, &a->rules->epoch.authorities, a->submission->expectation->now,
                              ret_token, why, a->err);
}

static enum ratls_status check_token(struct ratls_appraisal *a)
{
    char why[RATLS_TOKEN_WHY_MAX], actual[RATLS_VALUE_MAX];
    enum ratls_status status = read_token(a, &a->epoch.token, why);

    if (status != RATLS_OK)
        return status;
    ratls_escape(ratls_slice(why, strlen(why)), actual, sizeof actual);
    ratls_check_holds(a->report, RATLS_CHECK_EPOCH_TOKEN, why[0] == '\0', "epoch.token",
                      "a time stamp of an authority of the policy",
                      why[0] == '\0' ? "a valid time stamp" : actual);
    return RATLS_OK;
}

uint64_t ratls_epoch_age_s(const struct ratls_appraisal *a)
{
    const int64_t now = a->submission->expectation->now;

    return (a->epoch.token.time > now ? 0 : (uint64_t)(now - a->epoch.token.time)) +
           a->epoch.token.accuracy_s;
}

/* A clock that is ahead of ours says that ours is behind, or it is: then no age is known. */
static void check_age(struct ratls_appraisal *a)
{
    const struct ratls_token *token = &a->epoch.token;
    const int64_t now = a->submission->expectation->now;
    const uint64_t within = a->rules->epoch.within_s;
    const uint64_t ahead = token->time > now ? (uint64_t)(token->time - now) : 0;
    const uint64_t age = ratls_epoch_age_s(a);
    const bool is_near = ahead <= (within < FUTURE_MAX_S ? within : FUTURE_MAX_S);
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    if (!ratls_check_decide(a->report, RATLS_CHECK_EPOCH_AGE, age <= within && is_near))
        return;
    snprintf(expected, sizeof expected,
             "at most %" PRIu64 " s old, by a clock that agrees with ours", within);
    if (ahead > 0)
        snprintf(actual, sizeof actual, "%" PRIu64 " s in the future", ahead);
    else
        snprintf(actual, sizeof actual, "%" PRIu64 " s old%s", age,
                 token->accuracy_s > 0 ? ", the accuracy of its clock included" : "");
    ratls_check_say(a->report, RATLS_CHECK_EPOCH_AGE, "epoch.token.genTime", expected, actual);
}

enum ratls_status ratls_check_epoch(struct ratls_appraisal *a)
{
    enum ratls_status status;

    if (!ratls_is_of_epoch(a)) {
        skip_all(a);
        return RATLS_OK;
    }
    check_asked(a);
    status = check_statement(a);
    if (status == RATLS_OK)
        status = check_signature(a);
    if (status == RATLS_OK && ratls_check_passed(a->report, RATLS_CHECK_EPOCH_ASKED))
        status = check_token(a);
    if (status == RATLS_OK && ratls_check_passed(a->report, RATLS_CHECK_EPOCH_TOKEN))
        check_age(a);
    return status;
}
