/* ratls seal authorize: an authority signs a state. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "issuer_key.h"
#include "local.h"
#include "local_seals.h"
#include "options.h"
#include "output.h"
#include "pcr_file.h"
#include "seal_authority.h"
#include "seal_command.h"
#include "selection.h"

#define MODE_PUBLIC 0644

struct arguments {
    const char *key, *provider, *pcrs, *select, *state, *tcti, *comment, *out;
    bool now, replace;
};

/* A state while it is made. */
struct work {
    struct ratls_seal seal;
    struct ratls_seal_authority authority;
    uint8_t values[RATLS_PCR_VALUES_MAX];
    uint8_t signature[RATLS_SEAL_SIGNATURE_MAX];
    uint8_t bytes[RATLS_SEAL_MAX];
};

static enum ratls_status read_now(const struct arguments *a, struct work *work,
                                  struct ratls_error *err)
{
    struct ratls_pcr_selection selection;
    size_t len = 0;
    enum ratls_status status = RATLS_OK;

    if (a->select != NULL)
        status = ratls_selection_parse(a->select, &selection, err);
    if (status == RATLS_OK)
        status = ratls_local_pcrs(a->state, a->tcti, a->select == NULL ? NULL : &selection,
                                  &work->seal.selection, work->values, &len, err);
    work->seal.values = ratls_slice(work->values, len);
    return status;
}

static enum ratls_status read_pcrs(const struct arguments *a, struct work *work,
                                   struct ratls_error *err)
{
    struct ratls_pcr_values *values = NULL;
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_selection_parse(a->select, &work->seal.selection, err);

    if (status == RATLS_OK)
        status = ratls_file_read(a->pcrs, &text, &len, err);
    if (status == RATLS_OK)
        status = ratls_pcr_file_read(a->pcrs, ratls_slice(text, len), &values, err);
    if (status == RATLS_OK)
        status = ratls_pcr_file_select(a->pcrs, values, &work->seal.selection, work->values,
                                       sizeof work->values, &len, err);
    if (status == RATLS_OK)
        work->seal.values = ratls_slice(work->values, len);
    free(values);
    free(text);
    return status;
}

static enum ratls_status sign(EVP_PKEY *key, struct work *work, struct ratls_error *err)
{
    size_t len = 0;
    bool is_valid = false;
    enum ratls_status status = ratls_seal_authority_of_key(key, &work->authority, err);

    work->seal.authority = ratls_slice(work->authority.name, sizeof work->authority.name);
    if (status == RATLS_OK)
        status = ratls_seal_authority_sign(key, &work->seal, work->signature, &len, err);
    work->seal.signature = ratls_slice(work->signature, len);
    /* A device that signed something else is noticed here, and not after the update. */
    if (status == RATLS_OK)
        status = ratls_seal_authority_verify(&work->authority, &work->seal, &is_valid, err);
    if (status == RATLS_OK && !is_valid)
        status = ratls_fail(err, RATLS_CRYPTO, "the key made a signature that is not its own");
    return status;
}

/* The provider, beside OpenSSL's own, in a context that has nothing else. */
static enum ratls_status sign_by(const struct arguments *a, struct work *work,
                                 struct ratls_error *err)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *own = NULL, *provider = NULL;
    EVP_PKEY *key = NULL;
    enum ratls_status status = RATLS_OK;

    if (context != NULL)
        own = OSSL_PROVIDER_load(context, "default");
    if (own == NULL)
        status = ratls_fail_openssl(err, "OpenSSL's own provider");
    if (status == RATLS_OK && a->provider != NULL) {
        provider = OSSL_PROVIDER_load(context, a->provider);
        if (provider == NULL)
            status = ratls_fail(err, RATLS_USAGE,
                                "OpenSSL's provider %s cannot be loaded: is it installed? 'openssl "
                                "list -providers -provider %s' tells",
                                a->provider, a->provider);
    }
    if (status == RATLS_OK)
        status = ratls_issuer_key_open(context, a->key, &key, err);
    if (status == RATLS_OK)
        status = sign(key, work, err);
    EVP_PKEY_free(key);
    OSSL_PROVIDER_unload(provider);
    OSSL_PROVIDER_unload(own);
    OSSL_LIB_CTX_free(context);
    return status;
}

static enum ratls_status authorize(const struct arguments *a, struct work *work,
                                   struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(work->bytes, sizeof work->bytes);
    struct ratls_seal again;
    enum ratls_status status = ratls_file_may_write(a->out, a->replace, err);

    if (status == RATLS_OK)
        status = a->now ? read_now(a, work, err) : read_pcrs(a, work, err);
    if (status != RATLS_OK)
        return status;
    work->seal.comment = ratls_slice(a->comment, strlen(a->comment));
    status = sign_by(a, work, err);
    if (status != RATLS_OK)
        return status;
    ratls_seal_write(&work->seal, &w);
    if (w.failed || !ratls_seal_read(ratls_writer_slice(&w), &again))
        return ratls_fail(err, RATLS_USAGE, "--comment: printable ASCII, at most %d characters",
                          RATLS_SEAL_COMMENT_MAX);
    return ratls_file_write(a->out, ratls_writer_slice(&w), MODE_PUBLIC, a->replace, err);
}

static int run(const struct arguments *a)
{
    struct work *work = calloc(1, sizeof *work);
    struct ratls_error err = {0};
    char text[512];
    enum ratls_status status;

    if (work == NULL)
        status = ratls_fail(&err, RATLS_MEMORY, "out of memory");
    else
        status = authorize(a, work, &err);
    if (status == RATLS_OK) {
        ratls_tpm_selection_text(work->seal.selection.banks, work->seal.selection.count, text,
                                 sizeof text);
        printf("Signed the state of %s, as %s\n\n"
               "Next, on each machine that shall attest in this state:\n\n"
               "     ratls seal install %s\n",
               text, a->out, a->out);
    }
    free(work);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}

static int check(const struct arguments *a)
{
    if (a->key == NULL)
        return ratls_usage("name the key of the authority: --key FILE or URI");
    if (a->out == NULL)
        return ratls_usage("name the file to write: -o FILE");
    if (a->now == (a->pcrs != NULL))
        return ratls_usage(
            "which state? --now: that of this machine; --pcrs FILE: values of a file");
    if (a->pcrs != NULL && a->select == NULL)
        return ratls_usage("say which PCRs of the file the keys are sealed to, as it was said to "
                           "ratls init: --select sha256:0-7");
    return RATLS_EXIT_OK;
}

int ratls_cmd_seal_authorize(int argc, char **argv)
{
    struct arguments a = {.state = RATLS_STATE_DEFAULT, .comment = ""};
    const struct ratls_option rows[] = {
        {"key", RATLS_OPTION_TEXT, &a.key, "URI",
         "the authority's private key: a file, or what a provider knows, such as pkcs11:..."},
        {"provider", RATLS_OPTION_TEXT, &a.provider, "NAME", "OpenSSL's provider for that"},
        {"now", RATLS_OPTION_FLAG, &a.now, NULL, "the state that this machine is in"},
        {"pcrs", RATLS_OPTION_TEXT, &a.pcrs, "FILE",
         "values of tpm2_pcrread, of a policy, or of ratls show --json"},
        {"select", RATLS_OPTION_TEXT, &a.select, "PCRS",
         "which PCRs, such as sha256:0-7 (default with --now: those that the key is sealed to)"},
        {"state", RATLS_OPTION_TEXT, &a.state, "DIR",
         "folder of the key (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &a.tcti, "CONF", "the TPM, for example device:/dev/tpmrm0"},
        {"comment", RATLS_OPTION_TEXT, &a.comment, "TEXT", "what people should know of it"},
        {"out", RATLS_OPTION_TEXT, &a.out, "FILE", "the state, signed"},
        {"replace", RATLS_OPTION_FLAG, &a.replace, NULL, "overwrite FILE"},
    };
    const struct ratls_options options = {
        .synopsis = "--key URI (--now | --pcrs FILE --select PCRS) -o FILE",
        .about = "Signs a state of machines: attestation keys that are sealed to these PCRs by\n"
                 "this authority may be used in it. Needs no TPM with --pcrs.",
        .example = "  ratls seal authorize --key authority.key --pcrs next.yaml \\\n"
                   "      --select sha256:0-7 --comment 'kernel 6.1.0-41' -o next.seal",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    code = check(&a);
    return code == RATLS_EXIT_OK ? run(&a) : code;
}
