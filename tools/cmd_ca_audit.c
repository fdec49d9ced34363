/* ratls ca audit: what a CA did, one record a line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca_command.h"
#include "command.h"
#include "describe.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "policy_duration.h"

#define NUMBER_DIGITS_MAX 18

struct arguments {
    struct ratls_ca_command command;
    const char *since_text;
    bool verifies;
};

struct since {
    int64_t number; /* of the first record; 1: all */
    int64_t time;   /* 0: any */
};

/* A number of a record, a time as records have it, or how long ago. */
static bool read_since(const struct arguments *a, struct since *ret)
{
    const char *text = a->since_text, *end;
    struct tm tm = {.tm_year = 0};
    uint64_t ago_s;

    *ret = (struct since){.number = 1};
    if (text == NULL)
        return true;
    if (text[0] != '\0' && strlen(text) <= NUMBER_DIGITS_MAX &&
        strspn(text, "0123456789") == strlen(text)) {
        ret->number = (int64_t)strtoull(text, NULL, 10);
        return ret->number > 0;
    }
    ago_s = ratls_duration_s(text);
    if (ago_s != 0) {
        ret->time = a->command.now > (int64_t)ago_s ? a->command.now - (int64_t)ago_s : 1;
        return true;
    }
    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (end == NULL || *end != '\0') {
        tm = (struct tm){.tm_year = 0};
        end = strptime(text, "%Y-%m-%d", &tm);
    }
    ret->time = timegm(&tm);
    return end != NULL && *end == '\0' && ret->time > 0;
}

static bool print_record(void *arg, const struct ratls_store_record *record)
{
    const struct since *since = arg;
    char at[RATLS_TIME_TEXT_MAX];
    struct ratls_view v = {.one_line = true};

    if (record->at < since->time)
        return true;
    ratls_time_text(record->at, at);
    ratls_view_begin(&v, stdout, true, NULL);
    v.one_line = true;
    ratls_view_uint(&v, "seq", NULL, (uint64_t)record->seq, NULL);
    ratls_view_text(&v, "at", NULL, at);
    ratls_view_text(&v, "kind", NULL, record->kind);
    ratls_view_text(&v, "subject", NULL, record->subject);
    ratls_view_text(&v, "detail", NULL, record->detail);
    ratls_view_hex(&v, "sha256", NULL, ratls_slice(record->sha256, sizeof record->sha256));
    ratls_view_end(&v);
    return ferror(stdout) == 0;
}

static enum ratls_status verify(const struct arguments *a, struct ratls_error *err)
{
    char digits[2 * 32 + 1];
    struct ratls_view v;
    uint8_t head[32] = {0};
    int64_t count = 0;
    bool is_whole = false;
    enum ratls_status status =
        ratls_store_verify_audit(a->command.store, head, &count, &is_whole, err);

    if (status != RATLS_OK)
        return status;
    ratls_hex(ratls_slice(head, sizeof head), digits, sizeof digits);
    if (a->command.json) {
        ratls_view_begin(&v, stdout, true, NULL);
        ratls_view_text(&v, "type", NULL, "audit");
        ratls_view_bool(&v, "whole", NULL, is_whole);
        ratls_view_uint(&v, "records", NULL, (uint64_t)count, NULL);
        ratls_view_text(&v, "head", NULL, digits);
        ratls_view_end(&v);
    } else {
        printf("%" PRId64 " records are as they were written, up to %s\n", count, digits);
    }
    if (!is_whole)
        return ratls_fail(err, RATLS_REJECTED,
                          "the record after number %" PRId64 " was changed, or one is missing: "
                          "somebody has written to the store by hand; compare with a backup",
                          count);
    if (!a->command.json)
        printf("That the last ones are missing only shows who keeps this hash elsewhere: the next\n"
               "time, the record of this number must have it still.\n");
    return RATLS_OK;
}

static enum ratls_status run(struct arguments *a, struct ratls_error *err)
{
    struct since since;
    enum ratls_status status = ratls_ca_command_store(&a->command, err);

    if (status != RATLS_OK)
        return status;
    if (!read_since(a, &since))
        return ratls_fail(err, RATLS_USAGE,
                          "--since: wanted is the number of a record, a time such as "
                          "2026-11-20T08:00:00Z or 2026-11-20, or how long ago, such as 24h");
    return a->verifies
               ? verify(a, err)
               : ratls_store_each_record(a->command.store, since.number, print_record, &since, err);
}

int ratls_cmd_ca_audit(int argc, char **argv)
{
    struct arguments a = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(a.command),
        {"since", RATLS_OPTION_TEXT, &a.since_text, "WHEN",
         "records from this number, this time, or so long ago on: 17, 2026-11-20, 24h"},
        {"verify", RATLS_OPTION_FLAG, &a.verifies, NULL,
         "whether all records are as they were written"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Prints what the CA did: requests, decisions, certificates, revocations, tokens,\n"
                 "lists. One record a line, as JSON. Each has the hash of the one before it, so\n"
                 "that none can be changed in secret but the last ones.",
        .example = "  ratls ca audit --since 24h | jq 'select(.kind == \"revoke\")'\n"
                   "  ratls ca audit --verify",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    status = run(&a, &err);
    ratls_ca_command_done(&a.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
