/* ratls seal: the states of a machine in which its attestation key may be used. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "command.h"
#include "fail.h"
#include "file.h"
#include "local.h"
#include "local_seals.h"
#include "options.h"
#include "output.h"
#include "paths.h"
#include "pem.h"
#include "seal_command.h"

#define MODE_PUBLIC 0644

static const struct ratls_command commands[] = {
    {"key", "make the key pair of an authority", ratls_cmd_seal_key},
    {"authorize", "sign a state in which keys may be used", ratls_cmd_seal_authorize},
    {"install", "take over states that were signed", ratls_cmd_seal_install},
    {"list", "list them, and say which one this machine is in", ratls_cmd_seal_list},
    {"remove", "take one away", ratls_cmd_seal_remove},
    {NULL, NULL, NULL},
};

int ratls_cmd_seal(int argc, char **argv)
{
    return ratls_command_run("ratls seal",
                             "A key that was made with 'ratls init --seal-to-pcrs' is used by the\n"
                             "TPM only in states of the machine that an authority has signed.\n"
                             "Before an update, sign the next state: the key stays the same.",
                             commands, argc, argv);
}

/* ---- key ---- */

static enum ratls_status write_public(const char *path, EVP_PKEY *key, bool replace,
                                      struct ratls_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text = NULL;
    enum ratls_status status;
    long len = 0;

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1 ||
        (len = BIO_get_mem_data(bio, &text)) <= 0)
        status = ratls_fail_openssl(err, "cannot write the public key");
    else
        status = ratls_file_write(path, ratls_slice(text, (size_t)len), MODE_PUBLIC, replace, err);
    BIO_free(bio);
    return status;
}

static enum ratls_status make_key(const char *path, const char *public_path, bool replace,
                                  struct ratls_error *err)
{
    enum ratls_status status = ratls_file_may_write(path, replace, err);
    EVP_PKEY *key = NULL;

    if (status == RATLS_OK)
        status = ratls_file_may_write(public_path, replace, err);
    if (status != RATLS_OK)
        return status;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (key == NULL)
        status = ratls_fail_openssl(err, "making a key");
    if (status == RATLS_OK)
        status = ratls_pem_write_key(path, key, replace, err);
    if (status == RATLS_OK)
        status = write_public(public_path, key, replace, err);
    EVP_PKEY_free(key);
    return status;
}

int ratls_cmd_seal_key(int argc, char **argv)
{
    const char *path = NULL;
    bool replace = false;
    const struct ratls_option rows[] = {
        {"out", RATLS_OPTION_TEXT, &path, "FILE", "the private key; the public one is FILE.pub"},
        {"replace", RATLS_OPTION_FLAG, &replace, NULL,
         "make a new one although there is one: it signs for no key that is sealed already"},
    };
    const struct ratls_options options = {
        .synopsis = "-o FILE",
        .about = "Makes the key pair of an authority (P-256). Keep the private key away from the\n"
                 "machines: whoever has it decides in which states they attest. A key of a\n"
                 "smart card or an HSM does as well: ratls seal authorize --key URI.",
        .example = "  ratls seal key -o authority.key",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    char public_path[RATLS_PATH_MAX];
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (path == NULL)
        return ratls_usage("name the file of the key: -o FILE");
    if (snprintf(public_path, sizeof public_path, "%s.pub", path) >= (int)sizeof public_path)
        return ratls_usage("-o: too long");
    status = make_key(path, public_path, replace, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    printf("Made the key of an authority: %s (secret), %s\n\n"
           "Next: make attestation keys that it can be asked for, on each machine:\n\n"
           "     ratls init --seal-to-pcrs sha256:0-7 --seal-authority %s\n",
           path, public_path, public_path);
    return RATLS_EXIT_OK;
}

/* ---- install, remove ---- */

int ratls_cmd_seal_install(int argc, char **argv)
{
    const char *state = RATLS_STATE_DEFAULT;
    const struct ratls_option rows[] = {
        {"state", RATLS_OPTION_TEXT, &state, "DIR",
         "folder of the key (default " RATLS_STATE_DEFAULT ")"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] FILE...",
        .about = "Takes over states that the authority of this machine's attestation key has\n"
                 "signed. Programs that run notice it with their next quote, unless they have\n"
                 "given up the right to read the folder: reload or restart those.",
        .example = "  ratls seal install next.seal",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_local_seal seal;
    struct ratls_error err = {0};
    enum ratls_status status = RATLS_OK;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name the files that 'ratls seal authorize' made");
    for (int i = first; status == RATLS_OK && i < argc; i++) {
        status = ratls_local_seal_install(state, argv[i], &seal, &err);
        if (status == RATLS_OK)
            printf("installed %s\n", seal.file);
    }
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}

int ratls_cmd_seal_remove(int argc, char **argv)
{
    const char *state = RATLS_STATE_DEFAULT;
    const struct ratls_option rows[] = {
        {"state", RATLS_OPTION_TEXT, &state, "DIR",
         "folder of the key (default " RATLS_STATE_DEFAULT ")"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] HEX",
        .about = "Takes a state away, by 8 or more digits of its name, or a file by its whole\n"
                 "name. The signature stays valid: whoever kept a copy can use it. So take the\n"
                 "old values out of the policies of clients, too.",
        .example = "  ratls seal remove 3fa0b1c2",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    char file[RATLS_LOCAL_SEAL_FILE_MAX];
    struct ratls_error err = {0};
    enum ratls_status status;
    const char *name = NULL;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv,
                                 "name one state, by its digits in 'ratls seal list'", &name,
                                 &code))
        return code;
    status = ratls_local_seal_remove(state, name, file, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    printf("removed %s\n", file);
    return RATLS_EXIT_OK;
}
