/*
 * The channel, and whether evidence came by it. A resumed or older channel has no place for
 * evidence, so evidence.present is not run after tls.* failed and nothing came. evidence.format
 * needs only bytes: all else that is wrong with them shall show too.
 */
#include "appraise.h"

#include <stdio.h>

#define TLS_1_3 0x0304

static bool has_session(const struct ratls_appraisal *a)
{
    return ratls_mode_has_session(a->submission->expectation->mode);
}

/* Evidence in answers on the channel, behind its handshake. */
static bool is_exchange(const struct ratls_appraisal *a)
{
    return ratls_mode_is_exchange(a->submission->expectation->mode);
}

/* Offline there is no channel: the evidence of a certificate may be appraised without one. */
static void check_version(struct ratls_appraisal *a)
{
    if (!has_session(a) && a->submission->tls_version == 0)
        ratls_check_not_asked(a->report, RATLS_CHECK_TLS_VERSION);
    else
        ratls_check_uint(a->report, RATLS_CHECK_TLS_VERSION, "channel", TLS_1_3,
                         a->submission->tls_version);
}

/*
 * A session that is resumed has no Certificate message: what was known of the platform then says
 * nothing about now. An answer on the channel does: its exporter is of this session alone.
 */
static void check_resumption(struct ratls_appraisal *a)
{
    bool resumed = a->submission->resumed;

    if (is_exchange(a)) {
        ratls_check_not_asked(a->report, RATLS_CHECK_TLS_RESUMPTION);
        return;
    }
    ratls_check_holds(a->report, RATLS_CHECK_TLS_RESUMPTION, !resumed, "channel",
                      "a full handshake", resumed ? "a resumed session" : "a full handshake");
}

static bool is_failed(const struct ratls_report *report, enum ratls_check check)
{
    return report->slots[check].verdict == RATLS_FAIL;
}

static void check_presence(struct ratls_appraisal *a)
{
    const struct ratls_submission *s = a->submission;
    bool needs_session = a->rules->freshness != RATLS_FRESHNESS_CERTIFICATE;
    bool came = s->present || s->misplaced;
    const char *expected = needs_session ? "evidence for this session (handshake)"
                                         : "evidence, in the handshake or in the certificate";
    const char *actual =
        has_session(a) ? "evidence in the handshake" : "only evidence in the certificate";

    if (is_exchange(a)) {
        expected = "evidence for this session (answer)";
        actual = "evidence in an answer";
    }

    if (!came && (is_failed(a->report, RATLS_CHECK_TLS_VERSION) ||
                  is_failed(a->report, RATLS_CHECK_TLS_RESUMPTION)))
        return;
    ratls_check_holds(a->report, RATLS_CHECK_EVIDENCE_PRESENT,
                      came && (has_session(a) || !needs_session), "channel", expected,
                      came ? actual : "none");
}

/* RFC 8446, 4.4.2: an extension belongs to one certificate entry; ours is the first. */
static void check_place(struct ratls_appraisal *a)
{
    const struct ratls_submission *s = a->submission;
    bool in_certificate = s->expectation->mode == RATLS_MODE_CERTIFICATE;
    const char *actual = in_certificate ? "in the certificate itself" : "yes";

    if (!s->present && !s->misplaced)
        return;
    if (is_exchange(a)) {
        ratls_check_holds(a->report, RATLS_CHECK_EVIDENCE_PLACE, !s->misplaced, "answer",
                          "the answer that is awaited",
                          s->misplaced ? "another counter or sequence" : "yes");
        return;
    }
    ratls_check_holds(a->report, RATLS_CHECK_EVIDENCE_PLACE, !s->misplaced, "channel",
                      "once, in the first certificate entry",
                      s->misplaced ? "twice, or in another place" : actual);
}

/* A client's evidence in its own Certificate message has the exporter for a binder, too. */
static void check_binding(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    bool is_bound =
        is_exchange(a) || (e->mode == RATLS_MODE_HANDSHAKE && e->role == RATLS_ROLE_CLIENT);

    if (!a->rules->needs_exporter)
        ratls_check_not_asked(a->report, RATLS_CHECK_EVIDENCE_BINDING);
    else if (a->submission->present || a->submission->misplaced)
        ratls_check_holds(a->report, RATLS_CHECK_EVIDENCE_BINDING, is_bound, "channel",
                          "evidence bound to the exporter (binding: exporter)",
                          is_bound ? "bound to the exporter"
                                   : "not bound to it: both programs must use ratls_connection or "
                                     "ratls_exchange, or the policy allow binding: handshake");
}

/* What the evidence of this mode must not be, although it is well formed; NULL if all is right. */
static const char *find_unfit(const struct ratls_appraisal *a)
{
    if (a->submission->fault != NULL)
        return a->submission->fault;
    if (!a->evidence.has_quote)
        return "logs without a quote";
    if (!has_session(a) && (a->evidence.boot_log.len != 0 || a->evidence.has_ima))
        return "logs in a certificate";
    if (!has_session(a) && ratls_is_of_epoch(a))
        return "an epoch in a certificate";
    return NULL;
}

/* Of an epoch: what was quoted is not of the session, and what is of the session is signed. */
static bool read_statements(struct ratls_appraisal *a)
{
    const struct ratls_evidence *evidence = &a->evidence;

    if (!ratls_is_of_epoch(a))
        return ratls_statement_read(evidence->statement, &a->statement);
    return ratls_statement_read(evidence->statement, &a->epoch_statement) &&
           ratls_statement_read(evidence->session.statement, &a->statement);
}

static void check_format(struct ratls_appraisal *a)
{
    const struct ratls_submission *s = a->submission;
    const char *unfit = NULL;
    char actual[RATLS_VALUE_MAX];
    bool whole;
    bool readable;

    if (!s->present)
        return;
    whole = s->evidence.len <= RATLS_EVIDENCE_MAX && ratls_evidence_read(s->evidence, &a->evidence);
    if (whole || s->fault != NULL)
        unfit = find_unfit(a);
    readable = whole && unfit == NULL && read_statements(a);
    if (!ratls_check_decide(a->report, RATLS_CHECK_EVIDENCE_FORMAT, readable))
        return;
    if (unfit != NULL)
        snprintf(actual, sizeof actual, "%zu bytes: %s", s->evidence.len, unfit);
    else
        snprintf(actual, sizeof actual, "%zu bytes%s", s->evidence.len,
                 readable ? "" : " that do not follow it");
    ratls_check_say(a->report, RATLS_CHECK_EVIDENCE_FORMAT,
                    whole && !readable && unfit == NULL ? "evidence.statement" : "evidence",
                    "the format of version 1", actual);
}

enum ratls_status ratls_check_channel(struct ratls_appraisal *a)
{
    check_version(a);
    check_resumption(a);
    check_presence(a);
    check_place(a);
    check_binding(a);
    check_format(a);
    return RATLS_OK;
}
