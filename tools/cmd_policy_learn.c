/* ratls policy learn: trust on first use, as far as evidence that holds by itself goes. */
#include <stdio.h>

#include "command.h"
#include "issue.h"
#include "learn.h"
#include "local.h"
#include "output.h"
#include "selection.h"
#include "update.h"

struct arguments {
    struct ratls_learn learn;
    const char *client_name;
    const char *into; /* a policy to which another machine is added; NULL: a new one is written */
};

static void warn(const struct ratls_observe_options *from)
{
    const bool colour = ratls_out_colour(stderr);
    const char *source = from->session.server != NULL ? from->session.server
                         : from->capture != NULL      ? from->capture
                                                      : "the TPM of this machine";
    const char *bold = colour ? "\033[1;33m" : "";
    const char *plain = colour ? "\033[0m" : "";

    if (ratls_observe_is_raw(from)) {
        fprintf(
            stderr,
            "%sWARNING: nobody vouches for these logs.%s They came without a quote: the policy\n"
            "is as good as the way on which they came from the machine.\n",
            bold, plain);
        return;
    }
    fprintf(stderr,
            "%sWARNING: trust on first use.%s The policy accepts what %s proves now, whatever\n"
            "that is. Compare the Name of the attestation key with what 'ratls init' printed on\n"
            "the server, or 'ratls show /var/lib/ratls' says there, and look at the PCR values\n"
            "and at the lists beside the policy, before you rely on it.\n",
            bold, plain, source);
}

/* A client answers nobody that it has not asked: only its own machine shows what it is. */
static int take_client(struct arguments *a)
{
    struct ratls_observe_options *from = &a->learn.from;

    if (a->client_name == NULL)
        return RATLS_EXIT_OK;
    if (from->session.server_name != NULL)
        return ratls_usage("--client-name and --server-name exclude each other: a policy is for "
                           "servers or for clients");
    if (a->into != NULL)
        return ratls_usage("--client-name is for a new policy: --into takes the name of the "
                           "client as --server-name");
    if (!from->is_local && !ratls_observe_is_raw(from))
        return ratls_usage("--client-name needs --local, on the client's machine, or its logs");
    from->session.server_name = a->client_name;
    a->learn.for_clients = true;
    return RATLS_EXIT_OK;
}

static enum ratls_status check_names(const struct ratls_observe_options *from)
{
    const struct ratls_list names = {.count = 1, .items = {from->session.server_name}};

    return from->session.server_name == NULL ? RATLS_OK : ratls_names_check(&names, NULL);
}

static int run(const struct arguments *a)
{
    const struct ratls_observe_options *from = &a->learn.from;
    const struct ratls_update update = {.from = *from, .policy_path = a->into, .adds_key = true};
    struct ratls_error err = {0};
    enum ratls_status status;

    if (check_names(from) != RATLS_OK)
        return ratls_usage(
            "%s: '%s' is no DNS name%s", a->learn.for_clients ? "--client-name" : "--server-name",
            from->session.server_name, a->learn.for_clients ? "" : " and no IP address");
    status = a->into != NULL ? ratls_update(&update, &err) : ratls_learn(&a->learn, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    warn(from);
    return RATLS_EXIT_OK;
}

static int check_arguments(struct arguments *a, int count, char **operands)
{
    struct ratls_observe_options *from = &a->learn.from;
    int code = ratls_observe_operands(from, count, operands);

    if (code == RATLS_EXIT_OK)
        code = take_client(a);
    if (code != RATLS_EXIT_OK)
        return code;
    if (a->into != NULL && a->learn.out_path != NULL)
        return ratls_usage("--into and --out exclude each other");
    if (a->learn.exclude.count > 0 && (a->into != NULL || a->learn.values))
        return ratls_usage("--exclude is for a new policy that compares the files of IMA");
    if (a->into != NULL && ratls_observe_is_raw(from))
        return ratls_usage("--into needs the key of the machine: a server, a capture or --local; "
                           "'ratls policy update' adds what logs in files say");
    if (a->into == NULL && from->is_local && from->session.server_name == NULL)
        return ratls_usage("--local needs --server-name, the server that the policy is for, or "
                           "--client-name");
    if (a->into == NULL && ratls_observe_is_raw(from) && a->learn.ak_name == NULL)
        return ratls_usage("logs in files need --ak-name: the attestation key of the machine, as "
                           "'ratls show /var/lib/ratls' says there");
    return RATLS_EXIT_OK;
}

static const struct arguments DEFAULTS = {
    .learn.from = {.session = {.timeout_s = RATLS_TIMEOUT_DEFAULT_S},
                   .tpm = {.state_dir = RATLS_STATE_DEFAULT}},
};

static const struct ratls_options HELP = {
    .synopsis = "MACHINE [OPTION...]",
    .about = "Writes a policy that accepts what a server, or this machine, proves now: trust\n"
             "on first use. What its logs mean goes into the policy, their digests and texts\n"
             "into lists beside it. The evidence must hold by itself: it is appraised by the\n"
             "policy that was made of it, and nothing is written if that refuses. MACHINE is\n"
             "HOST:PORT, or --local, or a capture of 'ratls probe --save', or its logs alone,\n"
             "with --boot-log and --ima-list.",
    .example = "  ratls policy learn bank.example:443 --out bank.yaml\n"
               "  ratls policy learn --local --server-name bank.example --out bank.yaml\n"
               "  ratls policy learn --local --client-name app.example --out app.yaml\n"
               "  ratls policy learn bank2.example:443 --into bank.yaml",
};

int ratls_cmd_policy_learn(int argc, char **argv)
{
    struct arguments a = DEFAULTS;
    struct ratls_observe_options *from = &a.learn.from;
    const struct ratls_option rows[] = {
        {"local", RATLS_OPTION_FLAG, &from->is_local, NULL, "learn from the TPM of this machine"},
        {"state", RATLS_OPTION_TEXT, &from->tpm.state_dir, "DIR",
         "with --local: folder of 'ratls init' (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &from->tpm.tcti, "CONF",
         "with --local: the TPM (default: that of 'ratls init')"},
        {"server-name", RATLS_OPTION_TEXT, &from->session.server_name, "NAME",
         "the server that the policy is for (default HOST)"},
        {"client-name", RATLS_OPTION_TEXT, &a.client_name, "NAME",
         "with --local: the policy is for a client, by the name in its certificate"},
        {"pcrs", RATLS_OPTION_TEXT, &a.learn.pcrs, "SELECTION",
         "PCRs to compare by value where no log explains them (without logs "
         "default " RATLS_SELECTION_DEFAULT ")"},
        {"values", RATLS_OPTION_FLAG, &a.learn.values, NULL,
         "compare values of PCRs only, whatever logs there are"},
        {"settings", RATLS_OPTION_FLAG, &a.learn.settings, NULL,
         "compare also PCR 1, 3, 5 and 6, which differ between machines"},
        {"signed-images", RATLS_OPTION_FLAG, &a.learn.signed_images, NULL,
         "with Secure Boot: allow every image that it lets through"},
        {"boot-log", RATLS_OPTION_TEXT, &from->boot_log, "FILE",
         "the firmware's whole log, which also has names; alone nobody vouches for it"},
        {"ima-list", RATLS_OPTION_TEXT, &from->ima_list, "FILE",
         "the IMA list in binary form; alone nobody vouches for it"},
        {"ima-cert", RATLS_OPTION_TEXT, &a.learn.ima_cert, "FILE",
         "certificates (PEM): files that their keys signed are allowed, and need no line"},
        {"exclude", RATLS_OPTION_LIST, &a.learn.exclude, "PATTERN",
         "paths at which IMA may have measured anything: '/var/log/**'; may be repeated"},
        {"ak-name", RATLS_OPTION_TEXT, &a.learn.ak_name, "HEX",
         "with logs alone: the Name of the machine's attestation key"},
        {"service", RATLS_OPTION_TEXT, &a.learn.service, "NAME", "default: as in the evidence"},
        {"timeout", RATLS_OPTION_UINT, &from->session.timeout_s, "SECONDS",
         "how long to wait for the server (default 10)"},
        {"into", RATLS_OPTION_TEXT, &a.into, "POLICY", "add this machine and its key to a policy"},
        {"out", RATLS_OPTION_TEXT, &a.learn.out_path, "FILE",
         "the policy; its lists go beside it (default: standard output, for values alone)"},
        {"force", RATLS_OPTION_FLAG, &a.learn.replaces, NULL, "replace the file if it exists"},
    };
    struct ratls_options options = HELP;
    int first, code;

    options.rows = rows;
    options.count = sizeof rows / sizeof rows[0];
    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    code = check_arguments(&a, argc - first, argv + first);
    return code != RATLS_EXIT_OK ? code : run(&a);
}
