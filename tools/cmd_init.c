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

static void print_json(const struct configuration *c, const struct ratls_local_key *key,
                       const char *algorithm)
{
    struct ratls_view v;

    ratls_view_begin(&v, stdout, true, NULL);
    ratls_view_text(&v, "kind", NULL, "init");
    ratls_view_hex(&v, "name", NULL, ratls_slice(key->name, key->name_len));
    ratls_view_text(&v, "algorithm", NULL, algorithm);
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

static int make_key(const struct ratls_tpm_init_options *init, const char *algorithm, bool json)
{
    struct configuration configuration;
    struct ratls_local_key key;
    struct ratls_error err = {0};
    enum ratls_status status;

    ratls_progress("Making the attestation key in the TPM");
    status = ratls_tpm_init(init, &err);
    if (status == RATLS_OK)
        status = ratls_local_key_read(init->state_dir, &key, &err);
    ratls_progress_done();
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    configure(init->state_dir, &configuration);
    if (json)
        print_json(&configuration, &key, algorithm);
    else
        print_text(&configuration, &key, algorithm);
    return RATLS_EXIT_OK;
}

int ratls_cmd_init(int argc, char **argv)
{
    struct ratls_tpm_init_options init = {.state_dir = RATLS_STATE_DEFAULT};
    const char *algorithm = "ecdsa-p256";
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
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Makes the attestation key of this machine: a restricted signing key that\n"
                 "never leaves the TPM. Prints its Name, and what to do next.",
        .example = "  ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc != first)
        return ratls_usage("'%s' is too much", argv[first]);
    if (!read_algorithm(algorithm, &init.algorithm))
        return ratls_usage("--algorithm: '%s' is neither ecdsa-p256 nor rsa-2048", algorithm);
    return make_key(&init, algorithm, json);
}
