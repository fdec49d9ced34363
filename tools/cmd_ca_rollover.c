/* ratls ca rollover: a new issuer, beside the old one until its last certificate ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_command.h"
#include "ca_config_edit.h"
#include "ca_keys.h"
#include "command.h"
#include "crl_make.h"
#include "describe.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "policy_file.h"

struct arguments {
    struct ratls_ca_command command;
    const char *certificate, *key, *subject, *given;
    unsigned days;
    bool applies;
};

/* As the configuration will have it: relative to its folder. */
static enum ratls_status absolute_path(const struct arguments *a, const char *value, char **ret,
                                       struct ratls_error *err)
{
    const bool is_whole = value[0] == '/' || ratls_ca_key_is_uri(value);
    const char *config = a->command.config_path;

    if (asprintf(ret, "%.*s%s", is_whole ? 0 : (int)ratls_policy_folder_len(config), config,
                 value) < 0)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    return RATLS_OK;
}

static enum ratls_status check_room(const struct arguments *a, const char *certificate,
                                    struct ratls_error *err)
{
    const struct ratls_ca_config *config = a->command.config;

    if (config->issuer_count == RATLS_CA_ISSUERS_MAX)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: has %d issuers already: take away those whose last certificate has "
                          "ended",
                          a->command.config_path, RATLS_CA_ISSUERS_MAX);
    for (size_t i = 0; i < config->issuer_count; i++)
        if (strcmp(config->issuers[i].certificate, certificate) == 0)
            return ratls_fail(err, RATLS_USAGE, "%s: is an issuer already", certificate);
    return RATLS_OK;
}

/* ---- how long the old ones are needed ---- */

struct last {
    int64_t not_after;
    size_t count;
};

static bool see(void *arg, const struct ratls_store_certificate *certificate)
{
    struct last *last = arg;

    if (certificate->not_after > last->not_after)
        last->not_after = certificate->not_after;
    last->count++;
    return true;
}

static enum ratls_status show_old(const struct arguments *a, struct ratls_view *v,
                                  const struct ratls_issuers *old, size_t i,
                                  struct ratls_error *err)
{
    const struct ratls_store_filter filter = {.by = RATLS_STORE_BY_ISSUER,
                                              .value = ratls_slice(ratls_issuer_sha256(old, i), 32),
                                              .valid_from = a->command.now};
    struct last last = {.count = 0};
    enum ratls_status status = ratls_store_list(a->command.store, &filter, see, &last, err);
    char until[RATLS_TIME_TEXT_MAX];

    if (status != RATLS_OK)
        return status;
    ratls_time_text(last.not_after, until);
    if (!v->json && last.count > 0)
        printf("  - Keep %s among the issuers until %s, when the last of its %zu\n"
               "    certificates ends: until then it signs their CRL.\n",
               a->command.config->issuers[i].certificate, until, last.count);
    else if (!v->json)
        printf("  - %s has no valid certificate: it can be taken out of the issuers.\n",
               a->command.config->issuers[i].certificate);
    ratls_view_section(v, NULL, NULL);
    ratls_view_hex(v, "sha256", NULL, filter.value);
    ratls_view_uint(v, "certificates", NULL, last.count, NULL);
    ratls_view_uint(v, "lastEnds", NULL, (uint64_t)last.not_after, NULL);
    ratls_view_section_end(v);
    return RATLS_OK;
}

static void print_list(const struct arguments *a)
{
    const struct ratls_ca_config *config = a->command.config;

    printf("  - Put the new issuer first in %s (or let --apply do that):\n"
           "      issuers:\n        - {certificate: \"%s\", key: \"%s\"}\n",
           a->command.config_path, a->certificate, a->key);
    for (size_t i = 0; i < config->issuer_count; i++)
        printf("        - {certificate: \"%s\", key: \"%s\"}\n", config->issuers[i].certificate,
               config->issuers[i].key);
}

/* issuers[0] is the new one, the others are those of the configuration. */
static enum ratls_status show(const struct arguments *a, const struct ratls_issuers *issuers,
                              struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    struct ratls_issuers *old = NULL;
    struct ratls_view v;

    status = ratls_issuers_open(a->command.config, &old, err);
    if (status != RATLS_OK)
        return status;
    ratls_view_begin(&v, stdout, a->command.json, "new issuer");
    ratls_view_text(&v, "type", NULL, "rollover");
    ratls_view_text(&v, "certificate", "certificate", a->certificate);
    ratls_view_text(&v, "key", "key", a->key);
    ratls_view_bool(&v, "applied", NULL, a->applies);
    ratls_ca_issuer_view(&v, issuers, 0);
    if (!v.json)
        printf("\nNext:\n"
               "  - Give the new certificate to the clients first: their policies name both\n"
               "    issuers, each with its own CRL, until all servers have renewed.\n"
               "  - For ratls-ca.service, let its user ratls-ca have the key, if it is a file,\n"
               "    before the service is started again: 'chown ratls-ca %s'\n",
               a->key);
    if (!v.json && !a->applies)
        print_list(a);
    ratls_view_list(&v, "old");
    for (size_t i = 0; i < ratls_issuers_count(old) && status == RATLS_OK; i++)
        status = show_old(a, &v, old, i, err);
    ratls_view_list_end(&v);
    ratls_view_end(&v);
    ratls_issuers_close(old);
    return status;
}

/* ---- the new one ---- */

static enum ratls_status make(const struct arguments *a, const char *certificate, const char *key,
                              struct ratls_error *err)
{
    struct ratls_ca_config config = *a->command.config;
    struct ratls_issuers *providers = NULL;
    struct ratls_ca_made made;
    enum ratls_status status;

    config.issuer_count = 0;
    status = ratls_issuers_open(&config, &providers, err);
    if (status == RATLS_OK) {
        const struct ratls_ca_new wish = {.context = ratls_issuers_context(providers),
                                          .certificate = certificate,
                                          .key = key,
                                          .subject = a->subject,
                                          .days = a->days,
                                          .now = a->command.now,
                                          .given = a->given};

        status = ratls_ca_new_issuer(&wish, &made, err);
    }
    ratls_issuers_close(providers);
    return status;
}

/* So that clients who name it can have its CRL before the first certificate. */
static enum ratls_status start(const struct arguments *a, struct ratls_issuers *issuers,
                               struct ratls_error *err)
{
    struct ratls_store_crl crl = {.number = 0};
    char digits[2 * 32 + 1];
    enum ratls_status status = ratls_ca_publish(issuers, a->command.store, 0, a->command.now,
                                                a->command.config->crl_lifetime_s, &crl, err);

    ratls_store_crl_done(&crl);
    ratls_hex(ratls_slice(ratls_issuer_sha256(issuers, 0), 32), digits, sizeof digits);
    if (status == RATLS_OK)
        status = ratls_store_audit(a->command.store, "rollover", digits, a->certificate,
                                   a->command.now, err);
    if (status == RATLS_OK && a->applies)
        status = ratls_ca_config_add_issuer(a->command.config_path, a->certificate, a->key, err);
    return status == RATLS_OK ? show(a, issuers, err) : status;
}

static enum ratls_status run(struct arguments *a, struct ratls_error *err)
{
    char *certificate = NULL, *key = NULL;
    struct ratls_issuers *issuers = NULL;
    enum ratls_status status = ratls_ca_command_store(&a->command, err);

    if (status == RATLS_OK)
        status = absolute_path(a, a->certificate, &certificate, err);
    if (status == RATLS_OK)
        status = absolute_path(a, a->key, &key, err);
    if (status == RATLS_OK)
        status = check_room(a, certificate, err);
    if (status == RATLS_OK)
        status = make(a, certificate, key, err);
    if (status == RATLS_OK) {
        struct ratls_ca_issuer_config issuer = {certificate, key};
        struct ratls_ca_config config = *a->command.config;

        config.issuers = &issuer;
        config.issuer_count = 1;
        status = ratls_issuers_open(&config, &issuers, err);
        if (status == RATLS_OK)
            status = start(a, issuers, err);
        ratls_issuers_close(issuers);
    }
    free(certificate);
    free(key);
    return status;
}

int ratls_cmd_ca_rollover(int argc, char **argv)
{
    struct arguments a = {.command = ratls_ca_command(), .days = RATLS_CA_DAYS_DEFAULT};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(a.command),
        {"certificate", RATLS_OPTION_TEXT, &a.certificate, "FILE",
         "the new issuer's certificate, relative to the configuration; made if it is not there"},
        {"key", RATLS_OPTION_TEXT, &a.key, "FILE|URI",
         "its key, likewise; a file that is not there is made"},
        {"subject", RATLS_OPTION_TEXT, &a.subject, "DN",
         "such as O=Bank,CN=CA of machines (default: CN=ratls CA and the time)"},
        {"days", RATLS_OPTION_UINT, &a.days, "N", "validity of the certificate (default 3650)"},
        {"given", RATLS_OPTION_TEXT, &a.given, "FILE",
         "a certificate for the key that another CA gave, to be copied to --certificate"},
        {"apply", RATLS_OPTION_FLAG, &a.applies, NULL,
         "put the new issuer first in the configuration; then it issues"},
    };
    const struct ratls_options options = {
        .synopsis = "--certificate FILE --key FILE|URI [OPTION...]",
        .about = "Makes a new issuer, and its first CRL. The old one stays in the configuration\n"
                 "and signs its CRLs until its last certificate has ended. Clients must know the\n"
                 "new certificate before it issues: so run it first without --apply.",
        .example = "  ratls ca rollover --certificate ca2.crt --key ca2.key\n"
                   "  ratls ca rollover --certificate ca2.crt --key ca2.key --apply",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (a.certificate == NULL || a.key == NULL)
        return ratls_usage("--certificate and --key say where the new issuer's are");
    if (a.days > RATLS_CA_DAYS_MAX)
        return ratls_usage("--days: at most %d", RATLS_CA_DAYS_MAX);
    status = run(&a, &err);
    ratls_ca_command_done(&a.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
