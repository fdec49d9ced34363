/* ratls ca challenge: from the request of a machine to the challenge for its TPM. */
#include <stdio.h>
#include <stdlib.h>

#include "ca_command.h"
#include "ca_files.h"
#include "enroll_message.h"
#include "file.h"
#include "output.h"

struct work {
    struct ratls_ca_command command;
    const char *in, *out;
    char path[RATLS_CA_PATH_MAX];
    struct ratls_ca_answer answer;
    int64_t until; /* 0: nothing was written */
    bool is_result;
};

/* The same request again gives what was issued, if it was. */
static enum ratls_status write_body(struct work *work, struct ratls_error *err)
{
    const struct ratls_slice body = ratls_slice(work->answer.body, work->answer.len);
    struct ratls_enroll_result result;
    enum ratls_status status;

    if (body.len == 0)
        return RATLS_OK;
    work->is_result = ratls_enroll_result_read(body, &result);
    status = ratls_ca_out_path(work->in, ".req", work->is_result ? ".crt" : ".chal", work->out,
                               work->path, err);
    if (status != RATLS_OK)
        return status;
    return work->is_result ? ratls_ca_write_result(work->path, body, &work->until, err)
                           : ratls_ca_write_challenge(work->path, body, &work->until, err);
}

static enum ratls_status ask(struct work *work, struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_file_read(work->in, &bytes, &len, err);

    if (status == RATLS_OK)
        status = ratls_ca_command_open(&work->command, err);
    if (status == RATLS_OK)
        status = ratls_ca_take_request(work->command.ca, ratls_slice(bytes, len), RATLS_CA_FILES,
                                       work->command.now, &work->answer, err);
    free(bytes);
    return status == RATLS_OK ? write_body(work, err) : status;
}

static void show_text(const struct work *work)
{
    char until[RATLS_CA_WHEN_MAX];

    if (work->until == 0)
        return;
    ratls_ca_when(work->until, work->command.now, until);
    printf("%s, valid until %s, written to %s\n", work->answer.detail, until, work->path);
    printf("  on the machine that asked: ratls ca %s %s\n", work->is_result ? "install" : "answer",
           work->path);
}

static int show(const struct work *work)
{
    struct ratls_view v;

    if (!work->command.json) {
        show_text(work);
        return ratls_ca_command_code(&work->answer);
    }
    ratls_view_begin(&v, stdout, true, "Challenge");
    ratls_ca_command_view(&v, &work->answer);
    if (work->until != 0) {
        ratls_view_text(&v, "file", NULL, work->path);
        ratls_view_uint(&v, "validUntil", NULL, (uint64_t)work->until, NULL);
    }
    ratls_view_end(&v);
    return ratls_ca_command_code(&work->answer);
}

int ratls_cmd_ca_challenge(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"out", RATLS_OPTION_TEXT, &work.out, "FILE",
         "the challenge (default: that of the request, with .chal)"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] REQUEST",
        .about = "Checks a request: the endorsement key, the attestation key, and whether this\n"
                 "TPM may have these names. Writes a challenge that only this TPM can answer.\n"
                 "If nothing speaks for it, the request waits for 'ratls ca approve'; then the\n"
                 "same request again gets its challenge.",
        .example = "  ratls ca challenge bank.req",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one request", &work.in, &code))
        return code;
    status = ask(&work, &err);
    code = status == RATLS_OK ? show(&work) : ratls_out_error(status, &err);
    ratls_ca_answer_done(&work.answer);
    ratls_ca_command_done(&work.command);
    return code;
}
