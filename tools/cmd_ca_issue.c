/* ratls ca issue: from the answer of a machine to the certificate of its attestation key. */
#include <stdio.h>
#include <stdlib.h>

#include "ca_command.h"
#include "ca_files.h"
#include "file.h"
#include "output.h"

struct work {
    struct ratls_ca_command command;
    const char *in, *out;
    char path[RATLS_CA_PATH_MAX];
    struct ratls_ca_answer answer;
    int64_t until; /* 0: nothing was written */
};

static enum ratls_status ask(struct work *work, struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_ca_out_path(work->in, ".ans", ".crt", work->out, work->path, err);

    if (status == RATLS_OK)
        status = ratls_file_read(work->in, &bytes, &len, err);
    if (status == RATLS_OK)
        status = ratls_ca_command_open(&work->command, err);
    if (status == RATLS_OK)
        status = ratls_ca_take_answer(work->command.ca, ratls_slice(bytes, len), work->command.now,
                                      &work->answer, err);
    free(bytes);
    if (status == RATLS_OK && work->answer.len > 0)
        status = ratls_ca_write_result(work->path, ratls_slice(work->answer.body, work->answer.len),
                                       &work->until, err);
    return status;
}

static void show_text(const struct work *work)
{
    char until[RATLS_CA_WHEN_MAX];

    if (work->until == 0)
        return;
    ratls_ca_when(work->until, work->command.now, until);
    printf("%s, valid until %s, written to %s\n", work->answer.detail, until, work->path);
    printf("  on the machine that asked: ratls ca install %s\n", work->path);
}

static int show(const struct work *work)
{
    struct ratls_view v;
    int code;

    if (work->command.json) {
        ratls_view_begin(&v, stdout, true, "Certificate");
        ratls_ca_command_view(&v, &work->answer);
        if (work->until != 0) {
            ratls_view_text(&v, "file", NULL, work->path);
            ratls_view_uint(&v, "validUntil", NULL, (uint64_t)work->until, NULL);
        }
        ratls_view_end(&v);
    } else {
        show_text(work);
    }
    code = ratls_ca_command_code(&work->answer);
    if (work->answer.http_status == 409)
        ratls_hint("'ratls ca list' has what was issued, and 'ratls ca show --out FILE' writes it");
    return code;
}

int ratls_cmd_ca_issue(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"out", RATLS_OPTION_TEXT, &work.out, "FILE",
         "the certificate (default: that of the answer, with .crt)"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] ANSWER",
        .about = "Checks an answer, and writes the certificate of the attestation key (PEM).\n"
                 "Right or wrong, the first answer uses its challenge up.",
        .example = "  ratls ca issue bank.ans",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one answer", &work.in, &code))
        return code;
    status = ask(&work, &err);
    code = status == RATLS_OK ? show(&work) : ratls_out_error(status, &err);
    ratls_ca_answer_done(&work.answer);
    ratls_ca_command_done(&work.command);
    return code;
}
