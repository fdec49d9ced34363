/* ratls show: what is in a file, whatever it is. */
#include <errno.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "command.h"
#include "describe.h"
#include "describe_enroll.h"
#include "describe_logs.h"
#include "describe_quote.h"
#include "evidence.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "quote_file.h"
#include "result_file.h"
#include "tls_key_item.h"
#include "x509_file.h"

#define AK_FILE "ak.pub"
#define LOG_FILE_MAX (32u << 20) /* lists of IMA grow to 16 MiB, and are longer in ASCII */
#define PATH_TEXT_MAX 1024

/* What the command line asks for beside the file itself. */
struct question {
    bool json;
    const char *signature_path;
    const char *ak_path;
    const char *pcrs_path;
    struct ratls_slice signature; /* content of the files */
    struct ratls_slice ak;
    struct ratls_pcr_values *expected;
};

static void begin(struct ratls_view *v, bool json, const char *type, const char *title)
{
    ratls_view_begin(v, stdout, json, title);
    ratls_view_text(v, "type", NULL, type);
}

/* The name that this member had first is kept where it was. */
static void begin_old(struct ratls_view *v, bool json, const char *type, const char *title)
{
    begin(v, json, type, title);
    ratls_view_text(v, "kind", NULL, type);
}

static bool show_capture(struct ratls_slice bytes, bool json)
{
    struct ratls_capture capture;
    struct ratls_view v;

    if (!ratls_capture_read(bytes, &capture))
        return false;
    begin_old(&v, json, "capture", "Capture of a handshake");
    ratls_describe_capture(&v, &capture);
    ratls_view_end(&v);
    return true;
}

static bool show_evidence(struct ratls_slice bytes, bool json)
{
    struct ratls_evidence evidence;
    struct ratls_view v;

    if (!ratls_evidence_read(bytes, &evidence))
        return false;
    begin_old(&v, json, "evidence", "Evidence");
    ratls_describe_evidence(&v, bytes);
    ratls_view_end(&v);
    return true;
}

/* As ratls init writes it to the folder tls-keys. */
static bool show_tls_key(struct ratls_slice bytes, bool json)
{
    struct ratls_tls_key_item item;
    struct ratls_view v;

    if (!ratls_tls_key_item_read(bytes, &item))
        return false;
    begin(&v, json, "tls-key", "Proof that a TLS key is in a TPM, not verified");
    ratls_describe_tls_key(&v, bytes);
    ratls_view_end(&v);
    return true;
}

static bool show_result(struct ratls_slice bytes, bool json)
{
    struct ratls_result_file file;
    struct ratls_view v;

    if (ratls_result_file_read(bytes, &file, NULL) != RATLS_OK)
        return false;
    ratls_result_file_done(&file);
    begin(&v, json, "attestation-result", "Attestation result (EAR), not verified");
    ratls_describe_result(&v, bytes);
    ratls_view_end(&v);
    return true;
}

static bool show_key(struct ratls_slice bytes, bool json)
{
    struct ratls_tpm_public key;
    struct ratls_view v;

    if (!ratls_tpm_read_public(bytes, &key))
        return false;
    begin_old(&v, json, "attestation-key", "Attestation key");
    ratls_describe_key(&v, &key);
    ratls_view_end(&v);
    return true;
}

static bool show_certificate(struct ratls_slice bytes, bool json)
{
    X509 *certificate = ratls_certificate_read(bytes);
    struct ratls_view v;

    if (certificate == NULL)
        return false;
    begin_old(&v, json, "certificate", "Certificate");
    ratls_describe_certificate(&v, certificate);
    ratls_view_end(&v);
    X509_free(certificate);
    return true;
}

static bool show_enroll_message(struct ratls_slice bytes, bool json)
{
    const char *title;
    const char *type = ratls_enroll_message_type(bytes, &title);
    struct ratls_view v;

    if (type == NULL)
        return false;
    begin(&v, json, type, title);
    ratls_describe_enroll_message(&v, bytes);
    ratls_view_end(&v);
    return true;
}

static bool show_csr(struct ratls_slice bytes, bool json)
{
    X509_REQ *csr = ratls_csr_read(bytes);
    struct ratls_view v;

    if (csr == NULL)
        return false;
    begin_old(&v, json, "certificate-request", "Certificate request");
    ratls_describe_csr(&v, csr);
    ratls_view_end(&v);
    X509_REQ_free(csr);
    return true;
}

/* Each shows the bytes and returns true if they are of its kind. */
static bool (*const kinds[])(struct ratls_slice bytes, bool json) = {
    show_capture,        show_evidence,    show_tls_key, show_key,
    show_enroll_message, show_certificate, show_csr,
};

static bool show_quote(struct ratls_slice bytes, const struct question *question, int *ret_code)
{
    struct ratls_quote_files files = {
        .signature = question->signature, .ak = question->ak, .expected = question->expected};
    struct ratls_view v;

    if (!ratls_is_attestation(bytes, &files.attest))
        return false;
    if (ratls_is_quote(files.attest))
        begin(&v, question->json, "tpm-quote", "Quote of a TPM");
    else
        begin(&v, question->json, "tpm-attestation", "Attestation of a TPM, which is no quote");
    *ret_code = ratls_describe_quote(&v, &files);
    ratls_view_end(&v);
    return true;
}

static bool show_ima(struct ratls_slice bytes, const struct question *question, int *ret_code)
{
    struct ratls_view v;

    if (!ratls_is_ima_list(bytes))
        return false;
    begin(&v, question->json, "ima-list", "Measurement list of Linux IMA");
    *ret_code = ratls_describe_ima(&v, bytes, question->expected);
    ratls_view_end(&v);
    return true;
}

static bool show_eventlog(struct ratls_slice bytes, const struct question *question, int *ret_code)
{
    struct ratls_view v;

    if (!ratls_is_eventlog(bytes))
        return false;
    begin(&v, question->json, "tcg-event-log", "Log of a firmware");
    *ret_code = ratls_describe_eventlog(&v, bytes, question->expected);
    ratls_view_end(&v);
    return true;
}

static int show_policy(const char *path, bool json)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    struct ratls_view v;

    status = ratls_policy_load(path, &policy, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    begin_old(&v, json, "policy", "Policy");
    ratls_describe_policy(&v, policy);
    ratls_view_end(&v);
    ratls_policy_free(policy);
    return RATLS_EXIT_OK;
}

/* Whether it is one of the things that --pcrs, --signature and --ak are about. */
static bool show_measured(struct ratls_slice bytes, const struct question *question, int *ret_code)
{
    if (show_quote(bytes, question, ret_code))
        return true;
    if (question->signature.p != NULL)
        return false;
    return show_ima(bytes, question, ret_code) || show_eventlog(bytes, question, ret_code);
}

static int show_bytes(const char *path, struct ratls_slice bytes, const struct question *question)
{
    bool is_about_logs = question->expected != NULL || question->signature.p != NULL;
    int code = RATLS_EXIT_OK;

    if (!is_about_logs && show_result(bytes, question->json))
        return RATLS_EXIT_OK;
    if (show_measured(bytes, question, &code))
        return code;
    for (size_t i = 0; !is_about_logs && i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i](bytes, question->json))
            return RATLS_EXIT_OK;
    if (question->signature.p != NULL)
        ratls_complain("%s: not a quote, nor another attestation of a TPM", path);
    else if (question->expected != NULL)
        ratls_complain("%s: not a log, nor a quote: there is nothing to compare", path);
    else
        ratls_complain("%s: nothing that is known: no log, quote, capture, evidence, attestation "
                       "result, attestation key, certificate, request or message of an enrolment",
                       path);
    if (!is_about_logs)
        ratls_hint("a policy is recognised by its name, which ends in .yaml");
    return RATLS_EXIT_FAILED;
}

static int show_file(const char *path, const struct question *question)
{
    struct ratls_error err = {0};
    enum ratls_status status;
    uint8_t *bytes = NULL;
    size_t len = 0;
    int code;

    status = ratls_file_read_long(path, LOG_FILE_MAX, &bytes, &len, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    code = show_bytes(path, ratls_slice(bytes, len), question);
    free(bytes);
    return code;
}

/* A folder is that of an attestation key, or one of policies. */
static int show_folder(const char *path, const struct question *question)
{
    char key[PATH_TEXT_MAX];

    if (snprintf(key, sizeof key, "%s/%s", path, AK_FILE) < (int)sizeof key &&
        access(key, F_OK) == 0)
        return show_file(key, question);
    return show_policy(path, question->json);
}

/* An empty file is still one that was given. */
static enum ratls_status read_slice(const char *path, struct ratls_slice *ret_bytes,
                                    struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_file_read(path, &bytes, &len, err);

    if (status == RATLS_OK)
        *ret_bytes = ratls_slice(bytes, len);
    return status;
}

static enum ratls_status read_expected(const char *path, struct ratls_pcr_values **ret_expected,
                                       struct ratls_error *err)
{
    struct ratls_slice bytes = {NULL, 0};
    struct ratls_error wrong = {0};
    enum ratls_status status = read_slice(path, &bytes, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_pcr_values_read(bytes, ret_expected, &wrong);
    free((void *)(uintptr_t)bytes.p);
    return status == RATLS_OK ? status : ratls_fail(err, status, "%s: %s", path, wrong.text);
}

static int show(const char *path, struct question *question)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        ratls_complain("%s: %s", path, strerror(errno));
        return RATLS_EXIT_FAILED;
    }
    if (S_ISDIR(info.st_mode))
        return show_folder(path, question);
    if (ratls_path_ends_with(path, ".yaml") || ratls_path_ends_with(path, ".yml"))
        return show_policy(path, question->json);
    return show_file(path, question);
}

static int answer(const char *path, struct question *question)
{
    enum ratls_status status = RATLS_OK;
    struct ratls_error err = {0};
    int code;

    if (question->signature_path != NULL)
        status = read_slice(question->signature_path, &question->signature, &err);
    if (status == RATLS_OK && question->ak_path != NULL)
        status = read_slice(question->ak_path, &question->ak, &err);
    if (status == RATLS_OK && question->pcrs_path != NULL)
        status = read_expected(question->pcrs_path, &question->expected, &err);
    code = status == RATLS_OK ? show(path, question) : ratls_out_error(status, &err);
    free((void *)(uintptr_t)question->signature.p);
    free((void *)(uintptr_t)question->ak.p);
    free(question->expected);
    return code;
}

int ratls_cmd_show(int argc, char **argv)
{
    struct question question = {.json = false};
    const struct ratls_option rows[] = {
        {"json", RATLS_OPTION_FLAG, &question.json, NULL, "everything, as one JSON object"},
        {"pcrs", RATLS_OPTION_TEXT, &question.pcrs_path, "FILE",
         "compare a log or a quote with these PCRs (JSON)"},
        {"signature", RATLS_OPTION_TEXT, &question.signature_path, "FILE",
         "of a quote: check its signature ..."},
        {"ak", RATLS_OPTION_TEXT, &question.ak_path, "FILE",
         "... by this key: of a TPM, PEM, DER, or a certificate"},
    };
    const struct ratls_options options = {
        .synopsis = "FILE [OPTION...]",
        .about =
            "Explains a file, whatever it is: a firmware's log, a list of Linux IMA, a quote,\n"
            "evidence, a capture of 'ratls probe --save', an attestation result (EAR, as CWT\n"
            "or JWT), a certificate or a request (PEM or DER) with the evidence in it, the\n"
            "files of an enrolment ('ratls ca'), an attestation key or the folder of 'ratls\n"
            "init', a policy (.yaml) or a folder of them. Shows what the file says; only\n"
            "'ratls verify' says whether it is true.",
        .example = "  ratls show server.crt --json\n"
                   "  ratls show /sys/kernel/security/tpm0/binary_bios_measurements\n"
                   "  ratls show quote.msg --signature quote.sig --ak ak.pem --pcrs pcrs.json",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    const char *path = NULL;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one file", &path, &code))
        return code;
    if ((question.signature_path == NULL) != (question.ak_path == NULL))
        return ratls_usage("--signature and --ak belong together");
    return answer(path, &question);
}
