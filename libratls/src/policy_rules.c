/* Checks what the values of a policy mean, and makes rules of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "keys.h"
#include "policy_build.h"
#include "policy_names.h"

#define FIRMWARE_DIGITS 16
#define EVERY_CLIENT "*"

static enum ratls_status add_name(struct ratls_build *b, const char *text,
                                  struct ratls_names *names)
{
    char name[RATLS_NAME_SIZE];
    const char *why = ratls_name_normalise(text, name);

    if (why != NULL)
        return ratls_build_refuse(b, "%s: %s", ratls_build_show(b, text), why);
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0)
            return ratls_build_refuse(b, "%s stands in this list twice", ratls_build_show(b, name));
    }
    names->names[names->count] = strdup(name);
    if (names->names[names->count] == NULL)
        return ratls_build_no_memory(b);
    names->count++;
    return RATLS_OK;
}

enum ratls_status ratls_build_names(struct ratls_build *b, const char *key, char *const *texts,
                                    size_t count, struct ratls_names *ret_names)
{
    if (count == 0)
        return RATLS_OK;
    ret_names->names = calloc(count, sizeof *ret_names->names);
    if (ret_names->names == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; i < count; i++) {
        enum ratls_status status;

        ratls_build_at(b, "%s[%zu]", key, i);
        status = add_name(b, texts[i], ret_names);
        if (status != RATLS_OK)
            return status;
    }
    return RATLS_OK;
}

/*
 * What servers must prove and what clients must are two files, so that none of them counts for the
 * other by accident. "*" is needed because a client may have no name at all.
 */
static enum ratls_status build_peers(struct ratls_build *b)
{
    const struct ratls_document *document = b->document;
    struct ratls_names *names = &b->rules->servers;

    b->rules->for_clients = document->clients_count > 0;
    if (!b->rules->for_clients)
        return ratls_build_names(b, "servers", document->servers, document->servers_count, names);
    ratls_build_at(b, "clients");
    if (document->servers_count > 0)
        return ratls_build_refuse(b, "servers or clients, not both: make it two files");
    if (document->clients_count == 1 && strcmp(document->clients[0], EVERY_CLIENT) == 0)
        return RATLS_OK;
    return ratls_build_names(b, "clients", document->clients, document->clients_count, names);
}

static enum ratls_status build_service(struct ratls_build *b)
{
    const char *service = b->document->service == NULL ? "default" : b->document->service;
    size_t len = strlen(service);

    ratls_build_at(b, "service");
    if (len > RATLS_SERVICE_MAX)
        return ratls_build_refuse(b, "expected 1 to %d characters, got %zu", RATLS_SERVICE_MAX,
                                  len);
    if (!ratls_slice_is_printable(ratls_slice(service, len)))
        return ratls_build_refuse(b, "expected printable ASCII, got %s",
                                  ratls_build_show(b, service));
    memcpy(b->rules->service, service, len + 1);
    return RATLS_OK;
}

static enum ratls_status build_algorithms(struct ratls_build *b)
{
    const struct ratls_document *document = b->document;

    b->rules->algorithms = document->algorithms_count == 0 ? RATLS_ALLOW_ALL : 0;
    for (size_t i = 0; i < document->algorithms_count; i++) {
        ratls_build_at(b, "algorithms[%zu]", i);
        if ((b->rules->algorithms & (unsigned)document->algorithms[i]) != 0)
            return ratls_build_refuse(b, "stands in this list twice");
        b->rules->algorithms |= (unsigned)document->algorithms[i];
    }
    return RATLS_OK;
}

static enum ratls_status build_denied_firmware(struct ratls_build *b)
{
    const struct ratls_document *document = b->document;
    struct ratls_rules *rules = b->rules;

    if (document->denied_count == 0)
        return RATLS_OK;
    rules->denied_firmware = calloc(document->denied_count, sizeof *rules->denied_firmware);
    if (rules->denied_firmware == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; i < document->denied_count; i++) {
        uint8_t bytes[FIRMWARE_DIGITS / 2];
        struct ratls_reader reader = ratls_reader(ratls_slice(bytes, sizeof bytes));
        uint64_t version;

        ratls_build_at(b, "deny-firmware[%zu]", i);
        if (!ratls_unhex(document->denied[i], bytes, sizeof bytes))
            return ratls_build_refuse(b, "expected %d hex digits, got %s", FIRMWARE_DIGITS,
                                      ratls_build_show(b, document->denied[i]));
        version = ratls_read_u64(&reader);
        for (size_t j = 0; j < rules->denied_firmware_count; j++) {
            if (rules->denied_firmware[j] == version)
                return ratls_build_refuse(b, "stands in this list twice");
        }
        rules->denied_firmware[rules->denied_firmware_count++] = version;
    }
    return RATLS_OK;
}

static enum ratls_status build_rules(struct ratls_build *b)
{
    static enum ratls_status (*const steps[])(struct ratls_build *) = {
        ratls_build_keys,    ratls_build_pcrs,      ratls_build_boot,
        ratls_build_ima,     build_service,         ratls_build_freshness,
        build_algorithms,    build_denied_firmware, ratls_build_denied_keys,
        ratls_build_results, ratls_build_selection, ratls_build_digest,
    };
    enum ratls_status status = build_peers(b);

    for (size_t i = 0; status == RATLS_OK && i < sizeof steps / sizeof *steps; i++)
        status = steps[i](b);
    if (status != RATLS_OK)
        return status;
    b->rules->clock_ignored = b->document->clock == RATLS_CLOCK_IGNORED;
    b->rules->allows_software = b->document->software == RATLS_SOFTWARE_ALLOWED;
    b->rules->needs_tpm_tls_key = b->document->tls_key == RATLS_TLS_KEY_TPM;
    b->rules->path = strdup(b->source->path);
    b->rules->keys = ratls_key_cache_new();
    if (b->rules->path == NULL || b->rules->keys == NULL)
        return ratls_build_no_memory(b);
    return RATLS_OK;
}

enum ratls_status ratls_rules_build(const struct ratls_source *source,
                                    const struct ratls_document *document,
                                    struct ratls_rules *ret_rules, struct ratls_error *err)
{
    struct ratls_rules rules = {0};
    struct ratls_build b = {.source = source, .document = document, .rules = &rules, .err = err};
    enum ratls_status status = build_rules(&b);

    if (status != RATLS_OK)
        ratls_rules_done(&rules);
    else
        *ret_rules = rules;
    return status;
}

enum ratls_status ratls_rules_parse(const char *path, struct ratls_slice text,
                                    struct ratls_rules *ret_rules, struct ratls_error *err)
{
    struct ratls_document *document = NULL;
    struct ratls_source source = {.path = path, .text = text};
    enum ratls_status status = ratls_source_check(&source, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_document_load(&source, &document, err);
    if (status == RATLS_OK)
        status = ratls_rules_build(&source, document, ret_rules, err);
    ratls_document_free(document);
    return status;
}

void ratls_rules_done(struct ratls_rules *rules)
{
    ratls_names_done(&rules->servers);
    for (size_t i = 0; i < rules->pin_count; i++)
        ratls_names_done(&rules->pins[i].servers);
    for (size_t i = 0; i < rules->issuer_count; i++) {
        free(rules->issuers[i].path);
        ratls_certificate_free(rules->issuers[i].certificate);
        ratls_names_done(&rules->issuers[i].servers);
        ratls_crl_free(rules->issuers[i].crl);
        free(rules->issuers[i].crl_path);
    }
    for (size_t i = 0; i < rules->pcr_count; i++)
        free(rules->pcrs[i].values);
    ratls_references_done(&rules->reference_values);
    ratls_boot_rules_done(&rules->boot);
    ratls_ima_rules_done(&rules->ima);
    ratls_epoch_rules_done(&rules->epoch);
    ratls_result_rules_done(&rules->results);
    free(rules->pins);
    free(rules->issuers);
    free(rules->pcrs);
    free(rules->denied_firmware);
    free(rules->denied_keys.items);
    ratls_key_cache_free(rules->keys);
    for (size_t i = 0; i < rules->stamp_count; i++)
        free(rules->stamps[i].path);
    free(rules->stamps);
    free(rules->path);
    *rules = (struct ratls_rules){0};
}
