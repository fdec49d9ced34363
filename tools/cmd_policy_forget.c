/* ratls policy forget-counters: after a TPM was cleared, and has made the same key again. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "ledger_seen.h"
#include "options.h"
#include "output.h"
#include "policy_build.h"

static const char about[] =
    "The clock and the counters of a TPM never go back, but when it is cleared. Then an\n"
    "attestation key that it makes again (ratls init --transient) is refused by whoever has\n"
    "seen it before: quote.counters. This forgets what the state folder has of such a key.\n"
    "Programs that run remember too: start them again.\n"
    "First find out whether the TPM was cleared: somebody who has set a virtual TPM back to\n"
    "an earlier state looks the same.";

static enum ratls_status forget(const char *folder, const char *text, bool *ret_found,
                                struct ratls_error *err)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t len = 0;
    struct ratls_ledger *ledger = NULL;
    enum ratls_status status =
        ratls_build_read_name(ratls_slice(text, strlen(text)), name, &len, err);

    if (status == RATLS_OK)
        status = ratls_ledger_new(folder, &ledger, err);
    if (status == RATLS_OK)
        status = ratls_ledger_forget_seen(ledger, ratls_slice(name, len), ret_found, err);
    ratls_ledger_free(ledger);
    return status;
}

int ratls_cmd_policy_forget(int argc, char **argv)
{
    const char *folder = NULL;
    const struct ratls_option rows[] = {
        {"state", RATLS_OPTION_TEXT, &folder, "DIR", "the state folder of the programs"},
    };
    const struct ratls_options options = {
        .synopsis = "--state DIR NAME",
        .about = about,
        .example = "  ratls policy forget-counters --state /var/lib/ratls-client 000b3f...",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    struct ratls_error err = {0};
    bool is_found = false;
    enum ratls_status status;
    int first, code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (folder == NULL || argc - first != 1)
        return ratls_usage("say the state folder, and the Name of one attestation key");
    status = forget(folder, argv[first], &is_found, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    printf(is_found ? "The counters of this key are forgotten; programs that run are to be started "
                      "again.\n"
                    : "No counters of this key are in this folder.\n");
    return is_found ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}
