/* ratls roots show: one of the makers' certificates, or the verdict on that of a TPM. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chain_file.h"
#include "crypto.h"
#include "describe_enroll.h"
#include "ek_check.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "roots_command.h"

struct arguments {
    const char *folder;
    const char *software;
    bool json;
    const char *what;
};

static void describe_names(struct ratls_view *v, const X509 *certificate)
{
    char text[RATLS_EK_URL_MAX], day[RATLS_ROOT_ABOUT_MAX];

    ratls_ek_name_text(X509_get_subject_name(certificate), text, sizeof text);
    ratls_view_text(v, "subject", "subject", text[0] == '\0' && !v->json ? "(none)" : text);
    ratls_ek_name_text(X509_get_issuer_name(certificate), text, sizeof text);
    ratls_view_text(v, "issuer", "issuer", text);
    ratls_day_text(X509_get0_notBefore(certificate), day);
    ratls_view_text(v, "validFrom", "valid from", day);
    ratls_day_text(X509_get0_notAfter(certificate), day);
    ratls_view_text(v, "validUntil", "valid until", day);
}

static void describe_key(struct ratls_view *v, const EVP_PKEY *key)
{
    const char *type = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);
    char text[64] = "unreadable";

    if (type != NULL)
        snprintf(text, sizeof text, "%s, %d bits", type, EVP_PKEY_get_bits(key));
    ratls_view_text(v, "key", "key", text);
}

static int show_root(const struct ratls_roots *roots, const struct arguments *a,
                     struct ratls_error *err)
{
    const struct ratls_root *root = NULL;
    char path[RATLS_ROOTS_PATH_MAX];
    struct ratls_view v;
    enum ratls_status status = ratls_roots_find(roots, a->what, &root, err);

    if (status == RATLS_OK)
        status = ratls_roots_path(a->folder, root->kind, root->sha256, path, err);
    if (status != RATLS_OK)
        return ratls_out_error(status, err);
    ratls_view_begin(&v, stdout, a->json, "Certificate of a maker of TPMs");
    ratls_view_text(&v, "kind", "it is",
                    root->kind == RATLS_ROOT_PINNED ? "a pinned root" : "an intermediate CA");
    describe_names(&v, root->certificate);
    describe_key(&v, X509_get0_pubkey(root->certificate));
    ratls_view_digest(&v, "sha256", "SHA-256", ratls_slice(root->sha256, sizeof root->sha256));
    ratls_view_text(&v, "file", "file", path);
    ratls_view_end(&v);
    return RATLS_EXIT_OK;
}

static void describe_ek(struct ratls_view *v, const struct ratls_ek_certificate *ek)
{
    if (ek->certificate == NULL)
        return;
    describe_names(v, ek->certificate);
    describe_key(v, ek->key);
    ratls_view_digest(v, "ekSha256", "EK (SHA-256)", ratls_slice(ek->sha256, sizeof ek->sha256));
    ratls_describe_maker(v, ek);
}

/* Whoever has the certificate's address decides himself whether to go there. */
static void say_missing(const struct ratls_ek_answer *answer)
{
    if (answer->missing[0] != '\0')
        ratls_hint("a certificate says that its issuer's is at %s: fetch it, check it, and then "
                   "'ratls roots import FILE'",
                   answer->missing);
}

static void describe_verdict(struct ratls_view *v, const struct ratls_ek_answer *answer)
{
    ratls_view_text(v, "verdict", "verdict",
                    answer->defects == 0 ? "the certificate of a TPM's endorsement key"
                                         : "refused");
    ratls_view_text(v, "why", answer->defects == 0 ? NULL : "why", answer->why);
    ratls_view_text(v, "missingIssuerUrl", NULL, answer->missing);
    if (answer->path_count > 0)
        ratls_view_digest(v, "rootSha256", "root (SHA-256)",
                          ratls_slice(answer->root_sha256, sizeof answer->root_sha256));
}

static int show_ek(const struct ratls_roots *roots, const struct arguments *a,
                   struct ratls_error *err)
{
    struct ratls_chain_file chain = {.count = 0};
    struct ratls_ek_answer answer = {.defects = 0};
    struct ratls_view v;
    enum ratls_status status = ratls_chain_file_read(a->what, &chain, err);
    const struct ratls_ek_question question = {.certificates = chain.certificates,
                                               .count = chain.count,
                                               .roots = roots,
                                               .now = (int64_t)time(NULL),
                                               .allows_software = a->software != NULL};
    int code = RATLS_EXIT_OK;

    if (status == RATLS_OK)
        status = ratls_ek_check(&question, &answer, err);
    ratls_chain_file_done(&chain);
    if (status != RATLS_OK)
        return ratls_out_error(status, err);
    ratls_view_begin(&v, stdout, a->json, "Certificate of an endorsement key");
    describe_ek(&v, &answer.ek);
    describe_verdict(&v, &answer);
    ratls_view_end(&v);
    if (answer.defects != 0) {
        say_missing(&answer);
        code = RATLS_EXIT_REFUSED;
    }
    ratls_ek_answer_done(&answer);
    return code;
}

int ratls_cmd_roots_show(int argc, char **argv)
{
    struct arguments a = {.folder = RATLS_ROOTS_DEFAULT};
    const struct ratls_option rows[] = {
        {"roots", RATLS_OPTION_TEXT, &a.folder, "DIR",
         "folder of the roots (default " RATLS_ROOTS_DEFAULT ")"},
        {"software-tpm", RATLS_OPTION_TEXT, &a.software, "insecure-allow",
         "do not refuse software TPMs, whose keys are known to who runs them"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] SHA256|FILE",
        .about =
            "Explains a certificate of the roots, by 8 or more digits of its SHA-256; or says\n"
            "whether the first certificate of a file (PEM, or DER) is that of a TPM's\n"
            "endorsement key, by one of the roots. Others in the file help to get there.",
        .example = "  tpm2_nvread 0x1c00002 -o ek.der && ratls roots show ek.der",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_roots *roots = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv,
                                 "name one certificate: a file, or digits of a SHA-256", &a.what,
                                 &code))
        return code;
    if (a.software != NULL && strcmp(a.software, "insecure-allow") != 0)
        return ratls_usage("--software-tpm: '%s' is not insecure-allow", a.software);
    status = ratls_roots_load(a.folder, &roots, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    code = access(a.what, F_OK) == 0 ? show_ek(roots, &a, &err) : show_root(roots, &a, &err);
    ratls_roots_free(roots);
    return code;
}
