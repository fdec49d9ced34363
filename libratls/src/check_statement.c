/*
 * The statement, field by field, against what this side knows by itself. quote.extraData then
 * compares its hash with the quote. evidence.age needs statement.context; all others need nothing.
 */
#include "appraise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "turn.h"

#define CONTEXT_TIME_LEN 8
#define CLOCK_SKEW_S 300 /* how much a server's clock may be ahead of ours */

#define MINUTE_S UINT64_C(60)
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)

static void check_origin(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const struct ratls_statement *s = &a->statement;

    ratls_check_text(a->report, RATLS_CHECK_STATEMENT_LABEL, "statement.label",
                     RATLS_STATEMENT_LABEL, s->label);
    ratls_check_uint(a->report, RATLS_CHECK_STATEMENT_MODE, "statement.mode", e->mode, s->mode);
    ratls_check_uint(a->report, RATLS_CHECK_STATEMENT_ROLE, "statement.role", e->role, s->role);
    ratls_check_text(a->report, RATLS_CHECK_STATEMENT_SERVICE, "statement.service",
                     a->rules->service, s->service);
}

/* WIRE.md, 5: in certificate mode there is no session, and nothing may be said of one. */
static void check_session(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const struct ratls_statement *s = &a->statement;
    bool has_session = ratls_mode_has_session(e->mode);

    ratls_check_uint(a->report, RATLS_CHECK_STATEMENT_TLS, "statement.tls-version", e->tls_version,
                     s->tls_version);
    ratls_check_uint(a->report, RATLS_CHECK_STATEMENT_TLS, "statement.cipher-suite",
                     e->cipher_suite, s->cipher_suite);
    ratls_check_bytes(a->report, RATLS_CHECK_STATEMENT_NONCE, "statement.nonce",
                      ratls_slice(e->nonce, has_session ? sizeof e->nonce : 0), s->nonce);
    ratls_check_bytes(a->report, RATLS_CHECK_STATEMENT_BINDER, "statement.binder",
                      ratls_slice(e->binder, has_session ? sizeof e->binder : 0), s->binder);
    ratls_check_bytes(a->report, RATLS_CHECK_STATEMENT_SPKI, "statement.spki-sha256",
                      ratls_slice(e->spki_sha256, sizeof e->spki_sha256), s->spki_sha256);
}

static enum ratls_status check_manifest(struct ratls_appraisal *a)
{
    uint8_t hash[32];
    struct ratls_slice manifest;
    enum ratls_status status = ratls_evidence_manifest(&a->evidence, hash, &manifest, a->err);

    if (status != RATLS_OK)
        return status;
    ratls_check_bytes(a->report, RATLS_CHECK_STATEMENT_MANIFEST, "statement.manifest", manifest,
                      a->statement.manifest);
    return RATLS_OK;
}

static void check_context(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const struct ratls_turn turn = {.counter = e->counter, .sequence = e->sequence};
    struct ratls_slice context = a->statement.context;
    uint8_t expected[RATLS_TURN_CONTEXT_LEN];
    char actual[RATLS_VALUE_MAX];

    if (ratls_mode_has_session(e->mode)) {
        ratls_check_bytes(a->report, RATLS_CHECK_STATEMENT_CONTEXT, "statement.context",
                          ratls_turn_context(&turn, expected), context);
        return;
    }
    snprintf(actual, sizeof actual, "%zu bytes", context.len);
    ratls_check_holds(a->report, RATLS_CHECK_STATEMENT_CONTEXT, context.len == CONTEXT_TIME_LEN,
                      "statement.context", "8 bytes, the time of issue", actual);
}

/* "3 days 4 h", "25 min": the two largest units, as people say it. */
static void print_duration(uint64_t seconds, char *out, size_t cap)
{
    if (seconds >= 2 * DAY_S)
        snprintf(out, cap, "%" PRIu64 " days %" PRIu64 " h", seconds / DAY_S,
                 seconds % DAY_S / HOUR_S);
    else if (seconds >= 2 * HOUR_S)
        snprintf(out, cap, "%" PRIu64 " h %" PRIu64 " min", seconds / HOUR_S,
                 seconds % HOUR_S / MINUTE_S);
    else if (seconds >= 2 * MINUTE_S)
        snprintf(out, cap, "%" PRIu64 " min %" PRIu64 " s", seconds / MINUTE_S, seconds % MINUTE_S);
    else
        snprintf(out, cap, "%" PRIu64 " s", seconds);
}

static void check_age_of(struct ratls_appraisal *a, uint64_t issued, uint64_t now)
{
    bool is_future = issued > now;
    uint64_t age = is_future ? 0 : now - issued;
    uint64_t ahead = is_future ? issued - now : 0;
    char limit[64], duration[64];
    char expected[128], actual[80];

    print_duration(a->rules->max_age_s, limit, sizeof limit);
    print_duration(is_future ? ahead : age, duration, sizeof duration);
    snprintf(expected, sizeof expected, "at most %s old", limit);
    snprintf(actual, sizeof actual, is_future ? "%s in the future" : "%s old", duration);
    if (ratls_check_holds(a->report, RATLS_CHECK_EVIDENCE_AGE,
                          age <= a->rules->max_age_s && ahead <= CLOCK_SKEW_S, "statement.context",
                          expected, actual)) {
        snprintf(expected, sizeof expected, "evidence from the certificate, %s", actual);
        ratls_report_put(a->report, expected, sizeof expected, &a->report->note);
    }
}

/* Where the policy wants evidence for this session, its age is not what is wrong with it. */
static void check_age(struct ratls_appraisal *a)
{
    struct ratls_reader r = ratls_reader(a->statement.context);

    if (ratls_mode_has_session(a->submission->expectation->mode) ||
        a->rules->freshness != RATLS_FRESHNESS_CERTIFICATE)
        ratls_check_not_asked(a->report, RATLS_CHECK_EVIDENCE_AGE);
    else if (ratls_check_passed(a->report, RATLS_CHECK_STATEMENT_CONTEXT))
        check_age_of(a, ratls_read_u64(&r), (uint64_t)a->submission->expectation->now);
}

enum ratls_status ratls_check_statement(struct ratls_appraisal *a)
{
    check_origin(a);
    check_session(a);
    check_context(a);
    check_age(a);
    return check_manifest(a);
}
