/* ratls ca approve, ratls ca refuse: what a person says about a request that waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_command.h"
#include "ca_files.h"
#include "ca_find.h"
#include "ca_names.h"
#include "output.h"

struct work {
    struct ratls_ca_command command;
    const char *id;
    struct ratls_list names;
    const char *reason; /* NULL: approved */
    const char *out;
    struct ratls_ca_answer answer;
};

static enum ratls_status decide(struct work *work, const uint8_t sha256[static 32],
                                struct ratls_error *err)
{
    struct ratls_ca_command *command = &work->command;
    struct ratls_ca_names *names = NULL;
    char who[RATLS_CA_WHO_MAX];
    enum ratls_status status = RATLS_OK;

    ratls_ca_command_who(who);
    if (work->reason != NULL)
        return ratls_ca_refuse(command->ca, sha256, who, work->reason, command->now, &work->answer,
                               err);
    if (work->names.count > 0)
        status = ratls_ca_names_read(work->names.items, work->names.count, &names, err);
    if (status == RATLS_OK)
        status = ratls_ca_approve(command->ca, sha256, names == NULL ? NULL : names->joined, who,
                                  command->now, &work->answer, err);
    free(names);
    return status;
}

static enum ratls_status run(struct work *work, struct ratls_error *err)
{
    uint8_t sha256[32];
    int64_t until;
    enum ratls_status status = ratls_ca_command_open(&work->command, err);

    if (status == RATLS_OK)
        status = ratls_ca_find_asked(work->command.store, work->id, work->command.now, sha256, err);
    if (status == RATLS_OK)
        status = decide(work, sha256, err);
    if (status == RATLS_OK && work->out != NULL && work->answer.len > 0)
        status = ratls_ca_write_challenge(
            work->out, ratls_slice(work->answer.body, work->answer.len), &until, err);
    return status;
}

static int show(const struct work *work)
{
    const int code = ratls_ca_command_code(&work->answer);
    struct ratls_view v;

    if (work->command.json) {
        ratls_view_begin(&v, stdout, true, "Decision");
        ratls_ca_command_view(&v, &work->answer);
        ratls_view_end(&v);
    } else if (code == RATLS_EXIT_OK && work->reason != NULL) {
        printf("%s\n", work->answer.detail);
    } else if (code == RATLS_EXIT_OK && work->out != NULL) {
        printf("approved: %s, written to %s\n", work->answer.detail, work->out);
    } else if (code == RATLS_EXIT_OK) {
        printf("approved: %s is ready; a machine that waits fetches it, and for one that asked by "
               "a file 'ratls ca challenge' writes it now\n",
               work->answer.detail);
    }
    return code;
}

static int finish(struct work *work)
{
    struct ratls_error err = {0};
    enum ratls_status status = run(work, &err);
    int code = status == RATLS_OK ? show(work) : ratls_out_error(status, &err);

    ratls_ca_answer_done(&work->answer);
    ratls_ca_command_done(&work->command);
    return code;
}

int ratls_cmd_ca_approve(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"name", RATLS_OPTION_LIST, &work.names, "NAME",
         "a name of the request, each of them: nothing is approved if it asks for others"},
        {"out", RATLS_OPTION_TEXT, &work.out, "FILE", "write the challenge, too"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] ID",
        .about = "Approves a request that waits: this endorsement key may have these names.\n"
                 "ID is 16 or more digits of its SHA-256: 'ratls ca list --waiting' shows them.\n"
                 "Look at it first ('ratls ca show ID'), and compare the hash of the endorsement\n"
                 "key with that of the machine ('ratls roots check').",
        .example = "  ratls ca approve 8f3a11c09b5e24d7 --name www.bank.example",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one request, by its ID", &work.id,
                                 &code))
        return code;
    return finish(&work);
}

int ratls_cmd_ca_refuse(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"reason", RATLS_OPTION_TEXT, &work.reason, "TEXT", "why; who asked is told it"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] --reason TEXT ID",
        .about = "Refuses a request that waits. It stays refused; a new one may be made.",
        .example = "  ratls ca refuse 8f3a11c09b5e24d7 --reason 'not our machine'",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one request, by its ID", &work.id,
                                 &code))
        return code;
    if (work.reason == NULL)
        return ratls_usage("--reason says why");
    return finish(&work);
}
