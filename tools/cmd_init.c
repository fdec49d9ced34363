/* ratls init: the attestation key of this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ratls/attester_tpm.h>

#include "command.h"
#include "crypto.h"
#include "fail.h"
#include "local.h"
#include "options.h"
#include "output.h"
#include "paths.h"
#include "selection.h"
#include "view.h"

/* The configuration of a server, as the lines of its file. */
struct configuration {
    char include[RATLS_PATH_MAX + 16];
    char state[RATLS_PATH_MAX];
};

static bool read_algorithm(const char *text, enum ratls_ak_algorithm *ret)
{
    if (strcmp(text, "ecdsa-p256") == 0)
        *ret = RATLS_AK_ECDSA_P256;
    else if (strcmp(text, "rsa-2048") == 0)
        *ret = RATLS_AK_RSA_2048;
    else
        return false;
    return true;
}

/* The state folder must mean the same in every working directory. */
static void configure(const char *state, struct configuration *ret)
{
    char conf[RATLS_PATH_MAX];
    char *whole = realpath(state, NULL);

    ratls_path_conf("openssl.cnf", conf);
    snprintf(ret->include, sizeof ret->include, ".include %s", conf);
    snprintf(ret->state, sizeof ret->state, "%s", whole == NULL ? state : whole);
    free(whole);
}

/* algorithm NULL: no attestation key was made; tls_key likewise. */
static void print_json(const struct configuration *c, const struct ratls_local_key *key,
                       const char *algorithm, const char *tls_key)
{
    struct ratls_view v;

    ratls_view_begin(&v, stdout, true, NULL);
    ratls_view_text(&v, "kind", NULL, "init");
    ratls_view_hex(&v, "name", NULL, ratls_slice(key->name, key->name_len));
    if (algorithm != NULL)
        ratls_view_text(&v, "algorithm", NULL, algorithm);
    if (tls_key != NULL)
        ratls_view_text(&v, "tlsKey", NULL, tls_key);
    ratls_view_text(&v, "state", NULL, c->state);
    ratls_view_text(&v, "opensslInclude", NULL, c->include);
    ratls_view_end(&v);
}

static void print_text(const struct configuration *c, const struct ratls_local_key *key,
                       const char *algorithm)
{
    char name[2 * RATLS_TPM_NAME_MAX + 1];

    ratls_hex(ratls_slice(key->name, key->name_len), name, sizeof name);
    printf("Made an attestation key (%s) in the TPM of this machine.\n"
           "  Name   %s\n  state  %s\n\n"
           "Next:\n"
           "1. Put these four lines into a file, for example /etc/ratls/openssl.cnf:\n\n"
           "     %s\n     [ratls]\n     role = server\n     state = %s\n\n"
           "   `ratls check /etc/ratls/openssl.cnf` says whether OpenSSL loads them, and whether\n"
           "   this key attests.\n"
           "2. Start the server, which may be any program with OpenSSL 3, with it:\n\n"
           "     OPENSSL_CONF=/etc/ratls/openssl.cnf nginx\n\n"
           "   Reload or restart one that runs already, for the new key. Its user must be able\n"
           "   to use the TPM. The state folder is secret: the server reads it as it starts,\n"
           "   before it gives up the rights of root. Or let ratlsd have both for all servers of\n"
           "   this machine: with `agent = /run/ratls/agent.sock` in place of `state` a server\n"
           "   needs neither.\n"
           "3. Let a client learn this machine's state (ratls policy learn HOST:PORT), or pin the\n"
           "   key in a policy of yours:\n\n"
           "     attestation-keys:\n       - name: \"%s\"\n",
           algorithm, name, c->state, c->include, c->state, name);
}

/* False: *ret_code says how the command ends. */
static bool take_seal(const char *seal_to, struct ratls_pcr_selection *selection,
                      struct ratls_tpm_init_options *init, int *ret_code)
{
    struct ratls_error err = {0};
    enum ratls_status status;

    if (init->unsealed && (!init->replace || seal_to != NULL || init->seal_authority != NULL)) {
        *ret_code = ratls_usage("--unsealed belongs to --replace, and not to --seal-to-pcrs");
        return false;
    }
    if (seal_to == NULL && init->seal_authority == NULL)
        return true;
    if (seal_to == NULL || init->seal_authority == NULL) {
        *ret_code = ratls_usage("--seal-to-pcrs and --seal-authority belong together");
        return false;
    }
    status = ratls_selection_parse(seal_to, selection, &err);
    if (status != RATLS_OK) {
        *ret_code = ratls_out_error(status, &err);
        return false;
    }
    init->seal_selection = selection;
    return true;
}

static bool read_tls_key(const char *word, enum ratls_tpm_tls_key *ret)
{
    if (word == NULL)
        *ret = RATLS_TPM_TLS_KEY_NONE;
    else if (strcmp(word, "tpm") == 0)
        *ret = RATLS_TPM_TLS_KEY_MAKE;
    else if (strcmp(word, "certify") == 0)
        *ret = RATLS_TPM_TLS_KEY_CERTIFY;
    else
        return false;
    return true;
}

static void say_notice(void *arg, const char *text)
{
    (void)arg;
    ratls_progress_done();
    ratls_complain("%s", text);
}

static void print_tls_key(const char *path)
{
    printf(
        "Made a key for TLS in the TPM, which the attestation key has certified.\n"
        "  file   %s\n\n"
        "Next:\n"
        "1. Let a CA certify it, for example one of the web; tpm2-openssl is the provider:\n\n"
        "     openssl req -provider tpm2 -provider default -propquery '?provider=tpm2' \\\n"
        "         -new -key %s -subj /CN=NAME -addext subjectAltName=DNS:NAME -out tls.csr\n\n"
        "2. Let the server use it, such as nginx (one worker, for they would share a connection\n"
        "   to the TPM):\n\n"
        "     worker_processes 1;\n"
        "     ssl_certificate tls.crt;\n"
        "     ssl_certificate_key %s;\n\n"
        "   and, beside what 'ratls init' says, in the server's OpenSSL configuration:\n\n"
        "     [ratls_providers]\n     tpm2 = tpm2\n     [tpm2]\n     activate = 1\n"
        "     [ratls_conf]\n     alg_section = properties\n     [properties]\n"
        "     default_properties = ?provider=tpm2,tpm2.digest!=yes,tpm2.cipher!=yes\n\n"
        "   Then restart ratlsd, if that attests for the server, and reload the server.\n"
        "3. Clients that want such a key say so in their policy:\n\n"
        "     tls-key: tpm\n",
        path, path, path);
}

static void print_sealed(const char *state)
{
    printf("\nThe key is sealed: until a state of this machine was signed, it signs nothing.\n"
           "4. Let the authority sign the state that it is in, and install that:\n\n"
           "     ratls seal authorize --now --state %s --key authority.key -o now.seal\n"
           "     ratls seal install --state %s now.seal\n",
           state, state);
}

/* The file of the key for TLS, as it is in every working directory. The caller frees it. */
static char *find_tls_key(const struct ratls_tpm_init_options *init)
{
    char path[RATLS_PATH_MAX];

    if (init->tls_key_out != NULL)
        return realpath(init->tls_key_out, NULL);
    snprintf(path, sizeof path, "%s/tls.key", init->state_dir);
    return realpath(path, NULL);
}

/* What was done, and what comes next; algorithm NULL: no attestation key was made. */
static int print_all(const struct ratls_tpm_init_options *init, const struct ratls_local_key *key,
                     const char *algorithm, bool json)
{
    char *tls_key = init->tls_key == RATLS_TPM_TLS_KEY_MAKE ? find_tls_key(init) : NULL;
    struct configuration configuration;

    configure(init->state_dir, &configuration);
    if (json) {
        print_json(&configuration, key, algorithm, tls_key);
        free(tls_key);
        return RATLS_EXIT_OK;
    }
    if (algorithm != NULL)
        print_text(&configuration, key, algorithm);
    if (algorithm != NULL && init->seal_selection != NULL)
        print_sealed(configuration.state);
    if (tls_key != NULL)
        print_tls_key(tls_key);
    else if (init->tls_key == RATLS_TPM_TLS_KEY_CERTIFY)
        printf("The attestation key has certified the keys for TLS in %s/tls-keys again:\n"
               "restart ratlsd, or reload the servers.\n",
               configuration.state);
    free(tls_key);
    return RATLS_EXIT_OK;
}

/* What a person waits for. */
static const char *progress_of(const struct ratls_tpm_init_options *init, bool makes_ak)
{
    if (makes_ak)
        return "Making the attestation key in the TPM";
    return init->tls_key == RATLS_TPM_TLS_KEY_MAKE ? "Making a key for TLS in the TPM"
                                                   : "Certifying the keys for TLS";
}

/* In a frame of its own, away from the table of options. */
static int __attribute__((noinline))
make_keys(const struct ratls_tpm_init_options *init, const char *algorithm, bool json)
{
    struct ratls_local_key key;
    struct ratls_error err = {0};
    const bool makes_ak =
        init->replace || ratls_local_key_read(init->state_dir, &key, NULL) != RATLS_OK;
    enum ratls_status status;

    ratls_progress(progress_of(init, makes_ak));
    status = ratls_tpm_init(init, &err);
    if (status == RATLS_OK)
        status = ratls_local_key_read(init->state_dir, &key, &err);
    ratls_progress_done();
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    return print_all(init, &key, makes_ak ? algorithm : NULL, json);
}

/* False: *ret_code says how the command ends. */
static bool take_words(const char *algorithm, const char *tls_key,
                       struct ratls_tpm_init_options *init, int *ret_code)
{
    if (!read_algorithm(algorithm, &init->algorithm))
        *ret_code = ratls_usage("--algorithm: '%s' is neither ecdsa-p256 nor rsa-2048", algorithm);
    else if (!read_tls_key(tls_key, &init->tls_key))
        *ret_code = ratls_usage("--tls-key: '%s' is neither tpm nor certify", tls_key);
    else if (init->tls_key_out != NULL && init->tls_key != RATLS_TPM_TLS_KEY_MAKE)
        *ret_code = ratls_usage("--tls-key-out belongs to --tls-key tpm");
    else
        return true;
    return false;
}

int ratls_cmd_init(int argc, char **argv)
{
    struct ratls_tpm_init_options init = {.state_dir = RATLS_STATE_DEFAULT, .notice = say_notice};
    const char *algorithm = "ecdsa-p256", *tls_key = NULL, *seal_to = NULL;
    struct ratls_pcr_selection selection;
    bool json = false;
    const struct ratls_option rows[] = {
        {"state", RATLS_OPTION_TEXT, &init.state_dir, "DIR",
         "folder of the key (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &init.tcti, "CONF", "the TPM, for example device:/dev/tpmrm0"},
        {"algorithm", RATLS_OPTION_TEXT, &algorithm, "NAME", "ecdsa-p256 (default) or rsa-2048"},
        {"transient", RATLS_OPTION_FLAG, &init.transient, NULL,
         "take no persistent handle of the TPM"},
        {"replace", RATLS_OPTION_FLAG, &init.replace, NULL,
         "make a new key although there is one: policies that name the old one then "
         "refuse this machine"},
        {"tls-key", RATLS_OPTION_TEXT, &tls_key, "WORD",
         "tpm: make a key for TLS in the TPM, certified by the attestation key; certify: have "
         "those of the folder certified again"},
        {"tls-key-out", RATLS_OPTION_TEXT, &init.tls_key_out, "FILE",
         "the key for TLS, for tpm2-openssl (default DIR/tls.key)"},
        {"seal-to-pcrs", RATLS_OPTION_TEXT, &seal_to, "PCRS",
         "PCRs, such as sha256:0-7: the key works only in states of these that were signed"},
        {"seal-authority", RATLS_OPTION_TEXT, &init.seal_authority, "FILE",
         "public key (PEM) of who signs them: ratls seal key"},
        {"unsealed", RATLS_OPTION_FLAG, &init.unsealed, NULL,
         "with --replace: to nothing any more"},
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Makes the attestation key of this machine: a restricted signing key that\n"
                 "never leaves the TPM. Prints its Name, and what to do next. With --tls-key\n"
                 "tpm also, or only if there is an attestation key, a key for TLS.",
        .example = "  ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0\n"
                   "  ratls init --tls-key tpm --tls-key-out /etc/ratls/bank.key",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (!take_words(algorithm, tls_key, &init, &code) ||
        !take_seal(seal_to, &selection, &init, &code))
        return code;
    return make_keys(&init, algorithm, json);
}
