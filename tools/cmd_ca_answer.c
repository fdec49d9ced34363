/* ratls ca answer: this machine opens the challenge of a CA. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "describe.h"
#include "enroll_command.h"
#include "enroll_state.h"
#include "fail.h"
#include "file.h"
#include "output.h"
#include "view.h"

#define FILE_MODE 0644

struct arguments {
    struct ratls_enrolment enrolment;
    const char *request_path;
    const char *challenge_path;
    const char *out_path;
    bool replaces;
    bool json;
};

struct messages {
    uint8_t *request, *challenge;
    size_t request_len, challenge_len;
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX];
};

static enum ratls_status read_messages(const struct arguments *a, struct messages *m,
                                       struct ratls_error *err)
{
    enum ratls_status status = ratls_file_read_long(a->challenge_path, RATLS_ENROLL_CHALLENGE_MAX,
                                                    &m->challenge, &m->challenge_len, err);

    if (status != RATLS_OK)
        return status;
    if (a->request_path != NULL)
        return ratls_file_read_long(a->request_path, RATLS_ENROLL_REQUEST_MAX, &m->request,
                                    &m->request_len, err);
    status = ratls_enroll_kept(a->enrolment.state_dir, RATLS_ENROLL_KEPT_REQUEST, &m->request,
                               &m->request_len, err);
    if (status == RATLS_OK && m->request_len == 0)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: no request is kept there: it was made with another --state, or "
                            "its certificate is installed; --request FILE names one",
                            a->enrolment.state_dir);
    return status;
}

/* The CA's clock decides; but this explains what it will say. */
static void warn_late(const struct messages *m)
{
    struct ratls_enroll_challenge challenge;
    char until[RATLS_TIME_TEXT_MAX];

    if (!ratls_enroll_challenge_read(ratls_slice(m->challenge, m->challenge_len), &challenge) ||
        challenge.expires >= (uint64_t)time(NULL))
        return;
    ratls_time_text((int64_t)challenge.expires, until);
    ratls_complain("the challenge ended at %s: the CA will refuse this answer", until);
    ratls_hint("make a new request with 'ratls ca request'");
}

static void print(const struct arguments *a, const struct messages *m, const char *path)
{
    struct ratls_enroll_challenge challenge;
    struct ratls_view v;

    if (!a->json) {
        printf("Answer written to %s\n\n"
               "Next: give it to the CA, which makes the certificate with 'ratls ca issue %s'.\n"
               "Install what comes back here: ratls ca install CERTIFICATE\n",
               path, path);
        return;
    }
    ratls_view_begin(&v, stdout, true, NULL);
    ratls_view_text(&v, "type", NULL, "enroll-answer");
    ratls_view_text(&v, "file", NULL, path);
    if (ratls_enroll_challenge_read(ratls_slice(m->challenge, m->challenge_len), &challenge))
        ratls_view_hex(&v, "id", NULL, challenge.id);
    ratls_view_end(&v);
}

static enum ratls_status make(const struct arguments *a, struct messages *m, const char *path,
                              struct ratls_error *err)
{
    size_t len = 0;
    enum ratls_status status = ratls_file_may_write(path, a->replaces, err);

    if (status != RATLS_OK)
        return status;
    ratls_progress("Having the TPM make its endorsement key: RSA may take a minute");
    status =
        ratls_enrolment_answer(&a->enrolment, ratls_slice(m->request, m->request_len),
                               ratls_slice(m->challenge, m->challenge_len), m->answer, &len, err);
    ratls_progress_done();
    if (status == RATLS_OK)
        status = ratls_file_write(path, ratls_slice(m->answer, len), FILE_MODE, a->replaces, err);
    return status;
}

static enum ratls_status answer(const struct arguments *a, struct messages *m,
                                struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];
    const char *out = a->out_path == NULL ? path : a->out_path;
    enum ratls_status status =
        ratls_enroll_file_name(a->challenge_path, ".chal", ".ans", path, err);

    if (status == RATLS_OK)
        status = read_messages(a, m, err);
    if (status == RATLS_OK)
        status = make(a, m, out, err);
    if (status == RATLS_OK) {
        print(a, m, out);
        warn_late(m);
    }
    return status;
}

static int run(const struct arguments *a)
{
    struct messages *m = calloc(1, sizeof *m);
    struct ratls_error err = {0};
    enum ratls_status status;

    if (m == NULL) {
        status = ratls_fail(&err, RATLS_MEMORY, "out of memory");
        return ratls_out_error(status, &err);
    }
    status = answer(a, m, &err);
    free(m->request);
    free(m->challenge);
    free(m);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}

int ratls_cmd_ca_answer(int argc, char **argv)
{
    struct arguments a = {.enrolment = {.state_dir = RATLS_STATE_DEFAULT}};
    const struct ratls_option rows[] = {
        RATLS_ENROLL_OPTIONS(a.enrolment),
        {"request", RATLS_OPTION_TEXT, &a.request_path, "FILE",
         "the request that it is for (default: the last one)"},
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE",
         "the answer (default: as the challenge, with .ans)"},
        {"force", RATLS_OPTION_FLAG, &a.replaces, NULL, "replace a file that exists"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] CHALLENGE",
        .about = "On a server: has the TPM open the challenge of a CA, which only the TPM of the\n"
                 "request can, and writes the answer.",
        .example = "  ratls ca answer bank.example.chal",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int code;

    if (!ratls_options_parse_one(&options, argc, argv,
                                 "name one file, with the challenge of the CA", &a.challenge_path,
                                 &code))
        return code;
    return run(&a);
}
