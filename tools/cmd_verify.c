/* ratls verify: appraises what lies in a file. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "appraise.h"
#include "bytes.h"
#include "capture.h"
#include "command.h"
#include "crypto.h"
#include "describe.h"
#include "ear.h"
#include "evidence.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "rules.h"
#include "x509_file.h"

struct arguments {
    const char *path;
    const char *policy_path;
    const char *server_name; /* NULL: what the capture says, or none */
    struct ratls_ear ear;
    bool json;
};

static const char pki_note[] =
    "Only the evidence was appraised, not the certificate's chain, names or validity.";

static enum ratls_status show_report(const struct ratls_report *report, const char *note, bool json,
                                     FILE *out)
{
    const unsigned flags = ratls_out_colour(out) ? RATLS_TEXT_COLOUR : 0;
    enum ratls_status status;
    char *text = NULL;

    status = json ? ratls_report_json(report, &text) : ratls_report_text(report, flags, &text);
    if (status != RATLS_OK)
        return status;
    fputs(text, out);
    if (json)
        fputc('\n', out);
    else
        fprintf(out, "\n%s\n", note);
    free(text);
    return RATLS_OK;
}

static enum ratls_status fail_unlisted(const struct arguments *a, const struct ratls_policy *policy,
                                       const char *name, struct ratls_error *err)
{
    char named[RATLS_POLICY_NAMED_MAX];

    if (name != NULL)
        return ratls_policy_fail_unlisted(policy, RATLS_ROLE_SERVER, name, err);
    ratls_policy_named(policy, RATLS_ROLE_SERVER, named);
    return ratls_fail(err, RATLS_USAGE,
                      "%.100s speaks for named servers only; --server-name says which one is "
                      "meant: %s",
                      a->policy_path, named);
}

static enum ratls_status appraise(const struct arguments *a,
                                  const struct ratls_expectation *expectation,
                                  struct ratls_slice evidence, struct ratls_more *more,
                                  const X509 *certificate, const char *note,
                                  struct ratls_error *err)
{
    const struct ratls_submission submission = {.expectation = expectation,
                                                .tls_version = expectation->tls_version,
                                                .present = evidence.len > 0,
                                                .evidence = evidence,
                                                .more = more};
    struct ratls_report *report = NULL;
    struct ratls_policy *policy = NULL;
    struct ratls_rules *rules;
    enum ratls_status status;
    enum ratls_status shown = RATLS_OK;

    status = ratls_policy_load(a->policy_path, &policy, err);
    if (status != RATLS_OK)
        return status;
    rules = ratls_policy_rules(policy, expectation->server_name);
    if (rules == NULL)
        status = fail_unlisted(a, policy, expectation->server_name, err);
    else
        status = ratls_appraise_new(rules, &submission, &report, err);
    if (report != NULL)
        shown = show_report(report, note, a->json, ratls_ear_report_to(&a->ear));
    if (report != NULL && shown == RATLS_OK)
        shown = ratls_ear_write(&a->ear, report, certificate, err);
    ratls_report_free(report);
    ratls_policy_free(policy);
    return shown == RATLS_OK ? status : shown;
}

static enum ratls_status verify_certificate(const struct arguments *a, const X509 *certificate,
                                            struct ratls_error *err)
{
    struct ratls_expectation expectation = {
        .mode = RATLS_MODE_CERTIFICATE,
        .role = RATLS_ROLE_SERVER,
        .server_name = a->server_name,
        .now = (int64_t)time(NULL),
    };
    struct ratls_slice evidence;
    enum ratls_status status;

    if (!ratls_evidence_in_certificate(certificate, &evidence))
        return ratls_fail(err, RATLS_REJECTED, "%s: the certificate carries no evidence", a->path);
    status = ratls_spki_sha256(certificate, expectation.spki_sha256, err);
    if (status != RATLS_OK)
        return status;
    return appraise(a, &expectation, evidence, NULL, certificate, pki_note, err);
}

static enum ratls_status verify_capture(const struct arguments *a,
                                        const struct ratls_capture *capture,
                                        struct ratls_error *err)
{
    struct ratls_expectation expectation = capture->expectation;
    struct ratls_capture_more more = ratls_capture_more(capture);
    char when[RATLS_TIME_TEXT_MAX];
    char note[128];

    if (a->server_name != NULL)
        expectation.server_name = a->server_name;
    ratls_time_text(expectation.now, when);
    snprintf(note, sizeof note,
             "A dry run on a handshake of %s: it says nothing about the server now.", when);
    return appraise(a, &expectation, capture->evidence, &more.more, NULL, note, err);
}

static enum ratls_status verify_bytes(const struct arguments *a, struct ratls_slice bytes,
                                      struct ratls_error *err)
{
    struct ratls_capture capture;
    struct ratls_evidence evidence;
    X509 *certificate;
    enum ratls_status status;

    if (ratls_capture_read(bytes, &capture))
        return verify_capture(a, &capture, err);
    if (ratls_evidence_read(bytes, &evidence))
        return ratls_fail(err, RATLS_USAGE,
                          "%s: bare evidence cannot be verified without its handshake; keep that "
                          "with 'ratls probe --save'",
                          a->path);
    certificate = ratls_certificate_read(bytes);
    if (certificate == NULL)
        return ratls_fail(err, RATLS_MALFORMED, "%s: neither a certificate nor a capture", a->path);
    status = verify_certificate(a, certificate, err);
    X509_free(certificate);
    return status;
}

static int verify(struct arguments *a)
{
    struct ratls_error err = {0};
    enum ratls_status status;
    uint8_t *bytes = NULL;
    size_t len = 0;

    status = ratls_ear_begin(&a->ear, &err);
    if (status == RATLS_OK)
        status = ratls_file_read_long(a->path, RATLS_CAPTURE_MAX, &bytes, &len, &err);
    if (status == RATLS_OK)
        status = verify_bytes(a, ratls_slice(bytes, len), &err);
    free(bytes);
    ratls_ear_end(&a->ear);
    if (status == RATLS_OK)
        return RATLS_EXIT_OK;
    if (status == RATLS_REJECTED && err.text[0] == '\0') /* the report has said why */
        return RATLS_EXIT_REFUSED;
    return ratls_out_error(status, &err);
}

int ratls_cmd_verify(int argc, char **argv)
{
    struct arguments a = {.path = NULL};
    const struct ratls_option rows[] = {
        {"policy", RATLS_OPTION_TEXT, &a.policy_path, "PATH", "policy, or folder of policies"},
        {"server-name", RATLS_OPTION_TEXT, &a.server_name, "NAME",
         "the server that is meant (default: that of the capture)"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
        RATLS_EAR_ROWS(a.ear),
    };
    const struct ratls_options options = {
        .synopsis = "FILE --policy PATH [OPTION...]",
        .about = "Appraises the evidence in a certificate (PEM or DER), which is never fresh,\n"
                 "or a capture of 'ratls probe --save', as a dry run. The certificate itself\n"
                 "is not verified: that is the PKI's work.",
        .example = "  ratls verify server.crt --policy bank.yaml --server-name bank.example",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one file", &a.path, &code))
        return code;
    if (a.policy_path == NULL)
        return ratls_usage("--policy says what to verify it against");
    return verify(&a);
}
