/* ratls ca init: key, certificate and store of a new CA. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ca_command.h"
#include "ca_keys.h"
#include "command.h"
#include "crl_make.h"
#include "describe.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "roots_folder.h"

#define STORE_MODE 0700

struct arguments {
    struct ratls_ca_command command;
    const char *subject, *given, *csr;
    unsigned days;
};

struct outcome {
    struct ratls_ca_made made;
    int64_t crl_number;
};

static struct ratls_ca_new wish_of(const struct arguments *a, const struct ratls_issuers *providers)
{
    const struct ratls_ca_config *config = a->command.config;

    return (struct ratls_ca_new){.context = ratls_issuers_context(providers),
                                 .certificate = config->issuers[0].certificate,
                                 .key = config->issuers[0].key,
                                 .subject = a->subject,
                                 .days = a->days,
                                 .now = a->command.now,
                                 .given = a->given};
}

/* Providers without issuers: the key has no certificate yet. */
static enum ratls_status make_issuer(const struct arguments *a, struct outcome *outcome,
                                     struct ratls_error *err)
{
    struct ratls_ca_config config = *a->command.config;
    struct ratls_issuers *providers = NULL;
    enum ratls_status status;

    config.issuer_count = 0;
    status = ratls_issuers_open(&config, &providers, err);
    if (status == RATLS_OK) {
        const struct ratls_ca_new wish = wish_of(a, providers);

        status = a->csr != NULL ? ratls_ca_new_request(&wish, a->csr, &outcome->made, err)
                                : ratls_ca_new_issuer(&wish, &outcome->made, err);
    }
    ratls_issuers_close(providers);
    return status;
}

static enum ratls_status open_store(struct arguments *a, struct ratls_error *err)
{
    const char *where = a->command.config->store;

    if (strstr(where, "://") == NULL && mkdir(where, STORE_MODE) != 0 && errno != EEXIST)
        return ratls_fail(err, RATLS_IO, "%s: %s", where, strerror(errno));
    return ratls_store_open(where, &a->command.store, err);
}

/* The first CRL, so that clients can have one from the first day. */
static enum ratls_status publish(struct arguments *a, struct ratls_issuers *issuers,
                                 struct outcome *outcome, struct ratls_error *err)
{
    struct ratls_store_crl crl = {.number = 0};
    char digits[2 * 32 + 1];
    enum ratls_status status;

    ratls_hex(ratls_slice(ratls_issuer_sha256(issuers, 0), 32), digits, sizeof digits);
    status = ratls_store_audit(a->command.store, "init", digits,
                               outcome->made.made_certificate ? "new certificate"
                                                              : "certificate was there",
                               a->command.now, err);
    if (status == RATLS_OK)
        status = ratls_ca_publish(issuers, a->command.store, 0, a->command.now,
                                  a->command.config->crl_lifetime_s, &crl, err);
    outcome->crl_number = crl.number;
    ratls_store_crl_done(&crl);
    return status;
}

static bool has_roots(const struct ratls_ca_config *config)
{
    struct ratls_roots *roots = NULL;
    const bool there = ratls_roots_load(config->roots, &roots, NULL) == RATLS_OK;

    ratls_roots_free(roots);
    return there;
}

static void print_next(const struct ratls_ca_config *config)
{
    printf("\nNext:\n"
           "  - Give %s to the clients, whose policies name it:\n"
           "      attestation-keys:\n        - issuer: ca.crt\n"
           "    They compare its SHA-256 with the one above.\n",
           config->issuers[0].certificate);
    if (!has_roots(config))
        printf("  - Say which makers of TPMs you believe: 'ratls roots import --roots %s FILE'\n",
               config->roots);
    printf("  - Let machines in: 'ratls ca token --names NAME' for one, or rules in the\n"
           "    configuration, or approve them by hand ('ratls ca list --waiting').\n"
           "  - Back up the key, or keep it in a TPM or a smart card: ratls-ca.yaml(5).\n"
           "  - For ratls-ca.service, let its user ratls-ca have the key, if it is a file:\n"
           "    'chown ratls-ca %s'\n",
           config->issuers[0].key);
}

static void print(const struct arguments *a, const struct ratls_issuers *issuers,
                  const struct outcome *outcome)
{
    const struct ratls_ca_config *config = a->command.config;
    struct ratls_view v;

    if (!a->command.json && outcome->made.made_key)
        printf("Made the key %s (P-256)\n", config->issuers[0].key);
    if (!a->command.json)
        printf("%s %s\n", outcome->made.made_certificate ? "Wrote" : "There already:",
               config->issuers[0].certificate);
    ratls_view_begin(&v, stdout, a->command.json, "issuer");
    ratls_view_text(&v, "type", NULL, "ca");
    ratls_view_text(&v, "certificate", NULL, config->issuers[0].certificate);
    ratls_view_text(&v, "key", NULL, config->issuers[0].key);
    ratls_view_bool(&v, "madeKey", NULL, outcome->made.made_key);
    ratls_view_bool(&v, "madeCertificate", NULL, outcome->made.made_certificate);
    ratls_ca_issuer_view(&v, issuers, 0);
    ratls_view_uint(&v, "crlNumber", "CRL number", (uint64_t)outcome->crl_number, NULL);
    ratls_view_end(&v);
    if (!a->command.json)
        print_next(config);
}

static enum ratls_status finish(struct arguments *a, struct outcome *outcome,
                                struct ratls_error *err)
{
    struct ratls_issuers *issuers = NULL;
    enum ratls_status status = ratls_issuers_open(a->command.config, &issuers, err);

    if (status == RATLS_OK)
        status = ratls_issuers_may_issue(issuers, a->command.now, err);
    if (status == RATLS_OK)
        status = open_store(a, err);
    if (status == RATLS_OK)
        status = publish(a, issuers, outcome, err);
    if (status == RATLS_OK)
        print(a, issuers, outcome);
    ratls_issuers_close(issuers);
    return status;
}

static enum ratls_status run(struct arguments *a, struct ratls_error *err)
{
    struct outcome outcome = {.crl_number = 0};
    enum ratls_status status = ratls_ca_command_config(&a->command, err);

    if (status == RATLS_OK)
        status = make_issuer(a, &outcome, err);
    if (status != RATLS_OK || a->csr == NULL)
        return status == RATLS_OK ? finish(a, &outcome, err) : status;
    if (outcome.made.made_key)
        printf("Made the key %s (P-256)\n", a->command.config->issuers[0].key);
    printf("Wrote the request %s: give it to the CA that shall certify this one, and then\n"
           "'ratls ca init --certificate FILE' with what it gives. It must allow keyCertSign and\n"
           "cRLSign; clients name the certificate of this CA, not that of the one above it.\n",
           a->csr);
    return RATLS_OK;
}

int ratls_cmd_ca_init(int argc, char **argv)
{
    struct arguments a = {.command = ratls_ca_command(), .days = RATLS_CA_DAYS_DEFAULT};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(a.command),
        {"subject", RATLS_OPTION_TEXT, &a.subject, "DN",
         "such as O=Bank,CN=CA of machines (default: CN=ratls CA and the time)"},
        {"days", RATLS_OPTION_UINT, &a.days, "N", "validity of the certificate (default 3650)"},
        {"certificate", RATLS_OPTION_TEXT, &a.given, "FILE",
         "a certificate for the key that another CA gave, instead of a self-signed one"},
        {"csr", RATLS_OPTION_TEXT, &a.csr, "FILE", "only write a request for such a certificate"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Makes what a CA needs: the key of the first of the configuration's issuers, if\n"
                 "that is a file that is not there, its certificate, the store, and a CRL. What\n"
                 "is there stays. A key in a TPM or on a smart card is named by its URI, and\n"
                 "made before.",
        .example = "  ratls ca init --subject 'O=Bank,CN=CA of machines'",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (a.days > RATLS_CA_DAYS_MAX)
        return ratls_usage("--days: at most %d", RATLS_CA_DAYS_MAX);
    if (a.csr != NULL && a.given != NULL)
        return ratls_usage("--csr asks for the certificate that --certificate brings");
    status = run(&a, &err);
    ratls_ca_command_done(&a.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
