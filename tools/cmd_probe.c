/* ratls probe: what a server proves, without sending it anything. */
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "capture.h"
#include "command.h"
#include "describe.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "selection.h"
#include "session.h"
#include "tls_internal.h"

#define CAPTURE_MODE 0644

struct arguments {
    struct ratls_session_options session;
    struct ratls_pcr_selection selection; /* what to ask for without a policy */
    const char *policy_path;
    const char *save_path;
    bool json;
};

/* The report in the form that was asked for; NULL if there is none. The caller frees it. */
static char *write_report(const struct ratls_report *report, bool json)
{
    const unsigned flags = ratls_out_colour(stdout) ? RATLS_TEXT_COLOUR : 0;
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

static int show_appraised(const struct arguments *a, const struct ratls_session *session)
{
    const struct ratls_report *report = ratls_tls_report(session->ssl);
    char *text = report == NULL ? NULL : write_report(report, a->json);
    struct ratls_view v;

    if (report != NULL && text == NULL) {
        ratls_complain("out of memory");
        return RATLS_EXIT_FAILED;
    }
    if (text != NULL && !a->json)
        fputs(text, stdout);
    ratls_view_begin(&v, stdout, a->json,
                     text == NULL ? "NOT APPRAISED: the certificate is refused" : NULL);
    ratls_view_text(&v, "kind", NULL, "probe");
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

/* Without a policy nothing is accepted: the evidence is only shown. */
static int show_unappraised(const struct arguments *a, const struct ratls_session *session)
{
    struct ratls_slice evidence = {0};
    struct ratls_view v;

    evidence.p = ratls_tls_evidence(session->ssl, &evidence.len);
    ratls_view_begin(&v, stdout, a->json,
                     evidence.p == NULL ? "NOT APPRAISED: the server sent no evidence"
                                        : "NOT APPRAISED: no policy");
    ratls_view_text(&v, "kind", NULL, "probe");
    ratls_view_bool(&v, "accepted", NULL, false);
    ratls_view_text(&v, "verdict", NULL, "not-appraised");
    ratls_session_describe(&v, session);
    ratls_view_bool(&v, "hasEvidence", NULL, evidence.p != NULL);
    if (evidence.p != NULL) {
        ratls_view_section(&v, "evidence", "Evidence, as the server sent it");
        if (!ratls_describe_evidence(&v, evidence))
            ratls_view_text(&v, "error", "unreadable", "not evidence of this version");
        ratls_view_section_end(&v);
    }
    ratls_view_end(&v);
    if (evidence.p != NULL && !a->json)
        ratls_hint("to write a policy that accepts exactly this state: "
                   "ratls policy learn %s --server-name %s --out policy.yaml",
                   a->session.server, session->server_name);
    return RATLS_EXIT_REFUSED;
}

/* The handshake, for 'ratls verify'. */
static enum ratls_status save(const char *path, const struct ratls_session *session,
                              struct ratls_error *err)
{
    const struct ratls_expectation *expectation = ratls_tls_expectation(session->ssl);
    struct ratls_slice evidence = {0};
    enum ratls_status status;
    struct ratls_writer w;
    uint8_t *bytes;

    evidence.p = ratls_tls_evidence(session->ssl, &evidence.len);
    if (expectation == NULL || evidence.p == NULL)
        return ratls_fail(err, RATLS_IO, "%s: not written, for there is no evidence to keep", path);
    bytes = malloc(RATLS_CAPTURE_MAX);
    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(bytes, RATLS_CAPTURE_MAX);
    ratls_capture_write(expectation, evidence, &w);
    status = w.failed ? ratls_fail(err, RATLS_LIMIT, "%s: the capture is too long", path)
                      : ratls_file_write(path, ratls_writer_slice(&w), CAPTURE_MODE, true, err);
    free(bytes);
    return status;
}

static int probe(const struct arguments *a)
{
    struct ratls_session session;
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    status = ratls_session_open(&a->session, &session, &err);
    if (status != RATLS_OK)
        code = ratls_out_error(status, &err);
    else if (a->session.policy == NULL)
        code = show_unappraised(a, &session);
    else
        code = show_appraised(a, &session);
    if (status == RATLS_OK && a->save_path != NULL) {
        status = save(a->save_path, &session, &err);
        if (status != RATLS_OK)
            code = ratls_out_error(status, &err);
    }
    ratls_session_close(&session);
    return code;
}

static int load_and_probe(struct arguments *a)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (a->policy_path != NULL)
        status = ratls_policy_load(a->policy_path, &policy, &err);
    else
        status = ratls_selection_parse(RATLS_SELECTION_DEFAULT, &a->selection, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    a->session.policy = policy;
    a->session.selection = &a->selection;
    code = probe(a);
    ratls_policy_free(policy);
    return code;
}

int ratls_cmd_probe(int argc, char **argv)
{
    struct arguments a = {.session = {.timeout_s = RATLS_TIMEOUT_DEFAULT_S}};
    const struct ratls_option rows[] = {
        {"policy", RATLS_OPTION_TEXT, &a.policy_path, "PATH",
         "policy, or folder of policies; without it nothing is accepted"},
        {"server-name", RATLS_OPTION_TEXT, &a.session.server_name, "NAME",
         "the server that is meant (default HOST)"},
        {"ca", RATLS_OPTION_TEXT, &a.session.ca, "FILE",
         "certificate authorities (default: those of the system)"},
        {"insecure-no-pki", RATLS_OPTION_FLAG, &a.session.pki_ignored, NULL,
         "do not verify the certificate, only the evidence"},
        {"timeout", RATLS_OPTION_UINT, &a.session.timeout_s, "SECONDS",
         "how long to wait for the server (default 10)"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
        {"save", RATLS_OPTION_TEXT, &a.save_path, "FILE",
         "keep the handshake, to try policies on it with 'ratls verify'"},
    };
    const struct ratls_options options = {
        .synopsis = "HOST:PORT [OPTION...]",
        .about = "Connects to a server, asks it for evidence, appraises that, and closes the\n"
                 "connection without sending anything. Exits with 0 only if policy and\n"
                 "certificate authorities both accept the server.",
        .example =
            "  ratls probe bank.example:443 --policy /etc/ratls/policies\n"
            "  ratls probe [::1]:8443 --server-name bank.example --ca ca.crt --policy bank.yaml",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc - first != 1)
        return ratls_usage("name one server, as HOST:PORT");
    if (a.session.ca != NULL && a.session.pki_ignored)
        return ratls_usage("--ca and --insecure-no-pki exclude each other");
    a.session.server = argv[first];
    return load_and_probe(&a);
}
