/* ratls ca deny: keys, firmware and models of TPMs that get no certificate. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ca_command.h"
#include "command.h"
#include "describe.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "tpm_wire.h"

#define VALUE_MAX 512
#define ROW_MAX 1024
#define FIRMWARE_DIGITS 16

struct arguments {
    struct ratls_ca_command command;
    const char *reason;
    bool lists, removes;
    const char *kind, *value;
};

/* ---- values, as ca/denied.h has them ---- */

/* Digits of this many bytes, in lower case. */
static bool copy_digits(const char *value, size_t len, char out[static VALUE_MAX])
{
    uint8_t bytes[RATLS_TPM_NAME_MAX];

    if (len > sizeof bytes || !ratls_unhex(value, bytes, len))
        return false;
    ratls_hex(ratls_slice(bytes, len), out, VALUE_MAX);
    return true;
}

static bool copy_ek(const char *value, char out[static VALUE_MAX])
{
    return copy_digits(value, 32, out);
}

/* Part 1, 16: nameAlg and its digest. */
static bool copy_ak(const char *value, char out[static VALUE_MAX])
{
    static const struct {
        const char *begin;
        size_t len;
    } algorithms[] = {{"000b", 34}, {"000c", 50}, {"000d", 66}};

    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (copy_digits(value, algorithms[i].len, out))
            return strncmp(out, algorithms[i].begin, strlen(algorithms[i].begin)) == 0;
    return false;
}

static bool copy_firmware(const char *value, char out[static VALUE_MAX])
{
    char digits[VALUE_MAX];

    if (!copy_digits(strncmp(value, "0x", 2) == 0 ? value + 2 : value, FIRMWARE_DIGITS / 2, digits))
        return false;
    (void)snprintf(out, VALUE_MAX, "0x%.16s", digits);
    return true;
}

static bool copy_model(const char *value, char out[static VALUE_MAX])
{
    if (value[0] == '\0' || strlen(value) >= VALUE_MAX ||
        !ratls_slice_is_printable(ratls_slice(value, strlen(value))))
        return false;
    memcpy(out, value, strlen(value) + 1);
    return true;
}

static const struct {
    const char *word;
    bool (*copy)(const char *value, char out[static VALUE_MAX]);
    const char *wanted;
} kinds[] = {
    {"ek", copy_ek, "the SHA-256 of an endorsement key, 64 hex digits"},
    {"ak", copy_ak,
     "the Name of an attestation key: 000b and 64 hex digits, 000c and 96, or 000d "
     "and 128"},
    {"firmware", copy_firmware, "16 hex digits: TPM2_PT_FIRMWARE_VERSION_1 and _2"},
    {"model", copy_model,
     "manufacturer/model/version as the certificate of its endorsement key "
     "has them, or the begin of that: id:49465800/SLB9670"},
};

#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static enum ratls_status read_value(const struct arguments *a, char out[static VALUE_MAX],
                                    struct ratls_error *err)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].word, a->kind) != 0)
            continue;
        return kinds[i].copy(a->value, out)
                   ? RATLS_OK
                   : ratls_fail(err, RATLS_USAGE, "%s: wanted is %s", a->value, kinds[i].wanted);
    }
    return ratls_fail(err, RATLS_USAGE, "%s: neither ek, ak, firmware nor model", a->kind);
}

/* ---- what is done ---- */

static void print(const struct arguments *a, const char *value, const char *state)
{
    struct ratls_view v;

    if (!a->command.json) {
        printf("%s %s %s\n", a->kind, value, state);
        if (!a->removes)
            printf("Certificates that it has stay valid: 'ratls ca revoke' ends them.\n");
        return;
    }
    ratls_view_begin(&v, stdout, true, NULL);
    ratls_view_text(&v, "type", NULL, "denial");
    ratls_view_text(&v, "kind", NULL, a->kind);
    ratls_view_text(&v, "value", NULL, value);
    ratls_view_text(&v, "state", NULL, state);
    ratls_view_end(&v);
}

static enum ratls_status change(const struct arguments *a, struct ratls_error *err)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    char value[VALUE_MAX];
    const struct ratls_store_denial denial = {.kind = a->kind,
                                              .value = value,
                                              .reason = a->reason == NULL ? "" : a->reason,
                                              .since = a->command.now};
    enum ratls_status status = read_value(a, value, err);

    if (status == RATLS_OK)
        status = a->removes
                     ? ratls_store_allow_again(a->command.store, a->kind, value, a->command.now,
                                               &outcome, err)
                     : ratls_store_deny(a->command.store, &denial, a->command.now, &outcome, err);
    if (status != RATLS_OK)
        return status;
    if (a->removes && outcome == RATLS_STORE_UNKNOWN)
        return ratls_fail(err, RATLS_REJECTED, "%s %s: is not denied", a->kind, value);
    print(a, value,
          a->removes                        ? "is not denied any more"
          : outcome == RATLS_STORE_ANSWERED ? "was denied already"
                                            : "is denied");
    return RATLS_OK;
}

struct listing {
    struct ratls_view v;
    size_t count;
};

static bool show_denial(void *arg, const struct ratls_store_denial *denial)
{
    struct listing *listing = arg;
    struct ratls_view *v = &listing->v;
    char since[RATLS_TIME_TEXT_MAX], row[ROW_MAX];

    listing->count++;
    ratls_time_text(denial->since, since);
    (void)snprintf(row, sizeof row, "%-8s  %s  since %s  %s", denial->kind, denial->value, since,
                   denial->reason);
    if (!v->json) {
        ratls_view_row(v, row);
        return true;
    }
    ratls_view_section(v, NULL, NULL);
    ratls_view_text(v, "kind", NULL, denial->kind);
    ratls_view_text(v, "value", NULL, denial->value);
    ratls_view_text(v, "reason", NULL, denial->reason);
    ratls_view_text(v, "since", NULL, since);
    ratls_view_section_end(v);
    return true;
}

static enum ratls_status list(const struct arguments *a, struct ratls_error *err)
{
    struct listing listing = {.count = 0};
    enum ratls_status status;

    ratls_view_begin(&listing.v, stdout, a->command.json, NULL);
    ratls_view_text(&listing.v, "type", NULL, "denials");
    ratls_view_list(&listing.v, "denials");
    status = ratls_store_each_denied(a->command.store, show_denial, &listing, err);
    ratls_view_list_end(&listing.v);
    ratls_view_end(&listing.v);
    if (status == RATLS_OK && listing.count == 0 && !a->command.json)
        printf("nothing is denied\n");
    return status;
}

int ratls_cmd_ca_deny(int argc, char **argv)
{
    struct arguments a = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(a.command),
        {"reason", RATLS_OPTION_TEXT, &a.reason, "TEXT", "shown by --list"},
        {"remove", RATLS_OPTION_FLAG, &a.removes, NULL, "do not deny it any more"},
        {"list", RATLS_OPTION_FLAG, &a.lists, NULL, "list what is denied"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] ek|ak|firmware|model VALUE",
        .about = "Denies certificates to an endorsement key, an attestation key, a version of\n"
                 "TPM firmware, or a model of TPMs, whatever rules and tokens say.",
        .example = "  ratls ca deny --reason 'stolen' ek 3f2a5b...\n"
                   "  ratls ca deny --reason CVE-2017-15361 model id:49465800/SLB9655\n"
                   "  ratls ca deny --list",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int first, code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc - first != (a.lists ? 0 : 2))
        return ratls_usage(a.lists
                               ? "--list takes nothing else"
                               : "say what is denied: ek, ak, firmware or model, and its value");
    a.kind = a.lists ? NULL : argv[first];
    a.value = a.lists ? NULL : argv[first + 1];
    status = ratls_ca_command_store(&a.command, &err);
    if (status == RATLS_OK)
        status = a.lists ? list(&a, &err) : change(&a, &err);
    ratls_ca_command_done(&a.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
