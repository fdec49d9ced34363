/* ratls probe: what a server proves, without sending it anything. */
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "capture.h"
#include "command.h"
#include "describe.h"
#include "ear.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "selection.h"
#include "session.h"
#include "tls_internal.h"
#include "verdict.h"

#define CAPTURE_MODE 0644

struct arguments {
    struct ratls_session_options session;
    struct ratls_pcr_selection selection; /* what to ask for without a policy */
    const char *policy_path;
    const char *save_path;
    const char *state_path;
    struct ratls_pieces more; /* evidence that answered further requests, if it is to be saved */
    struct ratls_ear ear;
    bool json;
};

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

static void keep_piece(void *arg, struct ratls_slice evidence)
{
    ratls_pieces_keep(arg, evidence);
}

/* The handshake, for 'ratls verify'. */
static enum ratls_status save(const struct arguments *a, const struct ratls_session *session,
                              struct ratls_error *err)
{
    const struct ratls_expectation *expectation = ratls_tls_expectation(session->ssl);
    struct ratls_writer w = ratls_writer(NULL, RATLS_CAPTURE_MAX);
    struct ratls_slice evidence = {0};
    enum ratls_status status;
    uint8_t *bytes;

    evidence.p = ratls_tls_evidence(session->ssl, &evidence.len);
    if (expectation == NULL || evidence.p == NULL)
        return ratls_fail(err, RATLS_IO, "%s: not written, for there is no evidence to keep",
                          a->save_path);
    ratls_capture_write(expectation, evidence, &a->more, &w);
    if (w.failed || a->more.failed)
        return ratls_fail(err, RATLS_LIMIT, "%s: the capture is too long", a->save_path);
    bytes = malloc(w.len);
    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(bytes, w.len);
    ratls_capture_write(expectation, evidence, &a->more, &w);
    status = ratls_file_write(a->save_path, ratls_writer_slice(&w), CAPTURE_MODE, true, err);
    free(bytes);
    return status;
}

/* The certificate may have been refused, or the server have sent none: then there is no verdict. */
static enum ratls_status write_ear(const struct arguments *a, const struct ratls_session *session,
                                   struct ratls_error *err)
{
    const struct ratls_report *report = ratls_tls_report(session->ssl);

    if (report == NULL || session->end == RATLS_SESSION_PKI)
        return ratls_fail(err, RATLS_REJECTED,
                          "%s: not written: a result is of a server whose certificate is good, "
                          "unless --insecure-no-pki says otherwise",
                          a->ear.path);
    return ratls_ear_write(&a->ear, report, SSL_get0_peer_certificate(session->ssl), err);
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
        code = ratls_verdict_show(&session, "probe", a->json, ratls_ear_report_to(&a->ear));
    if (status == RATLS_OK && a->save_path != NULL) {
        status = save(a, &session, &err);
        if (status != RATLS_OK)
            code = ratls_out_error(status, &err);
    }
    if (status == RATLS_OK && a->ear.path != NULL) {
        status = write_ear(a, &session, &err);
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
    if (status == RATLS_OK && a->state_path != NULL)
        status = ratls_policy_use_state(policy, a->state_path, &err);
    if (status == RATLS_OK)
        status = ratls_ear_begin(&a->ear, &err);
    if (status != RATLS_OK) {
        ratls_policy_free(policy);
        ratls_ear_end(&a->ear);
        return ratls_out_error(status, &err);
    }
    a->session.policy = policy;
    a->session.selection = &a->selection;
    if (a->save_path != NULL) {
        a->session.begins_anew = true; /* a capture is to be complete */
        a->session.seen = keep_piece;
        a->session.seen_arg = &a->more;
    }
    code = probe(a);
    ratls_pieces_clear(&a->more);
    ratls_ear_end(&a->ear);
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
        {"state", RATLS_OPTION_TEXT, &a.state_path, "DIR",
         "where it is kept how far the list of the server is known (ima)"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
        {"save", RATLS_OPTION_TEXT, &a.save_path, "FILE",
         "keep the handshake, to try policies on it with 'ratls verify'"},
        RATLS_EAR_ROWS(a.ear),
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
    code = ratls_session_operand(&a.session, argc - first, argv + first);
    if (code != RATLS_EXIT_OK)
        return code;
    if (a.state_path != NULL && a.policy_path == NULL)
        return ratls_usage("--state is of use with --policy only");
    if (a.ear.path != NULL && a.policy_path == NULL)
        return ratls_usage("--ear is of use with --policy only: without one there is no verdict");
    return load_and_probe(&a);
}
