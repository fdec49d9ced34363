/* ratls ca crl: a new list of what is revoked. */
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "ca_command.h"
#include "command.h"
#include "crl_make.h"
#include "describe.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"

#define CRL_MODE 0644
#define DAY_S 86400
#define DAYS_MAX 365

struct arguments {
    struct ratls_ca_command command;
    const char *out_path;
    unsigned days, issuer; /* 0: that of the configuration; all */
};

static enum ratls_status write_pem(const char *path, const struct ratls_store_crl *crl,
                                   struct ratls_error *err)
{
    const unsigned char *p = crl->der;
    X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)crl->len);
    BIO *bio = BIO_new(BIO_s_mem());
    enum ratls_status status;
    char *text = NULL;
    long len;

    if (list == NULL || bio == NULL || PEM_write_bio_X509_CRL(bio, list) != 1) {
        status = ratls_fail_openssl(err, "cannot write the CRL");
    } else {
        len = BIO_get_mem_data(bio, &text);
        status = ratls_file_write(path, ratls_slice(text, (size_t)len), CRL_MODE, true, err);
    }
    BIO_free(bio);
    X509_CRL_free(list);
    return status;
}

/* PEM, or DER where the name says so. */
static enum ratls_status write_list(const struct arguments *a, const struct ratls_store_crl *crl,
                                    struct ratls_error *err)
{
    if (a->out_path == NULL)
        return RATLS_OK;
    if (ratls_path_ends_with(a->out_path, ".der"))
        return ratls_file_write(a->out_path, ratls_slice(crl->der, crl->len), CRL_MODE, true, err);
    return write_pem(a->out_path, crl, err);
}

static void show(struct ratls_view *v, const struct arguments *a,
                 const struct ratls_issuers *issuers, size_t i, const struct ratls_store_crl *crl)
{
    char until[RATLS_TIME_TEXT_MAX], words[64];

    ratls_time_text(crl->next_update, until);
    if (!v->json) {
        printf("CRL number %" PRId64 " of issuer %zu (%s), valid until %s%s%s\n", crl->number,
               i + 1, a->command.config->issuers[i].certificate, until,
               a->out_path == NULL ? "" : ", written to ", a->out_path == NULL ? "" : a->out_path);
        return;
    }
    (void)snprintf(words, sizeof words, "issuer %zu", i + 1);
    ratls_view_section(v, NULL, words);
    ratls_view_hex(v, "issuer", NULL, ratls_slice(ratls_issuer_sha256(issuers, i), 32));
    ratls_view_uint(v, "number", NULL, (uint64_t)crl->number, NULL);
    ratls_view_text(v, "nextUpdate", NULL, until);
    ratls_view_section_end(v);
}

static enum ratls_status publish(const struct arguments *a, struct ratls_issuers *issuers, size_t i,
                                 struct ratls_view *v, struct ratls_error *err)
{
    const unsigned lifetime_s =
        a->days == 0 ? a->command.config->crl_lifetime_s : a->days * (unsigned)DAY_S;
    struct ratls_store_crl crl = {.number = 0};
    enum ratls_status status =
        ratls_ca_publish(issuers, a->command.store, i, a->command.now, lifetime_s, &crl, err);

    if (status == RATLS_OK)
        status = write_list(a, &crl, err);
    if (status == RATLS_OK)
        show(v, a, issuers, i, &crl);
    ratls_store_crl_done(&crl);
    return status;
}

static enum ratls_status publish_all(const struct arguments *a, struct ratls_issuers *issuers,
                                     struct ratls_error *err)
{
    const size_t count = ratls_issuers_count(issuers);
    const size_t begin = a->issuer == 0 ? 0 : a->issuer - 1;
    const size_t end = a->issuer == 0 ? count : a->issuer;
    enum ratls_status status = RATLS_OK;
    struct ratls_view v;

    if (a->issuer > count)
        return ratls_fail(err, RATLS_USAGE, "--issuer %u: the configuration has %zu", a->issuer,
                          count);
    if (a->out_path != NULL && end - begin > 1)
        return ratls_fail(err, RATLS_USAGE,
                          "--out takes one list, and the configuration has %zu issuers: say which "
                          "by --issuer N",
                          count);
    ratls_view_begin(&v, stdout, a->command.json, NULL);
    ratls_view_text(&v, "type", NULL, "crls");
    ratls_view_list(&v, "crls");
    for (size_t i = begin; i < end && status == RATLS_OK; i++)
        status = publish(a, issuers, i, &v, err);
    ratls_view_list_end(&v);
    ratls_view_end(&v);
    return status;
}

static enum ratls_status run(struct arguments *a, struct ratls_error *err)
{
    struct ratls_issuers *issuers = NULL;
    enum ratls_status status = ratls_ca_command_store(&a->command, err);

    if (status == RATLS_OK)
        status = ratls_issuers_open(a->command.config, &issuers, err);
    if (status == RATLS_OK)
        status = publish_all(a, issuers, err);
    ratls_issuers_close(issuers);
    return status;
}

int ratls_cmd_ca_crl(int argc, char **argv)
{
    struct arguments a = {.command = ratls_ca_command()};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(a.command),
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE",
         "write the list there: DER if it ends with .der, else PEM"},
        {"days", RATLS_OPTION_UINT, &a.days, "N",
         "how long it is valid (default: crl-lifetime of the configuration)"},
        {"issuer", RATLS_OPTION_UINT, &a.issuer, "N",
         "only of this one, counted from 1 in the configuration (default: all)"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Signs a list of what is revoked, with the next number, and puts it into the\n"
                 "store, where the service and other instances find it. Clients refuse all\n"
                 "certificates when their list is out of date: make a new one in time.",
        .example = "  ratls ca crl --out /srv/www/ratls.crl",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (a.days > DAYS_MAX)
        return ratls_usage("--days: at most %d", DAYS_MAX);
    status = run(&a, &err);
    ratls_ca_command_done(&a.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
