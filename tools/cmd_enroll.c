/* ratls enroll: a certificate for the attestation key of this machine, by a CA's service. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "enroll.h"
#include "enrolled.h"
#include "fail.h"
#include "local.h"
#include "options.h"
#include "output.h"

#define WAIT_DEFAULT_S 600
#define TOKEN_VARIABLE "RATLS_TOKEN_FILE"
#define DAY_MAX 32
#define NAMES_MAX 512 /* the rest is cut */

struct arguments {
    struct ratls_enroll enroll;
    unsigned wait_s;
    bool is_forced, json;
    bool was_told; /* that it is waited for */
    struct ratls_enroll_names *names;
    struct ratls_enrolled *enrolled; /* what is there when it begins */
};

/* ---- what is said ---- */

static void write_day(int64_t seconds, char out[static DAY_MAX])
{
    const time_t time = (time_t)seconds;
    struct tm tm;

    if (gmtime_r(&time, &tm) == NULL || strftime(out, DAY_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, DAY_MAX, "unreadable");
}

static void tell_busy(void *arg, const char *words)
{
    (void)arg;
    ratls_progress_done();
    ratls_complain("%s: asking again", words);
    ratls_progress("Waiting for the CA");
}

static void tell_waiting(void *arg, const char *request_id)
{
    bool *was_told = arg;

    if (*was_told)
        return;
    *was_told = true;
    ratls_progress_done();
    ratls_complain("the CA waits for an approval by hand");
    ratls_hint("at the CA: 'ratls ca approve %s'", request_id);
    ratls_progress("Waiting for the approval");
}

static json_t *describe_names(const struct ratls_enroll_names *names)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->count; i++)
        json_array_append_new(list, json_string(names->texts[i]));
    return list;
}

static void print_json(const struct arguments *a, const char *state,
                       const struct ratls_enrolled *enrolled,
                       const struct ratls_enroll_ended *ended)
{
    json_t *all = json_object();
    char day[DAY_MAX];

    json_object_set_new(all, "state", json_string(state));
    json_object_set_new(all, "names", describe_names(a->names));
    if (enrolled != NULL && enrolled->is_there) {
        write_day(enrolled->not_after, day);
        json_object_set_new(all, "notAfter", json_string(day));
    }
    if (ended != NULL && ended->request_id[0] != '\0')
        json_object_set_new(all, "requestSha256", json_string(ended->request_id));
    if (ended != NULL && ended->words[0] != '\0')
        json_object_set_new(all, "detail", json_string(ended->words));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static int tell_current(const struct arguments *a)
{
    char day[DAY_MAX], names[NAMES_MAX];

    if (a->json) {
        print_json(a, "current", a->enrolled, NULL);
        return RATLS_EXIT_OK;
    }
    write_day(a->enrolled->not_after, day);
    ratls_enroll_names_text(a->names, names, sizeof names);
    printf("nothing to do: the certificate for %s is valid until %s; it is renewed in the last "
           "third of its life, or with --force\n",
           names, day);
    return RATLS_EXIT_OK;
}

static int tell_installed(const struct arguments *a, const struct ratls_enroll_ended *ended)
{
    struct ratls_enrolled *enrolled = NULL;
    struct ratls_error err = {0};
    char day[DAY_MAX], names[NAMES_MAX];
    enum ratls_status status = ratls_enrolled_read(a->enroll.enrolment.state_dir, &enrolled, &err);

    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    if (a->json) {
        print_json(a, "installed", enrolled, ended);
    } else {
        write_day(enrolled->not_after, day);
        ratls_enroll_names_text(a->names, names, sizeof names);
        printf("enrolled %s until %s: %s/ak.crt\n", names, day, a->enroll.enrolment.state_dir);
        printf("servers that run already use it when they are reloaded, "
               "ratlsd when it is restarted\n");
    }
    free(enrolled);
    return RATLS_EXIT_OK;
}

static int tell(const struct arguments *a, const struct ratls_enroll_ended *ended)
{
    switch (ended->end) {
    case RATLS_ENROLL_INSTALLED:
        return tell_installed(a, ended);
    case RATLS_ENROLL_WAITING:
        if (a->json)
            print_json(a, "waiting", a->enrolled, ended);
        ratls_complain("nobody has approved the request yet: it is kept, and the same command goes "
                       "on with it");
        return RATLS_EXIT_REFUSED;
    case RATLS_ENROLL_REFUSED:
        break;
    }
    if (a->json)
        print_json(a, "refused", a->enrolled, ended);
    ratls_complain("the CA refuses: %s", ended->words);
    return RATLS_EXIT_REFUSED;
}

static int tell_failed(const struct arguments *a, enum ratls_status status,
                       const struct ratls_error *err)
{
    const int code = ratls_out_error(status, err);

    if (a->enroll.client.may_pass)
        ratls_hint("nothing is lost: run the same command again when the CA is there; it goes on "
                   "where it was");
    return code;
}

/* ---- what is done ---- */

/* Without a name those of the certificate that is there. */
static enum ratls_status choose_names(struct arguments *a, int count, char **names,
                                      struct ratls_error *err)
{
    struct ratls_slice texts[RATLS_ENROLL_NAMES_MAX];

    if (count == 0 && !a->enrolled->is_there)
        return ratls_fail(err, RATLS_USAGE,
                          "there is no certificate to renew yet: name the machine");
    if (count > RATLS_ENROLL_NAMES_MAX)
        return ratls_fail(err, RATLS_USAGE, "more than %d names", RATLS_ENROLL_NAMES_MAX);
    if (count == 0)
        *a->names = a->enrolled->names;
    for (int i = 0; i < count; i++)
        texts[i] = ratls_slice(names[i], strlen(names[i]));
    return count == 0 ? RATLS_OK : ratls_enroll_names_read(texts, (size_t)count, a->names, err);
}

static bool is_current(const struct arguments *a)
{
    return !a->is_forced && ratls_enrolled_is_fresh(a->enrolled, time(NULL)) &&
           ratls_enroll_names_equal(a->names, &a->enrolled->names);
}

static int enroll(struct arguments *a, int name_count, char **names)
{
    struct ratls_enroll_ended ended = {.end = RATLS_ENROLL_REFUSED};
    struct ratls_error err = {0};
    enum ratls_status status = ratls_http_check(a->enroll.client.url, &err);

    if (status == RATLS_OK)
        status = ratls_enrolled_read(a->enroll.enrolment.state_dir, &a->enrolled, &err);
    if (status == RATLS_OK)
        status = choose_names(a, name_count, names, &err);
    if (status == RATLS_OK && is_current(a))
        return tell_current(a);
    if (status == RATLS_OK) {
        a->enroll.client.until_ms = ratls_ca_client_clock_ms() + (int64_t)a->wait_s * 1000;
        ratls_progress("Enrolling");
        status = ratls_enroll(&a->enroll, &ended, &err);
        ratls_progress_done();
    }
    return status == RATLS_OK ? tell(a, &ended) : tell_failed(a, status, &err);
}

static bool parse(struct arguments *a, int argc, char **argv, int *ret_first, int *ret_code)
{
    struct ratls_enrolment *enrolment = &a->enroll.enrolment;
    const struct ratls_option rows[] = {
        {"ca", RATLS_OPTION_TEXT, &a->enroll.ca_file, "FILE",
         "the certificate must lead to one of these (PEM)"},
        {"tls-ca", RATLS_OPTION_TEXT, &a->enroll.client.tls_ca, "FILE",
         "who certifies the web server of https://, instead of the system's CAs (PEM)"},
        {"token-file", RATLS_OPTION_TEXT, &enrolment->token_file, "FILE",
         "token of the CA; default: the file that " TOKEN_VARIABLE " names, or none"},
        {"wait", RATLS_OPTION_DURATION, &a->wait_s, "TIME",
         "how long to wait for an approval (default 10m)"},
        {"state", RATLS_OPTION_TEXT, &enrolment->state_dir, "DIR",
         "folder of the attestation key (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &enrolment->tcti, "CONF",
         "the TPM, as in tpm2-tools; default: what the folder says"},
        {"ek", RATLS_OPTION_TEXT, &enrolment->ek, "NAME",
         "endorsement key, such as L-1; auto: the first with a certificate (default)"},
        {"ek-certificate", RATLS_OPTION_TEXT, &enrolment->ek_certificate, "FILE",
         "its certificate, for a TPM that has none in itself"},
        {"force", RATLS_OPTION_FLAG, &a->is_forced, NULL, "also if the certificate is new enough"},
        {"json", RATLS_OPTION_FLAG, &a->json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] URL [NAME...]",
        .about =
            "Gets a certificate for this machine's attestation key and these names from a CA,\n"
            "whose service ('ratls ca serve') is at https://..., or unix:/SOCKET. The CA lets\n"
            "the TPM prove that the key lies beside the endorsement key that its maker\n"
            "certified. Without a name the certificate that is there is renewed. What was\n"
            "interrupted goes on where it was.",
        .example = "  ratls enroll --ca ca.crt --token-file token https://ca.example bank.example",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };

    return ratls_options_parse(&options, argc, argv, ret_first, ret_code);
}

int ratls_cmd_enroll(int argc, char **argv)
{
    const char *token_file = getenv(TOKEN_VARIABLE);
    struct arguments a = {.wait_s = WAIT_DEFAULT_S};
    int first;
    int code;

    a.enroll.enrolment.state_dir = RATLS_STATE_DEFAULT;
    a.enroll.enrolment.token_file = token_file == NULL || token_file[0] == '\0' ? NULL : token_file;
    a.enroll.client.busy = tell_busy;
    a.enroll.waits = tell_waiting;
    a.enroll.waits_arg = &a.was_told;
    if (!parse(&a, argc, argv, &first, &code))
        return code;
    if (first == argc)
        return ratls_usage("name the URL of a CA's service");
    a.names = calloc(1, sizeof *a.names);
    if (a.names == NULL)
        return ratls_out_error(RATLS_MEMORY, &(struct ratls_error){0});
    a.enroll.names = a.names;
    a.enroll.client.url = argv[first];
    code = enroll(&a, argc - first - 1, argv + first + 1);
    free(a.names);
    free(a.enrolled);
    return code;
}
