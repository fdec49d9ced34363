/* ratls ca list: what was issued, and who waits. */
#include <stdio.h>
#include <string.h>

#include "ca_command.h"
#include "ca_find.h"
#include "describe.h"
#include "output.h"

#define SHOWN_DIGITS 16 /* of serial numbers and hashes: enough to name one of 2^32 */
#define DAY_DIGITS 10
#define ROW_MAX 512

struct work {
    struct ratls_ca_command command;
    const char *what; /* NULL: all */
    bool only_revoked, only_waiting;
    unsigned expiring_s; /* 0: any */
    struct ratls_view v;
    size_t count;
};

static void cut_hex(struct ratls_slice bytes, char out[static SHOWN_DIGITS + 1])
{
    ratls_hex(ratls_slice(bytes.p, bytes.len < SHOWN_DIGITS / 2 ? bytes.len : SHOWN_DIGITS / 2),
              out, SHOWN_DIGITS + 1);
}

/* Names in a list are separated by one space each. */
static bool has_name(const char *names, const char *name)
{
    const size_t len = strlen(name);

    for (const char *p = strstr(names, name); p != NULL; p = strstr(p + 1, name))
        if ((p == names || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
            return true;
    return false;
}

/* A name, or the first digits of a serial number, a hash or a Name. */
static bool is_meant(const struct work *work, const struct ratls_store_certificate *c)
{
    const char *what = work->what;

    if (what == NULL || has_name(c->names, what))
        return true;
    if (strncmp(what, "ek:", 3) == 0 || strncmp(what, "ak:", 3) == 0)
        what += 3;
    return ratls_ca_is_digits(what) &&
           (ratls_ca_begins(ratls_slice(c->serial, c->serial_len), what) ||
            ratls_ca_begins(ratls_slice(c->ek_sha256, sizeof c->ek_sha256), what) ||
            ratls_ca_begins(ratls_slice(c->ak_name, c->ak_name_len), what));
}

static const char *state_of(const struct ratls_store_certificate *c, int64_t now)
{
    if (c->revoked != 0)
        return "revoked";
    return c->not_after < now ? "expired" : "valid";
}

static void show_object(struct work *work, const struct ratls_store_certificate *c)
{
    struct ratls_view *v = &work->v;

    ratls_view_section(v, NULL, "");
    ratls_view_hex(v, "serial", NULL, ratls_slice(c->serial, c->serial_len));
    ratls_view_text(v, "state", NULL, state_of(c, work->command.now));
    ratls_view_text(v, "names", NULL, c->names);
    ratls_view_hex(v, "ek", NULL, ratls_slice(c->ek_sha256, sizeof c->ek_sha256));
    ratls_view_hex(v, "ak", NULL, ratls_slice(c->ak_name, c->ak_name_len));
    ratls_view_hex(v, "issuer", NULL, ratls_slice(c->issuer_sha256, sizeof c->issuer_sha256));
    ratls_view_uint(v, "notBefore", NULL, (uint64_t)c->not_before, NULL);
    ratls_view_uint(v, "notAfter", NULL, (uint64_t)c->not_after, NULL);
    ratls_view_uint(v, "revoked", NULL, (uint64_t)c->revoked, NULL);
    ratls_view_section_end(v);
}

static bool show_certificate(void *arg, const struct ratls_store_certificate *c)
{
    struct work *work = arg;
    char serial[SHOWN_DIGITS + 1], ek[SHOWN_DIGITS + 1], ak[SHOWN_DIGITS + 1];
    char until[RATLS_TIME_TEXT_MAX], row[ROW_MAX];

    if (!is_meant(work, c))
        return true;
    work->count++;
    if (work->command.json) {
        show_object(work, c);
        return true;
    }
    cut_hex(ratls_slice(c->serial, c->serial_len), serial);
    cut_hex(ratls_slice(c->ek_sha256, sizeof c->ek_sha256), ek);
    cut_hex(ratls_slice(c->ak_name, c->ak_name_len), ak);
    ratls_time_text(c->not_after, until);
    (void)snprintf(row, sizeof row, "%-16s  %-7s  %.*s  %-16s  %-16s  %s", serial,
                   state_of(c, work->command.now), DAY_DIGITS, until, ek, ak, c->names);
    printf("%s\n", row);
    return true;
}

static bool show_waiting(void *arg, const struct ratls_store_entry *entry)
{
    struct work *work = arg;
    char id[SHOWN_DIGITS + 1], ek[SHOWN_DIGITS + 1], when[RATLS_CA_WHEN_MAX];
    const struct ratls_slice sha256 =
        ratls_slice(entry->request_sha256, sizeof entry->request_sha256);
    const struct ratls_slice key = ratls_slice(entry->ek_sha256, sizeof entry->ek_sha256);

    if (work->what != NULL && !has_name(entry->names, work->what) &&
        !(ratls_ca_is_digits(work->what) &&
          (ratls_ca_begins(sha256, work->what) || ratls_ca_begins(key, work->what))))
        return true;
    work->count++;
    if (work->command.json) {
        ratls_view_section(&work->v, NULL, "");
        ratls_view_hex(&work->v, "request", NULL, sha256);
        ratls_view_text(&work->v, "names", NULL, entry->names);
        ratls_view_hex(&work->v, "ek", NULL, key);
        ratls_view_uint(&work->v, "at", NULL, (uint64_t)entry->at, NULL);
        ratls_view_section_end(&work->v);
        return true;
    }
    cut_hex(sha256, id);
    cut_hex(key, ek);
    ratls_ca_when(entry->at, work->command.now, when);
    printf("%-16s  %-16s  %s  %s\n", id, ek, when, entry->names);
    return true;
}

static enum ratls_status show_all(struct work *work, struct ratls_error *err)
{
    const struct ratls_ca_command *command = &work->command;
    const struct ratls_store_filter filter = {
        .by = RATLS_STORE_BY_ALL,
        .only_revoked = work->only_revoked,
        .valid_from = work->expiring_s == 0 ? 0 : command->now,
        .valid_until = work->expiring_s == 0 ? 0 : command->now + work->expiring_s,
    };

    if (work->only_waiting)
        return ratls_store_each_waiting(command->store, command->now, show_waiting, work, err);
    return ratls_store_list(command->store, &filter, show_certificate, work, err);
}

static enum ratls_status show(struct work *work, struct ratls_error *err)
{
    enum ratls_status status = ratls_ca_command_store(&work->command, err);

    if (status != RATLS_OK)
        return status;
    if (work->command.json) {
        ratls_view_begin(&work->v, stdout, true, "Certificates");
        ratls_view_list(&work->v, work->only_waiting ? "requests" : "certificates");
    } else if (work->only_waiting) {
        printf("%-16s  %-16s  %s\n", "ID", "EK", "SINCE, NAMES");
    } else {
        printf("%-16s  %-7s  %-10s  %-16s  %-16s  %s\n", "SERIAL", "STATE", "UNTIL", "EK", "AK",
               "NAMES");
    }
    status = show_all(work, err);
    if (work->command.json) {
        ratls_view_list_end(&work->v);
        ratls_view_end(&work->v);
    }
    return status;
}

int ratls_cmd_ca_list(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"revoked", RATLS_OPTION_FLAG, &work.only_revoked, NULL, "only what is revoked"},
        {"waiting", RATLS_OPTION_FLAG, &work.only_waiting, NULL,
         "requests that wait for approval, the oldest first"},
        {"expiring", RATLS_OPTION_DURATION, &work.expiring_s, "TIME",
         "only what is valid, and ends within this time, such as 30d"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] [NAME|DIGITS]",
        .about = "Lists what was issued, one certificate in a line, in the order of their ends;\n"
                 "all, or those with a name, or whose serial number, endorsement key (EK) or\n"
                 "attestation key (AK) begins with 8 or more digits.",
        .example = "  ratls ca list --expiring 30d",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc - first > 1)
        return ratls_usage("'%s' is too much", argv[first + 1]);
    work.what = argv[first];
    status = show(&work, &err);
    ratls_ca_command_done(&work.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
