/* ratls ca request: what this machine asks a CA for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "ek_certificate.h"
#include "ek_template.h"
#include "enroll_command.h"
#include "fail.h"
#include "file.h"
#include "output.h"
#include "view.h"

#define FILE_MODE 0644 /* nothing in it is secret: the token is not, only what it makes of it */

struct arguments {
    struct ratls_enrolment enrolment;
    const char *out_path;
    bool replaces;
    bool json;
};

/* What people compare with what the CA says. */
struct keys {
    uint8_t ek_sha256[32];
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    const struct ratls_ek_profile *profile;
};

enum ratls_status ratls_enroll_file_name(const char *path, const char *old, const char *ending,
                                         char out[static RATLS_PATH_MAX], struct ratls_error *err)
{
    size_t len = strlen(path);

    if (ratls_path_ends_with(path, old))
        len -= strlen(old);
    if (snprintf(out, RATLS_PATH_MAX, "%.*s%s", (int)len, path, ending) >= RATLS_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", path);
    return RATLS_OK;
}

static enum ratls_status read_keys(const struct ratls_enroll_request *request, struct keys *ret,
                                   struct ratls_error *err)
{
    struct ratls_ek_certificate certificate;
    struct ratls_tpm_public ak;
    enum ratls_status status =
        ratls_ek_certificate_read(request->ek_certificates[0], &certificate, err);

    if (status != RATLS_OK)
        return status;
    memcpy(ret->ek_sha256, certificate.sha256, sizeof ret->ek_sha256);
    ratls_ek_certificate_done(&certificate);
    ret->profile = ratls_ek_profile(request->ek_template);
    if (!ratls_tpm_read_public(request->ak_public, &ak))
        return ratls_fail(err, RATLS_MALFORMED, "the attestation key is unreadable");
    return ratls_tpm_name(&ak, ret->ak_name, &ret->ak_name_len, err);
}

static void print_json(const struct ratls_enroll_request *request, const struct keys *keys,
                       const char *path)
{
    struct ratls_view v;

    ratls_view_begin(&v, stdout, true, NULL);
    ratls_view_text(&v, "type", NULL, "enroll-request");
    ratls_view_text(&v, "file", NULL, path);
    ratls_view_list(&v, "names");
    for (size_t i = 0; i < request->name_count; i++)
        ratls_view_slice(&v, NULL, NULL, request->names[i]);
    ratls_view_list_end(&v);
    ratls_view_text(&v, "template", NULL, keys->profile->name);
    ratls_view_hex(&v, "ekSha256", NULL, ratls_slice(keys->ek_sha256, sizeof keys->ek_sha256));
    ratls_view_hex(&v, "akName", NULL, ratls_slice(keys->ak_name, keys->ak_name_len));
    ratls_view_bool(&v, "hasToken", NULL, request->token_id.len > 0);
    ratls_view_end(&v);
}

static void print_text(const struct ratls_enroll_request *request, const struct keys *keys,
                       const char *path)
{
    char ek[2 * sizeof keys->ek_sha256 + 1], ak[2 * RATLS_TPM_NAME_MAX + 1];

    ratls_hex(ratls_slice(keys->ek_sha256, sizeof keys->ek_sha256), ek, sizeof ek);
    ratls_hex(ratls_slice(keys->ak_name, keys->ak_name_len), ak, sizeof ak);
    printf("Request for");
    for (size_t i = 0; i < request->name_count; i++)
        printf("%s %.*s", i == 0 ? "" : ",", (int)request->names[i].len,
               (const char *)request->names[i].p);
    printf(", written to %s\n"
           "  EK (SHA-256)  %s, template %s (%s)\n"
           "  AK (Name)     %s\n"
           "  token         %s\n\n"
           "Next: give it to the CA, which checks it with 'ratls ca challenge %s'. Answer what\n"
           "comes back here: ratls ca answer CHALLENGE\n",
           path, ek, keys->profile->name, keys->profile->key, ak,
           request->token_id.len > 0 ? "yes" : "none", path);
}

static enum ratls_status make(const struct arguments *a, const char *path, uint8_t *bytes,
                              struct ratls_error *err)
{
    struct ratls_enroll_request request;
    struct keys keys;
    size_t len = 0;
    enum ratls_status status = ratls_file_may_write(path, a->replaces, err);

    if (status != RATLS_OK)
        return status;
    ratls_progress("Having the TPM make its endorsement key: RSA may take a minute");
    status = ratls_enrolment_request(&a->enrolment, bytes, &len, err);
    ratls_progress_done();
    if (status == RATLS_OK && !ratls_enroll_request_read(ratls_slice(bytes, len), &request))
        status = ratls_fail(err, RATLS_MALFORMED, "the request cannot be read");
    if (status == RATLS_OK)
        status = read_keys(&request, &keys, err);
    if (status == RATLS_OK)
        status = ratls_file_write(path, ratls_slice(bytes, len), FILE_MODE, a->replaces, err);
    if (status != RATLS_OK)
        return status;
    if (a->json)
        print_json(&request, &keys, path);
    else
        print_text(&request, &keys, path);
    return RATLS_OK;
}

static int run(struct arguments *a, char **texts, size_t count)
{
    struct ratls_slice names[RATLS_ENROLL_NAMES_MAX];
    uint8_t *bytes = malloc(RATLS_ENROLL_REQUEST_MAX);
    struct ratls_error err = {0};
    char path[RATLS_PATH_MAX];
    enum ratls_status status = RATLS_OK;

    if (count == 0 || count > RATLS_ENROLL_NAMES_MAX) {
        free(bytes);
        return ratls_usage("name 1 to %d DNS names or IP addresses", RATLS_ENROLL_NAMES_MAX);
    }
    for (size_t i = 0; i < count; i++)
        names[i] = ratls_slice(texts[i], strlen(texts[i]));
    a->enrolment.names = names;
    a->enrolment.name_count = count;
    if (bytes == NULL)
        status = ratls_fail(&err, RATLS_MEMORY, "out of memory");
    else if (a->out_path == NULL)
        status = ratls_enroll_file_name(texts[0], ".req", ".req", path, &err);
    if (status == RATLS_OK)
        status = make(a, a->out_path == NULL ? path : a->out_path, bytes, &err);
    free(bytes);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}

int ratls_cmd_ca_request(int argc, char **argv)
{
    struct arguments a = {.enrolment = {.state_dir = RATLS_STATE_DEFAULT}};
    const struct ratls_option rows[] = {
        RATLS_ENROLL_OPTIONS(a.enrolment),
        {"ek", RATLS_OPTION_TEXT, &a.enrolment.ek, "NAME",
         "template of the endorsement key: L-1, H-3 ... (default auto: that with a certificate)"},
        {"ek-certificate", RATLS_OPTION_TEXT, &a.enrolment.ek_certificate, "FILE",
         "its certificate (PEM or DER), if the TPM does not have it"},
        {"token-file", RATLS_OPTION_TEXT, &a.enrolment.token_file, "FILE",
         "a token of 'ratls ca token', which speaks for the names"},
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE", "the request (default NAME.req)"},
        {"force", RATLS_OPTION_FLAG, &a.replaces, NULL, "replace a file that exists"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] NAME...",
        .about = "On a server: writes what a CA needs to certify the attestation key of 'ratls\n"
                 "init' for these names: the key, the endorsement key of the TPM and its maker's\n"
                 "certificate. Nothing in it is secret.",
        .example = "  ratls ca request bank.example www.bank.example\n"
                   "  ratls ca request --token-file /run/token 192.0.2.7 --out bank.req",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first, code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    return run(&a, argv + first, (size_t)(argc - first));
}
