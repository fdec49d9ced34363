/* ratls cert: certificates that carry evidence (certificate mode; WIRE.md, 4 and 5). */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "crypto.h"
#include "fail.h"
#include "file.h"
#include "issue.h"
#include "local.h"
#include "output.h"
#include "pem.h"
#include "selection.h"

#define DAYS_DEFAULT 90
#define DAYS_MAX 3650
#define CONTEXT_TIME_LEN 8

struct arguments {
    struct ratls_tpm_options tpm;
    struct ratls_list names;
    const char *key_path;
    const char *out_path;
    const char *key_algorithm;
    const char *pcrs;
    const char *csr_path; /* to be signed */
    const char *ca_path;
    const char *ca_key_path;
    unsigned days;
    bool makes_csr;
    bool reuses_key;
    bool replaces;
};

/* Evidence about this machine now, for this key. */
static enum ratls_status attest(const struct arguments *a, EVP_PKEY *key, uint8_t *out,
                                size_t *ret_len, struct ratls_error *err)
{
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_CERTIFICATE,
        .role = RATLS_ROLE_SERVER,
        .context_len = CONTEXT_TIME_LEN,
    };
    struct ratls_writer w = ratls_writer(request.context, CONTEXT_TIME_LEN);
    X509 *holder = X509_new();
    enum ratls_status status;

    ratls_write_u64(&w, (uint64_t)time(NULL));
    if (holder == NULL || X509_set_pubkey(holder, key) != 1)
        status = ratls_fail_openssl(err, "cannot read the key");
    else
        status = ratls_spki_sha256(holder, request.spki_sha256, err);
    X509_free(holder);
    if (status == RATLS_OK)
        status = ratls_local_selection(a->pcrs, RATLS_SELECTION_DEFAULT, &a->tpm,
                                       &request.selection, err);
    if (status != RATLS_OK)
        return status;
    return ratls_local_attest(&a->tpm, &request, out, ret_len, err);
}

static enum ratls_status get_key(const struct arguments *a, EVP_PKEY **ret_key,
                                 struct ratls_error *err)
{
    const bool is_rsa = strcmp(a->key_algorithm, "rsa-2048") == 0;

    if (a->reuses_key)
        return ratls_pem_read_key(a->key_path, ret_key, err);
    return ratls_key_generate(is_rsa ? RATLS_KEY_RSA_2048 : RATLS_KEY_ECDSA_P256, ret_key, err);
}

static enum ratls_status write_result(const struct arguments *a, const struct ratls_issue *issue,
                                      struct ratls_error *err)
{
    X509 *certificate = NULL;
    X509_REQ *csr = NULL;
    enum ratls_status status;

    status = a->makes_csr ? ratls_issue_csr(issue, &csr, err)
                          : ratls_issue_certificate(issue, &certificate, err);
    if (status == RATLS_OK && !a->reuses_key)
        status = ratls_pem_write_key(a->key_path, issue->key, a->replaces, err);
    if (status == RATLS_OK && a->makes_csr)
        status = ratls_pem_write_csr(a->out_path, csr, a->replaces, err);
    else if (status == RATLS_OK)
        status = ratls_pem_write_certificate(a->out_path, certificate, a->replaces, err);
    X509_REQ_free(csr);
    X509_free(certificate);
    return status;
}

/* What can go wrong without the TPM goes wrong before it is asked. */
static enum ratls_status check_files(const struct arguments *a, struct ratls_error *err)
{
    enum ratls_status status = ratls_file_may_write(a->out_path, a->replaces, err);

    if (status == RATLS_OK && !a->reuses_key)
        status = ratls_file_may_write(a->key_path, a->replaces, err);
    return status;
}

static enum ratls_status make(const struct arguments *a, struct ratls_error *err)
{
    struct ratls_issue issue = {.names = &a->names, .days = a->days};
    uint8_t *evidence = NULL;
    enum ratls_status status;
    size_t len = 0;

    status = ratls_names_check(&a->names, err);
    if (status == RATLS_OK)
        status = check_files(a, err);
    if (status == RATLS_OK)
        status = get_key(a, &issue.key, err);
    if (status != RATLS_OK)
        goto out;
    evidence = malloc(RATLS_EVIDENCE_MAX);
    if (evidence == NULL) {
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
        goto out;
    }
    status = attest(a, issue.key, evidence, &len, err);
    if (status != RATLS_OK)
        goto out;
    issue.evidence = ratls_slice(evidence, len);
    status = write_result(a, &issue, err);

out:
    free(evidence);
    EVP_PKEY_free(issue.key);
    return status;
}

static enum ratls_status sign(const struct arguments *a, struct ratls_error *err)
{
    X509 *certificate = NULL;
    EVP_PKEY *ca_key = NULL;
    X509_REQ *csr = NULL;
    X509 *ca = NULL;
    enum ratls_status status;

    status = ratls_file_may_write(a->out_path, a->replaces, err);
    if (status == RATLS_OK)
        status = ratls_pem_read_csr(a->csr_path, &csr, err);
    if (status == RATLS_OK)
        status = ratls_pem_read_certificate(a->ca_path, &ca, err);
    if (status == RATLS_OK)
        status = ratls_pem_read_key(a->ca_key_path, &ca_key, err);
    if (status == RATLS_OK)
        status = ratls_issue_from_csr(csr, ca, ca_key, a->days, &certificate, err);
    if (status == RATLS_OK)
        status = ratls_pem_write_certificate(a->out_path, certificate, a->replaces, err);
    X509_free(certificate);
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    X509_REQ_free(csr);
    return status;
}

/* RATLS_EXIT_OK if the options go together. */
static int check_arguments(const struct arguments *a)
{
    if (a->days > DAYS_MAX)
        return ratls_usage("--days: at most %d", DAYS_MAX);
    if (a->csr_path != NULL) {
        if (a->ca_path == NULL || a->ca_key_path == NULL)
            return ratls_usage("--sign-csr needs --ca and --ca-key");
        if (a->names.count != 0 || a->makes_csr || a->key_path != NULL)
            return ratls_usage("--sign-csr takes names and key from the request");
        return RATLS_EXIT_OK;
    }
    if (a->ca_path != NULL || a->ca_key_path != NULL)
        return ratls_usage("--ca and --ca-key belong to --sign-csr");
    if (a->names.count == 0)
        return ratls_usage("--name says which server the certificate is for");
    if (strcmp(a->key_algorithm, "ecdsa-p256") != 0 && strcmp(a->key_algorithm, "rsa-2048") != 0)
        return ratls_usage("--key-algorithm: '%s' is neither ecdsa-p256 nor rsa-2048",
                           a->key_algorithm);
    if (a->reuses_key && a->key_path == NULL)
        return ratls_usage("--reuse-key needs --key");
    return RATLS_EXIT_OK;
}

static int run(struct arguments *a)
{
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    code = check_arguments(a);
    if (code != RATLS_EXIT_OK)
        return code;
    if (a->key_path == NULL)
        a->key_path = "server.key";
    if (a->out_path == NULL)
        a->out_path = a->makes_csr ? "server.csr" : "server.crt";
    status = a->csr_path != NULL ? sign(a, &err) : make(a, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    if (a->csr_path == NULL && !a->reuses_key)
        printf("Wrote the private key to %s\n", a->key_path);
    printf("Wrote the %s to %s\n",
           a->makes_csr ? "certificate request, with evidence," : "certificate, with evidence,",
           a->out_path);
    return RATLS_EXIT_OK;
}

int ratls_cmd_cert(int argc, char **argv)
{
    struct arguments a = {
        .tpm = {.state_dir = RATLS_STATE_DEFAULT},
        .key_algorithm = "ecdsa-p256",
        .days = DAYS_DEFAULT,
    };
    const struct ratls_option rows[] = {
        {"name", RATLS_OPTION_LIST, &a.names, "HOST", "DNS name or IP address; may be repeated"},
        {"key", RATLS_OPTION_TEXT, &a.key_path, "FILE", "the private key (default server.key)"},
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE",
         "the certificate (default server.crt) or request (server.csr)"},
        {"key-algorithm", RATLS_OPTION_TEXT, &a.key_algorithm, "NAME",
         "ecdsa-p256 (default) or rsa-2048"},
        {"reuse-key", RATLS_OPTION_FLAG, &a.reuses_key, NULL,
         "use the key that is in --key FILE, to renew a certificate"},
        {"force", RATLS_OPTION_FLAG, &a.replaces, NULL, "replace files that exist"},
        {"days", RATLS_OPTION_UINT, &a.days, "N", "validity (default 90)"},
        {"pcrs", RATLS_OPTION_TEXT, &a.pcrs, "SELECTION",
         "what to quote (default " RATLS_SELECTION_DEFAULT ")"},
        {"service", RATLS_OPTION_TEXT, &a.tpm.service, "NAME",
         "the service in the evidence (default: default)"},
        {"state", RATLS_OPTION_TEXT, &a.tpm.state_dir, "DIR",
         "folder of 'ratls init' (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &a.tpm.tcti, "CONF", "the TPM (default: that of 'ratls init')"},
        {"csr", RATLS_OPTION_FLAG, &a.makes_csr, NULL,
         "write a request for a CA, not a self-signed certificate"},
        {"sign-csr", RATLS_OPTION_TEXT, &a.csr_path, "FILE",
         "as a CA: make a certificate from such a request"},
        {"ca", RATLS_OPTION_TEXT, &a.ca_path, "FILE", "certificate of the CA"},
        {"ca-key", RATLS_OPTION_TEXT, &a.ca_key_path, "FILE", "private key of the CA"},
    };
    const struct ratls_options options = {
        .synopsis = "--name HOST [OPTION...]",
        .about = "Writes a private key and a certificate that carries evidence about this\n"
                 "machine, bound to the key: what the machine ran when the certificate was\n"
                 "made. Any TLS server can use them. Signing a request appraises nothing:\n"
                 "'ratls verify' does.",
        .example =
            "  ratls cert --name bank.example --name 192.0.2.7 --out bank.crt --key bank.key\n"
            "  ratls cert --sign-csr server.csr --ca ca.crt --ca-key ca.key --out bank.crt",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int code;

    return ratls_options_parse_alone(&options, argc, argv, &code) ? run(&a) : code;
}
