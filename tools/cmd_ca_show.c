/* ratls ca show: all that is known of a certificate, or of a request. */
#include <stdio.h>
#include <string.h>

#include "ca_command.h"
#include "ca_files.h"
#include "ca_find.h"
#include "describe.h"
#include "enroll_message.h"
#include "fail.h"
#include "output.h"

#define ID_DIGITS (2 * RATLS_STORE_ID_LEN)
#define SHA256_DIGITS 64

struct work {
    struct ratls_ca_command command;
    const char *what;
    const char *out;
    struct ratls_store_certificate certificate; /* if serial_len is not 0 */
    struct ratls_store_entry entry;             /* if body is not NULL */
};

/* One of 64 digits is a request, one of 32 may be the id of a challenge. */
static enum ratls_status find_entry(struct work *work, struct ratls_error *err)
{
    struct ratls_ca_command *command = &work->command;
    const size_t len = strlen(work->what);
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status = RATLS_OK;
    uint8_t id[32];

    /* Or so many of a longer one. */
    if (len == ID_DIGITS && ratls_unhex(work->what, id, RATLS_STORE_ID_LEN))
        status = ratls_store_find_challenge(command->store, id, command->now, &work->entry,
                                            &outcome, err);
    if (status != RATLS_OK || work->entry.body != NULL)
        return status;
    if (len == SHA256_DIGITS && ratls_unhex(work->what, id, sizeof id))
        return ratls_store_find_request(command->store, id, command->now, &work->entry, &outcome,
                                        err);
    if (ratls_ca_find_asked(command->store, work->what, command->now, id, NULL) != RATLS_OK)
        return RATLS_OK;
    return ratls_store_find_request(command->store, id, command->now, &work->entry, &outcome, err);
}

/* So many digits may be meant for a request, of which there would have to be more. */
static enum ratls_status fail_short(const char *what, enum ratls_status status,
                                    const struct ratls_error *why, struct ratls_error *err)
{
    if (status != RATLS_USAGE || !ratls_ca_is_digits(what) ||
        strlen(what) >= RATLS_CA_ID_DIGITS_MIN)
        return ratls_fail(err, status, "%s", why->text);
    return ratls_fail(err, status,
                      "%s; of the ID of a request %d or more digits are wanted: 'ratls ca list "
                      "--waiting' has them",
                      why->text, RATLS_CA_ID_DIGITS_MIN);
}

/* What was issued for the request, or is named by its serial number. */
static enum ratls_status find_certificate(struct work *work, struct ratls_error *err)
{
    struct ratls_store *store = work->command.store;
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_ca_thing thing;
    struct ratls_error why = {0};
    enum ratls_status status;

    if (work->entry.body != NULL)
        return work->entry.has_challenge
                   ? ratls_store_result(store, work->entry.id, &work->certificate, &outcome, err)
                   : RATLS_OK;
    status = ratls_ca_find_thing(store, work->what, &thing, &why);
    if (status != RATLS_OK)
        return fail_short(work->what, status, &why, err);
    if (thing.by != RATLS_STORE_BY_SERIAL)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: a serial number or an ID is wanted: 'ratls ca list' has them",
                            work->what);
    if (status == RATLS_OK)
        status = ratls_store_find_certificate(store, ratls_ca_thing_value(&thing),
                                              &work->certificate, &outcome, err);
    return status;
}

static void show_time(struct ratls_view *v, const char *key, const char *label, int64_t at,
                      int64_t now)
{
    char when[RATLS_CA_WHEN_MAX];

    ratls_ca_when(at, now, when);
    if (v->json)
        ratls_view_uint(v, key, label, (uint64_t)at, NULL);
    else
        ratls_view_text(v, key, label, when);
}

static void show_request(struct ratls_view *v, const struct work *work)
{
    static const char *const states[] = {"waiting for approval", "challenged", "issued", "refused",
                                         "late"};
    const struct ratls_store_entry *e = &work->entry;
    const int64_t now = work->command.now;

    ratls_view_section(v, "request", "Request");
    ratls_view_digest(v, "sha256", "ID", ratls_slice(e->request_sha256, 32));
    ratls_view_text(v, "state", "state", states[e->state]);
    ratls_view_text(v, "names", "names", e->names);
    ratls_view_digest(v, "ek", "endorsement key", ratls_slice(e->ek_sha256, 32));
    show_time(v, "at", "asked", e->at, now);
    if (e->decided_by[0] != '\0')
        ratls_view_text(v, "decidedBy", "decided by", e->decided_by);
    if (e->reason[0] != '\0')
        ratls_view_text(v, "reason", "because", e->reason);
    if (e->has_challenge) {
        ratls_view_hex(v, "challenge", NULL, ratls_slice(e->id, sizeof e->id));
        show_time(v, "expires", "challenge until", e->expires, now);
    }
    ratls_view_section_end(v);
}

static void show_certificate(struct ratls_view *v, const struct work *work)
{
    const struct ratls_store_certificate *c = &work->certificate;
    const int64_t now = work->command.now;

    ratls_view_section(v, "certificate", "Certificate");
    ratls_view_digest(v, "serial", "serial number", ratls_slice(c->serial, c->serial_len));
    ratls_view_text(v, "names", "names", c->names);
    ratls_view_digest(v, "ek", "endorsement key", ratls_slice(c->ek_sha256, sizeof c->ek_sha256));
    ratls_view_digest(v, "ak", "attestation key", ratls_slice(c->ak_name, c->ak_name_len));
    ratls_view_digest(v, "issuer", "issuer", ratls_slice(c->issuer_sha256, 32));
    show_time(v, "notBefore", "valid from", c->not_before, now);
    show_time(v, "notAfter", "valid until", c->not_after, now);
    if (c->revoked != 0) {
        show_time(v, "revoked", "revoked", c->revoked, now);
        ratls_view_uint(v, "reason", "reason", c->reason, "(RFC 5280, 5.3.1)");
    }
    ratls_view_section_end(v);
}

static enum ratls_status show(struct work *work, struct ratls_error *err)
{
    struct ratls_view v;

    if (work->out != NULL && work->certificate.der_len == 0)
        return ratls_fail(err, RATLS_USAGE, "%s: nothing was issued that could be written",
                          work->what);
    ratls_view_begin(&v, stdout, work->command.json, work->what);
    if (work->entry.body != NULL)
        show_request(&v, work);
    if (work->certificate.serial_len != 0)
        show_certificate(&v, work);
    ratls_view_end(&v);
    if (work->out == NULL)
        return RATLS_OK;
    return ratls_ca_write_certificate(
        work->out, ratls_slice(work->certificate.der, work->certificate.der_len), err);
}

int ratls_cmd_ca_show(int argc, char **argv)
{
    struct work work = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(work.command),
        {"out", RATLS_OPTION_TEXT, &work.out, "FILE", "write the certificate (PEM)"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] SERIAL|ID",
        .about =
            "Shows all that is known of a certificate, by 8 or more digits of its serial\n"
            "number; or of a request, by 16 or more of its ID while it waits, later by all 64.",
        .example = "  ratls ca show 8f3a11c0",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one certificate, or one request",
                                 &work.what, &code))
        return code;
    status = ratls_ca_command_store(&work.command, &err);
    if (status == RATLS_OK)
        status = find_entry(&work, &err);
    if (status == RATLS_OK)
        status = find_certificate(&work, &err);
    if (status == RATLS_OK)
        status = show(&work, &err);
    ratls_store_certificate_done(&work.certificate);
    ratls_store_entry_done(&work.entry);
    ratls_ca_command_done(&work.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
