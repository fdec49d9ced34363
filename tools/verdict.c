#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>

#include "output.h"

/* The report in the form that was asked for; NULL if there is none. The caller frees it. */
static char *write_report(const struct ratls_report *report, bool json, FILE *out)
{
    const unsigned flags = ratls_out_colour(out) ? RATLS_TEXT_COLOUR : 0;
    char *text = NULL;
    enum ratls_status status =
        json ? ratls_report_json(report, &text) : ratls_report_text(report, flags, &text);

    return status == RATLS_OK ? text : NULL;
}

static const char *verdict_word(const struct ratls_session *session)
{
    switch (session->end) {
    case RATLS_SESSION_CONNECTED:
        return "accepted";
    case RATLS_SESSION_PKI:
        return "certificate-refused";
    case RATLS_SESSION_REFUSED:
    case RATLS_SESSION_FAILED:
        break;
    }
    return "refused";
}

/* The evidence was accepted, or there was no appraisal, for the PKI refused before. */
static int explain_pki(const struct ratls_session *session)
{
    const bool attested = ratls_tls_report(session->ssl) != NULL;

    ratls_complain(
        "%s the certificate is refused: %s",
        attested ? "attested, but" : "not appraised:", ratls_session_pki_reason(session));
    if (ratls_session_pki_issuer_unknown(session))
        ratls_hint("--ca names your certificate authority; --insecure-no-pki trusts the evidence "
                   "alone");
    return RATLS_EXIT_REFUSED;
}

int ratls_verdict_show(const struct ratls_session *session, const char *kind, bool json, FILE *out)
{
    const struct ratls_report *report = ratls_tls_report(session->ssl);
    char *text = report == NULL ? NULL : write_report(report, json, out);
    struct ratls_view v;

    if (report != NULL && text == NULL) {
        ratls_complain("out of memory");
        return RATLS_EXIT_FAILED;
    }
    if (text != NULL && !json)
        fputs(text, out);
    ratls_view_begin(&v, out, json,
                     text == NULL ? "NOT APPRAISED: the certificate is refused" : NULL);
    ratls_view_text(&v, "kind", NULL, kind);
    ratls_view_bool(&v, "accepted", NULL, session->end == RATLS_SESSION_CONNECTED);
    ratls_view_text(&v, "verdict", NULL, verdict_word(session));
    ratls_session_describe(&v, session);
    if (text != NULL)
        ratls_view_json(&v, "report", text);
    if (session->end == RATLS_SESSION_PKI)
        ratls_view_text(&v, "certificateError", NULL, ratls_session_pki_reason(session));
    ratls_view_end(&v);
    free(text);
    if (session->end == RATLS_SESSION_PKI)
        return explain_pki(session);
    return session->end == RATLS_SESSION_CONNECTED ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

void ratls_verdict_show_refusal(const struct ratls_report *report)
{
    const unsigned colour = ratls_out_colour(stderr) ? RATLS_TEXT_COLOUR : 0;
    char *text = NULL;

    if (ratls_report_text(report, RATLS_TEXT_FAILURES | colour, &text) == RATLS_OK)
        fputs(text, stderr);
    free(text);
}
