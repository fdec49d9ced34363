/* ratls ca install: the certificate of a CA goes where servers find it. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain_file.h"
#include "crypto.h"
#include "describe.h"
#include "enroll_command.h"
#include "fail.h"
#include "file.h"
#include "output.h"
#include "view.h"

#define NAMES_TEXT_MAX 512

struct arguments {
    struct ratls_enrolment enrolment;
    const char *ca_path;
    const char *path;
    bool json;
};

static void print(const struct arguments *a, struct ratls_slice der)
{
    X509 *certificate = ratls_certificate_of_der(der);
    char names[NAMES_TEXT_MAX], until[RATLS_TIME_TEXT_MAX] = "";
    struct ratls_view v;
    struct tm end;

    ratls_certificate_names_text(der, names, sizeof names);
    if (certificate != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
        ratls_time_text((int64_t)timegm(&end), until);
    X509_free(certificate);
    if (!a->json) {
        printf("Installed the certificate of this machine's attestation key for %s,\n"
               "valid until %s, as %s/ak.crt\n\n"
               "Next: reload or restart the servers of this machine, or ratlsd: they show it to\n"
               "clients, whose policies name its CA:\n\n"
               "     attestation-keys:\n       - issuer: ca.crt\n",
               names, until, a->enrolment.state_dir);
        if (a->ca_path == NULL)
            ratls_hint("any CA may have signed it, for this was not checked: --ca FILE does that");
        return;
    }
    ratls_view_begin(&v, stdout, true, NULL);
    ratls_view_text(&v, "type", NULL, "installed");
    ratls_view_text(&v, "names", NULL, names);
    ratls_view_text(&v, "notAfter", NULL, until);
    ratls_view_text(&v, "state", NULL, a->enrolment.state_dir);
    ratls_view_bool(&v, "issuerChecked", NULL, a->ca_path != NULL);
    ratls_view_end(&v);
}

static enum ratls_status install(const struct arguments *a, const struct ratls_slice *certificates,
                                 size_t count, struct ratls_error *err)
{
    enum ratls_status status =
        ratls_enrolment_install(&a->enrolment, a->ca_path, certificates, count, err);

    if (status == RATLS_OK)
        print(a, certificates[0]);
    return status;
}

/* What the CA wrote (PEM), or the last message of a service. */
static enum ratls_status read_and_install(const struct arguments *a, struct ratls_error *err)
{
    struct ratls_chain_file chain = {.count = 0};
    struct ratls_enroll_result result;
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_file_read(a->path, &bytes, &len, err);

    if (status != RATLS_OK)
        return status;
    if (ratls_enroll_result_read(ratls_slice(bytes, len), &result)) {
        status = install(a, result.certificates, result.certificate_count, err);
    } else {
        status = ratls_chain_file_parse(a->path, ratls_slice(bytes, len), &chain, err);
        if (status == RATLS_OK)
            status = install(a, chain.certificates, chain.count, err);
        ratls_chain_file_done(&chain);
    }
    free(bytes);
    return status;
}

int ratls_cmd_ca_install(int argc, char **argv)
{
    struct arguments a = {.enrolment = {.state_dir = RATLS_STATE_DEFAULT}};
    const struct ratls_option rows[] = {
        {"state", RATLS_OPTION_TEXT, &a.enrolment.state_dir, "DIR",
         "folder of 'ratls init' (default " RATLS_STATE_DEFAULT ")"},
        {"ca", RATLS_OPTION_TEXT, &a.ca_path, "FILE",
         "refuse it unless one of these certificates (PEM) has signed it"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] CERTIFICATE",
        .about = "On a server: checks that the certificate is that of the attestation key, for\n"
                 "the names that were asked for, and puts it into the state folder, from where\n"
                 "servers show it to clients.",
        .example = "  ratls ca install --ca ca.crt bank.example.crt",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv,
                                 "name one file, with the certificate of the CA", &a.path, &code))
        return code;
    status = read_and_install(&a, &err);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
