#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config_document.h"
#include "config_lists.h"
#include "config_values.h"
#include "fail.h"
#include "policy_file.h"
#include "rules.h"

#define VERSION "1"
#define ROOTS_DEFAULT "/etc/ratls/roots"
#define DAY_S 86400
#define VALIDITY_MAX_S (3650 * DAY_S)
#define CRL_LIFETIME_MAX_S (365 * DAY_S)
#define CHALLENGE_LIFETIME_MAX_S (90 * DAY_S)
#define CRL_URL_MAX 1024

static const struct ratls_ca_config defaults = {
    .validity_s = 365 * DAY_S,
    .crl_lifetime_s = 7 * DAY_S,
    .algorithms = RATLS_ALLOW_ECDSA_P256 | RATLS_ALLOW_RSASSA,
    .tokens = true,
    .by_hand = true,
    .renewal = true,
    .limits = {600, 20, 10000, 10000, 256},
    .challenge_lifetime_s = 5 * 60,
    .challenge_lifetime_files_s = 7 * DAY_S,
};

/* A folder may be relative; a database is where its URL says. */
static enum ratls_status read_store(const struct ratls_source *source, const char *value,
                                    char **ret, struct ratls_error *err)
{
    if (!ratls_ca_key_is_uri(value))
        return ratls_ca_read_path(source, value, ret, err);
    if (strncmp(value, "postgresql://", strlen("postgresql://")) != 0)
        return ratls_source_fail(source, err, "store",
                                 "must be a folder, or postgresql://... for a database");
    *ret = strdup(value);
    return *ret == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

/* It is in every certificate; programs fetch CRLs over HTTP, for they are signed. */
static enum ratls_status read_crl_url(const struct ratls_source *source, const char *value,
                                      char **ret, struct ratls_error *err)
{
    const bool is_http =
        value != NULL && (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0);

    if (value == NULL)
        return RATLS_OK;
    if (!is_http || strlen(value) > CRL_URL_MAX || strchr(value, ' ') != NULL ||
        !ratls_slice_is_printable(ratls_slice(value, strlen(value))))
        return ratls_source_fail(source, err, "crl-url",
                                 "must be http://... or https://..., without spaces, at most %d "
                                 "bytes",
                                 CRL_URL_MAX);
    *ret = strdup(value);
    return *ret == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

static enum ratls_status read_places(const struct ratls_source *source,
                                     const struct ratls_ca_document *document,
                                     struct ratls_ca_config *config, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (strcmp(document->version, VERSION) != 0)
        status = ratls_source_fail(source, err, "ca",
                                   "must be " VERSION ", the version of the "
                                   "configuration");
    if (status == RATLS_OK)
        status = read_store(source, document->store, &config->store, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_path(
            source, document->roots == NULL ? ROOTS_DEFAULT : document->roots, &config->roots, err);
    if (status == RATLS_OK)
        status = read_crl_url(source, document->crl_url, &config->crl_url, err);
    return status;
}

static enum ratls_status read_times(const struct ratls_source *source,
                                    const struct ratls_ca_document *document,
                                    struct ratls_ca_config *config, struct ratls_error *err)
{
    const struct {
        const char *at, *value;
        unsigned max_s, *ret;
    } times[] = {
        {"validity", document->validity, VALIDITY_MAX_S, &config->validity_s},
        {"crl-lifetime", document->crl_lifetime, CRL_LIFETIME_MAX_S, &config->crl_lifetime_s},
        {"challenge-lifetime", document->challenge_lifetime, CHALLENGE_LIFETIME_MAX_S,
         &config->challenge_lifetime_s},
        {"challenge-lifetime-files", document->challenge_lifetime_files, CHALLENGE_LIFETIME_MAX_S,
         &config->challenge_lifetime_files_s},
    };
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; i < sizeof times / sizeof *times && status == RATLS_OK; i++)
        status = ratls_ca_read_duration(source, times[i].at, times[i].value, times[i].max_s,
                                        times[i].ret, err);
    return status;
}

static enum ratls_status read_limits(const struct ratls_source *source,
                                     const struct ratls_ca_document_limits *limits,
                                     struct ratls_ca_config *config, struct ratls_error *err)
{
    enum ratls_status status;

    if (limits == NULL)
        return RATLS_OK;
    status = ratls_ca_read_number(source, "limits.requests-per-minute", limits->requests_per_minute,
                                  RATLS_CA_RATE_MAX, &config->limits.requests_per_minute, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_number(source, "limits.per-ek-per-hour", limits->per_ek_per_hour,
                                      RATLS_CA_RATE_MAX, &config->limits.per_ek_per_hour, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_number(source, "limits.waiting", limits->waiting,
                                      RATLS_CA_WAITING_MAX, &config->limits.waiting, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_number(source, "limits.challenged", limits->challenged,
                                      RATLS_CA_WAITING_MAX, &config->limits.challenged, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_number(source, "limits.connections", limits->connections,
                                      RATLS_CA_CONNECTIONS_MAX, &config->limits.connections, err);
    return status;
}

static enum ratls_status read_approval(const struct ratls_source *source,
                                       const struct ratls_ca_document_approval *approval,
                                       struct ratls_ca_config *config, struct ratls_error *err)
{
    enum ratls_status status;

    if (approval == NULL)
        return RATLS_OK;
    status = ratls_ca_read_rules(source, approval, config, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_path(source, approval->rules_file, &config->rules_file, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_word(source, "approval.tokens", approval->tokens, "allow", "refuse",
                                    &config->tokens, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_word(source, "approval.by-hand", approval->by_hand, "allow",
                                    "refuse", &config->by_hand, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_word(source, "approval.renewal", approval->renewal, "allow",
                                    "refuse", &config->renewal, err);
    return status;
}

static enum ratls_status read_document(const struct ratls_source *source,
                                       const struct ratls_ca_document *document,
                                       struct ratls_ca_config *config, struct ratls_error *err)
{
    enum ratls_status status = read_places(source, document, config, err);

    if (status == RATLS_OK)
        status = ratls_ca_read_issuers(source, document, config, err);
    if (status == RATLS_OK)
        status = ratls_ca_copy_texts(document->providers, document->providers_count,
                                     &config->providers, &config->provider_count, err);
    if (status == RATLS_OK)
        status = read_times(source, document, config, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_names(source, "names", document->names, document->names_count,
                                     &config->names, &config->name_count, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_word(source, "software-tpm", document->software_tpm,
                                    "insecure-allow", "refuse", &config->allows_software, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_algorithms(source, document, config, err);
    if (status == RATLS_OK)
        status = read_approval(source, document->approval, config, err);
    if (status == RATLS_OK)
        status = ratls_ca_read_firmware(source, document, config, err);
    if (status == RATLS_OK)
        status = read_limits(source, document->limits, config, err);
    return status;
}

enum ratls_status ratls_ca_config_read(const char *path, struct ratls_slice text,
                                       struct ratls_ca_config **ret_config, struct ratls_error *err)
{
    const struct ratls_source source = {.path = path, .text = text};
    struct ratls_ca_document *document = NULL;
    struct ratls_ca_config *config;
    enum ratls_status status = ratls_source_check(&source, err);

    if (status == RATLS_OK)
        status = ratls_ca_document_load(&source, &document, err);
    if (status != RATLS_OK)
        return status;
    config = malloc(sizeof *config);
    if (config == NULL) {
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    } else {
        *config = defaults;
        status = read_document(&source, document, config, err);
    }
    ratls_ca_document_free(document);
    if (status == RATLS_OK)
        *ret_config = config;
    else
        ratls_ca_config_free(config);
    return status;
}

enum ratls_status ratls_ca_config_load(const char *path, struct ratls_ca_config **ret_config,
                                       struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &bytes, &len, err);

    if (status == RATLS_OK)
        status = ratls_ca_config_read(path, ratls_slice(bytes, len), ret_config, err);
    free(bytes);
    return status;
}

void ratls_ca_config_free(struct ratls_ca_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->issuer_count; i++) {
        free(config->issuers[i].certificate);
        free(config->issuers[i].key);
    }
    for (size_t i = 0; i < config->rule_count; i++)
        ratls_ca_free_texts(config->rules[i].names, config->rules[i].name_count);
    ratls_ca_free_texts(config->providers, config->provider_count);
    ratls_ca_free_texts(config->names, config->name_count);
    free(config->store);
    free(config->roots);
    free(config->issuers);
    free(config->crl_url);
    free(config->rules);
    free(config->rules_file);
    free(config->deny_firmware);
    free(config);
}

bool ratls_ca_name_fits(char *const *names, size_t count, struct ratls_slice name)
{
    if (name.len == 0 || name.p[0] == '*' || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < count; i++) {
        const bool is_wide = names[i][0] == '*';
        const struct ratls_slice tail = ratls_slice(names[i] + is_wide, strlen(names[i]) - is_wide);

        if (is_wide ? name.len <= tail.len : name.len != tail.len)
            continue;
        if (memcmp(name.p + (name.len - tail.len), tail.p, tail.len) == 0)
            return true;
    }
    return false;
}

/* RFC 3986, 3.1: a scheme, of two characters or more, as no path begins. */
bool ratls_ca_key_is_uri(const char *key)
{
    static const char scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
    const size_t len = strspn(key, scheme);

    return len > 1 && key[0] >= 'a' && key[0] <= 'z' && key[len] == ':';
}
