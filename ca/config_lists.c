#include "config_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_values.h"
#include "fail.h"
#include "rules.h"

#define FIRMWARE_DIGITS 16

/* ---- issuers ---- */

static enum ratls_status read_key(const struct ratls_source *source, const char *value, char **ret,
                                  struct ratls_error *err)
{
    if (!ratls_ca_key_is_uri(value))
        return ratls_ca_read_path(source, value, ret, err);
    *ret = strdup(value);
    return *ret == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

enum ratls_status ratls_ca_read_issuers(const struct ratls_source *source,
                                        const struct ratls_ca_document *document,
                                        struct ratls_ca_config *config, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    char place[RATLS_CA_AT_MAX];

    config->issuers = calloc(document->issuers_count, sizeof *config->issuers);
    if (config->issuers == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    config->issuer_count = document->issuers_count;
    for (size_t i = 0; i < config->issuer_count && status == RATLS_OK; i++) {
        struct ratls_ca_issuer_config *issuer = &config->issuers[i];

        status =
            ratls_ca_read_path(source, document->issuers[i].certificate, &issuer->certificate, err);
        if (status == RATLS_OK)
            status = read_key(source, document->issuers[i].key, &issuer->key, err);
        (void)snprintf(place, sizeof place, "issuers[%zu].certificate", i);
        for (size_t k = 0; k < i && status == RATLS_OK; k++)
            if (strcmp(config->issuers[k].certificate, issuer->certificate) == 0)
                status = ratls_source_fail(source, err, place, "this issuer is in the list twice");
    }
    return status;
}

/* ---- algorithms ---- */

static const struct {
    const char *word;
    enum ratls_algorithms bit;
} algorithms[] = {
    {"ecdsa-p256", RATLS_ALLOW_ECDSA_P256}, {"ecdsa-p384", RATLS_ALLOW_ECDSA_P384},
    {"ecdsa-p521", RATLS_ALLOW_ECDSA_P521}, {"rsassa", RATLS_ALLOW_RSASSA},
    {"rsapss", RATLS_ALLOW_RSAPSS},
};

static unsigned find_algorithm(const char *word)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].word, word) == 0)
            return algorithms[i].bit;
    return 0;
}

enum ratls_status ratls_ca_read_algorithms(const struct ratls_source *source,
                                           const struct ratls_ca_document *document,
                                           struct ratls_ca_config *config, struct ratls_error *err)
{
    char place[RATLS_CA_AT_MAX];

    if (document->algorithms_count > 0)
        config->algorithms = 0;
    for (size_t i = 0; i < document->algorithms_count; i++) {
        const unsigned bit = find_algorithm(document->algorithms[i]);

        (void)snprintf(place, sizeof place, "algorithms[%zu]", i);
        if (bit == 0)
            return ratls_source_fail(
                source, err, place, "must be ecdsa-p256, ecdsa-p384, ecdsa-p521, rsassa or rsapss");
        config->algorithms |= bit;
    }
    return RATLS_OK;
}

/* ---- rules ---- */

/* A name of a rule counts only if the CA may issue for it at all, and is that of one machine. */
static enum ratls_status check_rule_names(const struct ratls_source *source, size_t index,
                                          const struct ratls_ca_rule *rule,
                                          const struct ratls_ca_config *config,
                                          struct ratls_error *err)
{
    char place[RATLS_CA_AT_MAX];

    for (size_t i = 0; i < rule->name_count; i++) {
        const char *name = rule->names[i];

        (void)snprintf(place, sizeof place, "approval.rules[%zu].names[%zu]", index, i);
        if (name[0] == '*')
            return ratls_source_fail(source, err, place,
                                     "a rule names one machine: no *, which stands for many");
        if (!ratls_ca_name_fits(config->names, config->name_count, ratls_slice(name, strlen(name))))
            return ratls_source_fail(source, err, place,
                                     "never counts: it is outside of names, for which this CA "
                                     "issues certificates");
    }
    return RATLS_OK;
}

static enum ratls_status read_rule(const struct ratls_source *source, size_t index,
                                   const struct ratls_ca_document_rule *from,
                                   struct ratls_ca_config *config, struct ratls_error *err)
{
    struct ratls_ca_rule *rule = &config->rules[index];
    char place[RATLS_CA_AT_MAX];
    enum ratls_status status;

    (void)snprintf(place, sizeof place, "approval.rules[%zu].ek", index);
    if (!ratls_unhex(from->ek, rule->ek_sha256, sizeof rule->ek_sha256))
        return ratls_source_fail(source, err, place,
                                 "must be the SHA-256 of an endorsement key, 64 hex digits, as "
                                 "'ratls roots check' and 'ratls ca request' show it");
    for (size_t i = 0; i < index; i++)
        if (memcmp(config->rules[i].ek_sha256, rule->ek_sha256, sizeof rule->ek_sha256) == 0)
            return ratls_source_fail(source, err, place,
                                     "approval.rules[%zu] is for the same key: put the names "
                                     "together",
                                     i);
    (void)snprintf(place, sizeof place, "approval.rules[%zu].names", index);
    status = ratls_ca_read_names(source, place, from->names, from->names_count, &rule->names,
                                 &rule->name_count, err);
    return status != RATLS_OK ? status : check_rule_names(source, index, rule, config, err);
}

enum ratls_status ratls_ca_read_rules(const struct ratls_source *source,
                                      const struct ratls_ca_document_approval *approval,
                                      struct ratls_ca_config *config, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (approval->rules_count == 0)
        return RATLS_OK;
    config->rules = calloc(approval->rules_count, sizeof *config->rules);
    if (config->rules == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    config->rule_count = approval->rules_count;
    for (size_t i = 0; i < config->rule_count && status == RATLS_OK; i++)
        status = read_rule(source, i, &approval->rules[i], config, err);
    return status;
}

/* ---- firmware ---- */

enum ratls_status ratls_ca_read_firmware(const struct ratls_source *source,
                                         const struct ratls_ca_document *document,
                                         struct ratls_ca_config *config, struct ratls_error *err)
{
    char place[RATLS_CA_AT_MAX];

    if (document->deny_firmware_count == 0)
        return RATLS_OK;
    config->deny_firmware = calloc(document->deny_firmware_count, sizeof *config->deny_firmware);
    if (config->deny_firmware == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; i < document->deny_firmware_count; i++) {
        uint8_t bytes[FIRMWARE_DIGITS / 2];
        struct ratls_reader reader = ratls_reader(ratls_slice(bytes, sizeof bytes));

        (void)snprintf(place, sizeof place, "deny-firmware[%zu]", i);
        if (!ratls_unhex(document->deny_firmware[i], bytes, sizeof bytes))
            return ratls_source_fail(source, err, place,
                                     "must be %d hex digits: TPM2_PT_FIRMWARE_VERSION_1 and _2",
                                     FIRMWARE_DIGITS);
        config->deny_firmware[config->firmware_count++] = ratls_read_u64(&reader);
    }
    return RATLS_OK;
}
