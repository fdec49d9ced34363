/* ratls ca revoke, ratls ca replace: what is no longer true. Both publish a new CRL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_command.h"
#include "ca_find.h"
#include "ca_names.h"
#include "fail.h"
#include "output.h"

/* RFC 5280, 5.3.1: those that mean something for an attestation key. */
static const struct {
    const char *name;
    unsigned number;
} reasons[] = {
    {"unspecified", 0}, {"key-compromise", 1}, {"affiliation-changed", 3},
    {"superseded", 4},  {"cessation", 5},
};

#define REASON_COUNT (sizeof reasons / sizeof reasons[0])

struct work {
    struct ratls_ca_command command;
    const char *what; /* as it was written */
    const char *reason;
    const char *by;
    size_t count; /* of certificates that were revoked */
};

static enum ratls_status find_reason(const char *name, unsigned *ret_number,
                                     struct ratls_error *err)
{
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            *ret_number = reasons[i].number;
            return RATLS_OK;
        }
    }
    return ratls_fail(err, RATLS_USAGE,
                      "%s: no such reason: unspecified, key-compromise, affiliation-changed, "
                      "superseded or cessation",
                      name);
}

static enum ratls_status revoke(struct work *work, struct ratls_error *err)
{
    struct ratls_ca_thing thing;
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    unsigned reason = 0;
    enum ratls_status status =
        find_reason(work->reason == NULL ? "unspecified" : work->reason, &reason, err);

    if (status == RATLS_OK)
        status = ratls_ca_command_store(&work->command, err);
    if (status == RATLS_OK)
        status = ratls_ca_find_thing(work->command.store, work->what, &thing, err);
    if (status == RATLS_OK)
        status = ratls_store_revoke(work->command.store, thing.by, ratls_ca_thing_value(&thing),
                                    reason, work->command.now, &work->count, &outcome, err);
    if (status == RATLS_OK && outcome == RATLS_STORE_UNKNOWN)
        status = ratls_fail(err, RATLS_USAGE, "%s: no certificate of it: 'ratls ca list' has all",
                            work->what);
    return status;
}

/* The store knows it from here on, whatever happens to the list. */
static int finish(struct work *work, enum ratls_status status, const char *done,
                  struct ratls_error *err)
{
    struct ratls_view v;

    if (status == RATLS_OK) {
        if (!work->command.json)
            printf("%s: certificates revoked: %zu\n", done, work->count);
        status = ratls_ca_command_publish(&work->command, err);
        if (status != RATLS_OK)
            ratls_complain("it is revoked, but there is no CRL yet that says so: 'ratls ca crl' "
                           "makes one");
    }
    if (status == RATLS_OK && work->command.json) {
        ratls_view_begin(&v, stdout, true, "Revoked");
        ratls_view_uint(&v, "revoked", NULL, work->count, NULL);
        ratls_view_end(&v);
    }
    ratls_ca_command_done(&work->command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, err);
}

int ratls_cmd_ca_revoke(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"reason", RATLS_OPTION_TEXT, &work.reason, "WORD",
         "unspecified, key-compromise, affiliation-changed, superseded or cessation"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] SERIAL|NAME|ak:DIGITS|ek:DIGITS",
        .about = "Revokes a certificate, by 8 or more digits of its serial number; all of a\n"
                 "name; or all of an attestation key or an endorsement key, which then never\n"
                 "gets one again with these attestation keys, nor do those whose certificates are\n"
                 "revoked for key-compromise. Then makes a new CRL. What may be a number and a\n"
                 "name is written serial:DIGITS or name:NAME.",
        .example = "  ratls ca revoke www.bank.example --reason key-compromise",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "say what to revoke", &work.what, &code))
        return code;
    return finish(&work, revoke(&work, &err), work.what, &err);
}

static enum ratls_status replace_names(struct work *work, const struct ratls_ca_names *names,
                                       const uint8_t *by, struct ratls_error *err)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status = ratls_ca_command_store(&work->command, err);

    if (status == RATLS_OK)
        status = ratls_store_replace(work->command.store, &names->all, by,
                                     work->reason == NULL ? "" : work->reason, work->command.now,
                                     &work->count, &outcome, err);
    if (status == RATLS_OK && outcome == RATLS_STORE_UNKNOWN)
        status = ratls_fail(err, RATLS_USAGE, "%s: no machine is enrolled for it", names->joined);
    return status;
}

static enum ratls_status replace(struct work *work, char **texts, size_t count,
                                 struct ratls_error *err)
{
    struct ratls_ca_names *names = NULL;
    uint8_t by[32];
    enum ratls_status status;

    if (work->by != NULL && (strlen(work->by) != 64 || !ratls_unhex(work->by, by, sizeof by)))
        return ratls_fail(err, RATLS_USAGE,
                          "--by %s: the SHA-256 of the new machine's endorsement key has 64 "
                          "digits: 'ratls roots check' shows it there",
                          work->by);
    status = ratls_ca_names_read((const char *const *)texts, count, &names, err);
    if (status == RATLS_OK)
        status = replace_names(work, names, work->by == NULL ? NULL : by, err);
    free(names);
    return status;
}

int ratls_cmd_ca_replace(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"by", RATLS_OPTION_TEXT, &work.by, "SHA256",
         "only the machine with this endorsement key may take the names, and needs no more "
         "approval"},
        {"reason", RATLS_OPTION_TEXT, &work.reason, "TEXT", "why; kept in the audit log"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] NAME...",
        .about = "The machine with these names was replaced: its certificates are revoked, and\n"
                 "another endorsement key may be enrolled for them, as if they were new. Then\n"
                 "makes a new CRL.",
        .example = "  ratls ca replace www.bank.example --by 3f2a...",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("say for which names");
    return finish(&work, replace(&work, argv + first, (size_t)(argc - first), &err), "replaced",
                  &err);
}
