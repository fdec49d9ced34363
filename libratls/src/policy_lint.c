#include "policy_lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "policy_file.h"
#include "policy_lint_parts.h"

#define MAX_AGE_DAYS 30
#define VERDICT_AGE_HOURS 1
#define EPOCH_SHORT_S 30
#define EPOCH_LONG_S 300
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_DAY 86400

void ratls_lint_warn(const struct ratls_lint *lint, const char *at, const char *format, ...)
{
    char place[RATLS_ERROR_TEXT], words[RATLS_ERROR_TEXT], text[2 * RATLS_ERROR_TEXT];
    va_list args;

    ratls_source_place_text(lint->source, at, place, sizeof place);
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): begun in the line above */
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s%s", place, words);
    lint->warn(lint->self, text);
}

static void lint_certificate(const struct ratls_lint *lint)
{
    ratls_lint_warn(lint, "freshness",
                    "certificate: evidence is not bound to the session, and what "
                    "happened to the machine since it was made is not seen");
    if (lint->rules->max_age_s > (uint64_t)MAX_AGE_DAYS * SECONDS_PER_DAY)
        ratls_lint_warn(lint, "max-age", "longer than %d days", MAX_AGE_DAYS);
}

/* renew and binding concern those who speak for themselves: a program under the provider cannot. */
static void lint_verdict(const struct ratls_lint *lint)
{
    const struct ratls_rules *rules = lint->rules;
    const bool is_given = lint->document->max_age != NULL;

    if (rules->max_age_s > VERDICT_AGE_HOURS * SECONDS_PER_HOUR)
        ratls_lint_warn(lint, is_given ? "max-age" : "renew",
                        "a verdict holds for more than %d hour: what happens to the machine "
                        "meanwhile is not seen by connections that are resumed",
                        VERDICT_AGE_HOURS);
    if (rules->renew_s != 0)
        ratls_lint_warn(lint, "renew",
                        "only programs of the library renew, and ratls watch beside others: an "
                        "unmodified program alone sees the server once for each handshake");
    if (rules->needs_exporter)
        ratls_lint_warn(lint, "binding",
                        "exporter: only programs of the library ask for such evidence: "
                        "unmodified programs, and ratls watch, refuse every server");
}

/* A server renews its time stamp when half of its epoch is over, and uses it to the end. */
static void lint_epoch(const struct ratls_lint *lint)
{
    const struct ratls_epoch_rules *epoch = &lint->rules->epoch;
    const struct ratls_pem_certificate *certificates = epoch->certificates;

    if (epoch->within_s > EPOCH_LONG_S)
        ratls_lint_warn(lint, "epoch.within",
                        "longer than %d min: what happens to a machine within an epoch is not seen",
                        EPOCH_LONG_S / 60);
    if (epoch->within_s < EPOCH_SHORT_S)
        ratls_lint_warn(lint, "epoch.within",
                        "shorter than %d s, for which servers use a time stamp: they are refused "
                        "now and then",
                        EPOCH_SHORT_S);
    for (size_t i = 0; i < epoch->authorities.count; i++)
        if (ratls_authority_expired(certificates[i].certificate, time(NULL)))
            ratls_lint_warn(lint, "epoch.authorities",
                            "%s has expired: none of its time stamps is accepted",
                            certificates[i].subject);
}

static void lint_age(const struct ratls_lint *lint)
{
    if (lint->rules->freshness == RATLS_FRESHNESS_EPOCH)
        lint_epoch(lint);
    if (lint->rules->freshness == RATLS_FRESHNESS_CERTIFICATE)
        lint_certificate(lint);
    else
        lint_verdict(lint);
    if (lint->rules->needs_tpm_tls_key && lint->rules->freshness == RATLS_FRESHNESS_CERTIFICATE)
        ratls_lint_warn(lint, "tls-key",
                        "tpm: with freshness: certificate the proof must be in the certificate, "
                        "and ratls cert, which knows keys in files only, makes none with it");
    if (lint->rules->clock_ignored)
        ratls_lint_warn(lint, "clock", "ignored: a TPM whose clock may have gone back is accepted");
    if (lint->rules->allows_software)
        ratls_lint_warn(lint, "software-tpm",
                        "insecure-allow: who runs a software TPM can read its keys and sign "
                        "anything with them; only for tests");
}

static enum ratls_status lint_text(struct ratls_lint *lint, struct ratls_error *err)
{
    struct ratls_document *document = NULL;
    struct ratls_rules rules = {0};
    enum ratls_status status = ratls_source_check(lint->source, err);

    if (status == RATLS_OK)
        status = ratls_document_load(lint->source, &document, err);
    if (status == RATLS_OK)
        status = ratls_rules_build(lint->source, document, &rules, err);
    if (status == RATLS_OK) {
        lint->document = document;
        lint->rules = &rules;
        ratls_lint_servers(lint);
        ratls_lint_pcrs(lint);
        ratls_lint_boot(lint);
        ratls_lint_ima(lint);
        lint_age(lint);
    }
    lint->document = NULL;
    lint->rules = NULL;
    ratls_rules_done(&rules);
    ratls_document_free(document);
    return status;
}

static enum ratls_status lint_file(struct ratls_lint *lint, const char *path,
                                   struct ratls_error *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &text, &len, err);
    struct ratls_source source = {.path = path, .text = {text, len}};

    if (status != RATLS_OK)
        return status;
    lint->source = &source;
    status = lint_text(lint, err);
    lint->source = NULL;
    free(text);
    return status;
}

enum ratls_status ratls_policy_lint(const char *path, void (*tell)(void *self, const char *text),
                                    void *self, struct ratls_error *err)
{
    struct ratls_lint lint = {.warn = tell, .self = self};
    struct ratls_policy_paths paths = {0};
    struct ratls_policy *policy = NULL;
    enum ratls_status status = ratls_policy_load(path, &policy, err);

    ratls_policy_free(policy);
    if (status == RATLS_OK)
        status = ratls_policy_find(path, &paths, err);
    for (size_t i = 0; status == RATLS_OK && i < paths.count; i++)
        status = lint_file(&lint, paths.paths[i], err);
    ratls_policy_paths_done(&paths);
    return status;
}
