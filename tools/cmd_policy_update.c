/* ratls policy update: adds to the files of a policy what a machine that it trusts shows now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "additions.h"
#include "command.h"
#include "describe.h"
#include "fail.h"
#include "observe.h"
#include "output.h"
#include "update.h"

static int run(const struct ratls_update *update)
{
    struct ratls_error err = {0};
    const enum ratls_status status = ratls_update(update, &err);

    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}

int ratls_cmd_policy_update(int argc, char **argv)
{
    struct ratls_update update = {
        .from = {.session = {.timeout_s = RATLS_TIMEOUT_DEFAULT_S},
                 .tpm = {.state_dir = RATLS_STATE_DEFAULT}},
    };
    struct ratls_observe_options *from = &update.from;
    const struct ratls_option rows[] = {
        {"local", RATLS_OPTION_FLAG, &from->is_local, NULL, "from the TPM of this machine"},
        {"state", RATLS_OPTION_TEXT, &from->tpm.state_dir, "DIR",
         "with --local: folder of 'ratls init' (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &from->tpm.tcti, "CONF",
         "with --local: the TPM (default: that of 'ratls init')"},
        {"boot-log", RATLS_OPTION_TEXT, &from->boot_log, "FILE",
         "the firmware's whole log, which also has names; alone nobody vouches for it"},
        {"ima-list", RATLS_OPTION_TEXT, &from->ima_list, "FILE",
         "the IMA list in binary form; alone nobody vouches for it"},
        {"server-name", RATLS_OPTION_TEXT, &from->session.server_name, "NAME",
         "the server that is meant (default HOST, or that of the capture)"},
        {"timeout", RATLS_OPTION_UINT, &from->session.timeout_s, "SECONDS",
         "how long to wait for the server (default 10)"},
        {"dry-run", RATLS_OPTION_FLAG, &update.is_dry, NULL,
         "only print what would be added, as a unified diff"},
    };
    const struct ratls_options options = {
        .synopsis = "POLICY MACHINE [OPTION...]",
        .about = "Adds to the files beside a policy what changed on a machine that the policy\n"
                 "trusts: digests, texts, signers. Prints it as a unified diff. Nothing is ever\n"
                 "taken away, and nothing is written unless the policy then accepts the machine.\n"
                 "MACHINE is HOST:PORT, or --local, or a capture of 'ratls probe --save', or its\n"
                 "logs alone, with --boot-log and --ima-list.",
        .example = "  ratls policy update bank.yaml bank.example:443 --dry-run\n"
                   "  ratls policy update bank.yaml after-update.capture",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a policy, and the machine that changed");
    update.policy_path = argv[first];
    code = ratls_observe_operands(from, argc - first - 1, argv + first + 1);
    return code != RATLS_EXIT_OK ? code : run(&update);
}
