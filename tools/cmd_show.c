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
#include "evidence.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "x509_file.h"

#define AK_FILE "ak.pub"
#define PATH_TEXT_MAX 1024

static void begin(struct ratls_view *v, bool json, const char *kind, const char *title)
{
    ratls_view_begin(v, stdout, json, title);
    ratls_view_text(v, "kind", NULL, kind);
}

static bool show_capture(struct ratls_slice bytes, bool json)
{
    struct ratls_capture capture;
    struct ratls_view v;

    if (!ratls_capture_read(bytes, &capture))
        return false;
    begin(&v, json, "capture", "Capture of a handshake");
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
    begin(&v, json, "evidence", "Evidence");
    ratls_describe_evidence(&v, bytes);
    ratls_view_end(&v);
    return true;
}

static bool show_key(struct ratls_slice bytes, bool json)
{
    struct ratls_tpm_public key;
    struct ratls_view v;

    if (!ratls_tpm_read_public(bytes, &key))
        return false;
    begin(&v, json, "attestation-key", "Attestation key");
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
    begin(&v, json, "certificate", "Certificate");
    ratls_describe_certificate(&v, certificate);
    ratls_view_end(&v);
    X509_free(certificate);
    return true;
}

static bool show_csr(struct ratls_slice bytes, bool json)
{
    X509_REQ *csr = ratls_csr_read(bytes);
    struct ratls_view v;

    if (csr == NULL)
        return false;
    begin(&v, json, "certificate-request", "Certificate request");
    ratls_describe_csr(&v, csr);
    ratls_view_end(&v);
    X509_REQ_free(csr);
    return true;
}

/* Each shows the bytes and returns true if they are of its kind. */
static bool (*const kinds[])(struct ratls_slice bytes, bool json) = {
    show_capture, show_evidence, show_key, show_certificate, show_csr,
};

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text);
    const size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
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
    begin(&v, json, "policy", "Policy");
    ratls_describe_policy(&v, policy);
    ratls_view_end(&v);
    ratls_policy_free(policy);
    return RATLS_EXIT_OK;
}

static int show_file(const char *path, bool json)
{
    struct ratls_error err = {0};
    enum ratls_status status;
    uint8_t *bytes = NULL;
    bool known = false;
    size_t len = 0;

    status = ratls_file_read(path, &bytes, &len, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !known; i++)
        known = kinds[i](ratls_slice(bytes, len), json);
    free(bytes);
    if (known)
        return RATLS_EXIT_OK;
    ratls_complain("%s: not a capture, evidence, an attestation key, a certificate or a request",
                   path);
    ratls_hint("a policy is recognised by its name, which ends in .yaml");
    return RATLS_EXIT_FAILED;
}

/* A folder is that of an attestation key, or one of policies. */
static int show_folder(const char *path, bool json)
{
    char key[PATH_TEXT_MAX];

    if (snprintf(key, sizeof key, "%s/%s", path, AK_FILE) < (int)sizeof key &&
        access(key, F_OK) == 0)
        return show_file(key, json);
    return show_policy(path, json);
}

int ratls_cmd_show(int argc, char **argv)
{
    bool json = false;
    const struct ratls_option rows[] = {
        {"json", RATLS_OPTION_FLAG, &json, NULL, "everything, as one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "FILE [OPTION...]",
        .about = "Explains a file: evidence, a capture of 'ratls probe --save', a certificate\n"
                 "or a request (PEM or DER) with the evidence in it, an attestation key or the\n"
                 "folder of 'ratls init', a policy (.yaml) or a folder of them. Shows what the\n"
                 "file says; only 'ratls verify' says whether it is true.",
        .example = "  ratls show /var/lib/ratls\n  ratls show server.crt --json",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    struct stat info;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc - first != 1)
        return ratls_usage("name one file");
    if (stat(argv[first], &info) != 0) {
        ratls_complain("%s: %s", argv[first], strerror(errno));
        return RATLS_EXIT_FAILED;
    }
    if (S_ISDIR(info.st_mode))
        return show_folder(argv[first], json);
    if (ends_with(argv[first], ".yaml") || ends_with(argv[first], ".yml"))
        return show_policy(argv[first], json);
    return show_file(argv[first], json);
}
