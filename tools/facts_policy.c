#include "facts_policy.h"

#include <stdio.h>
#include <string.h>

#include "describe.h"

static enum ratls_status add_text(struct ratls_facts *facts, enum ratls_topic topic,
                                  const char *name, const char *value, struct ratls_error *err)
{
    return ratls_facts_add_text(facts, topic, name, value, err);
}

static enum ratls_status add_identity(const struct ratls_rules *rules, struct ratls_facts *facts,
                                      struct ratls_error *err)
{
    enum ratls_status status =
        add_text(facts, RATLS_TOPIC_IDENTITY, "service", rules->service, err);
    char hex[2 * RATLS_TPM_NAME_MAX + 1];

    for (size_t i = 0; status == RATLS_OK && i < rules->servers.count; i++)
        status = add_text(facts, RATLS_TOPIC_IDENTITY, rules->for_clients ? "client" : "server",
                          rules->servers.names[i], err);
    for (size_t i = 0; status == RATLS_OK && i < rules->pin_count; i++) {
        ratls_hex(ratls_slice(rules->pins[i].name, rules->pins[i].name_len), hex, sizeof hex);
        status = add_text(facts, RATLS_TOPIC_IDENTITY, "attestation key", hex, err);
    }
    for (size_t i = 0; status == RATLS_OK && i < rules->issuer_count; i++) {
        status = add_text(facts, RATLS_TOPIC_IDENTITY, "issuer of attestation keys",
                          rules->issuers[i].path, err);
        if (status == RATLS_OK && rules->issuers[i].crl != NULL)
            status = add_text(facts, RATLS_TOPIC_IDENTITY, "its list of revoked certificates",
                              rules->issuers[i].crl_path, err);
    }
    return status;
}

static enum ratls_status add_pcrs(const struct ratls_rules *rules, struct ratls_facts *facts,
                                  struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < rules->pcr_count; i++) {
        const struct ratls_pcr_rule *rule = &rules->pcrs[i];
        struct ratls_fact fact = {
            .topic = RATLS_TOPIC_PCR, .form = RATLS_FACT_DIGEST, .pcr = rule->index};
        char name[32];

        snprintf(name, sizeof name, "%s PCR %u", ratls_tpm_hash_name(rule->bank), rule->index);
        fact.name = ratls_slice(name, strlen(name));
        for (size_t j = 0; status == RATLS_OK && j < rule->count; j++) {
            fact.value = ratls_slice(rule->values[j], ratls_tpm_hash_len(rule->bank));
            status = ratls_facts_add(facts, &fact, err);
        }
    }
    return status;
}

static enum ratls_status add_sets(enum ratls_topic topic, const struct ratls_references *references,
                                  struct ratls_facts *facts, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; i < references->count; i++)
        for (size_t j = 0; status == RATLS_OK && j < ratls_refvals_count(references->sets[i]);
             j++) {
            struct ratls_fact fact = {.topic = topic, .form = RATLS_FACT_DIGEST};

            fact.pcr = topic == RATLS_TOPIC_IMA_ALLOW ? RATLS_IMA_PCR : 0;
            ratls_refvals_get(references->sets[i], j, &fact.value, &fact.name);
            status = ratls_facts_add(facts, &fact, err);
        }
    return status;
}

static enum ratls_status add_patterns(enum ratls_topic topic, const char *name,
                                      const struct ratls_patterns *patterns,
                                      struct ratls_facts *facts, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < patterns->count; i++) {
        const struct ratls_fact fact = {.topic = topic,
                                        .form = RATLS_FACT_TEXT,
                                        .name = ratls_slice(name, strlen(name)),
                                        .value = patterns->items[i].text};

        status = ratls_facts_add(facts, &fact, err);
    }
    return status;
}

static enum ratls_status add_boot(const struct ratls_boot_rules *boot, struct ratls_facts *facts,
                                  struct ratls_error *err)
{
    enum ratls_status status;

    status = add_text(facts, RATLS_TOPIC_SECURE_BOOT, "Secure Boot",
                      boot->secure_boot_required ? "required" : "not asked about", err);
    if (status == RATLS_OK)
        status =
            add_text(facts, RATLS_TOPIC_RULE, "boot.bank", ratls_tpm_hash_name(boot->bank), err);
    if (status == RATLS_OK && boot->images_signed)
        status = add_text(facts, RATLS_TOPIC_RULE, "boot.images", "whatever is signed", err);
    for (size_t i = 0; status == RATLS_OK && i < boot->signer_count; i++) {
        const struct ratls_fact fact = {
            .topic = RATLS_TOPIC_SIGNERS,
            .form = RATLS_FACT_CERTIFICATE,
            .name = ratls_slice(boot->signers[i].name, strlen(boot->signers[i].name)),
            .value = ratls_slice(boot->signers[i].der, boot->signers[i].len)};

        status = ratls_facts_add(facts, &fact, err);
    }
    if (status == RATLS_OK)
        status = add_patterns(RATLS_TOPIC_COMMAND_LINES, "command line", &boot->command_lines,
                              facts, err);
    return status;
}

static enum ratls_status add_ima(const struct ratls_ima_rules *ima, struct ratls_facts *facts,
                                 struct ratls_error *err)
{
    static const char *const modes[] = {"either", "native", "padded"};
    enum ratls_status status;

    status = add_text(facts, RATLS_TOPIC_RULE, "ima.bank", ratls_tpm_hash_name(ima->bank), err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "ima.extend", modes[ima->extend], err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "ima.violations",
                          ima->violations_allowed ? "allow" : "refuse", err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "ima.sync", ima->syncs ? "auto" : "never", err);
    if (status == RATLS_OK)
        status = add_patterns(RATLS_TOPIC_RULE, "ima.exclude", &ima->exclude, facts, err);
    if (status == RATLS_OK)
        status = add_patterns(RATLS_TOPIC_RULE, "ima.signature-required", &ima->signature_required,
                              facts, err);
    return status;
}

/* 0: the policy does not say. */
static enum ratls_status add_seconds(const char *key, uint64_t seconds, struct ratls_facts *facts,
                                     struct ratls_error *err)
{
    char text[32];

    snprintf(text, sizeof text, "%llus", (unsigned long long)seconds);
    return seconds == 0 ? RATLS_OK : add_text(facts, RATLS_TOPIC_RULE, key, text, err);
}

static enum ratls_status add_epoch(const struct ratls_epoch_rules *epoch, struct ratls_facts *facts,
                                   struct ratls_error *err)
{
    enum ratls_status status = add_seconds("epoch.within", epoch->within_s, facts, err);

    for (size_t i = 0; status == RATLS_OK && i < epoch->authorities.count; i++) {
        const struct ratls_pem_certificate *authority = &epoch->certificates[i];
        char text[RATLS_ERROR_TEXT], hex[2 * 32 + 1];
        uint8_t digest[32];

        status = ratls_sha256(ratls_slice(authority->der, authority->len), digest, err);
        if (status != RATLS_OK)
            break;
        ratls_hex(ratls_slice(digest, sizeof digest), hex, sizeof hex);
        snprintf(text, sizeof text, "%s (SHA-256 %s)", authority->subject, hex);
        status = add_text(facts, RATLS_TOPIC_RULE, "epoch.authorities", text, err);
    }
    return status;
}

/* What is compared besides: its words are those of the policy. */
static enum ratls_status add_rules(const struct ratls_rules *rules, struct ratls_facts *facts,
                                   struct ratls_error *err)
{
    char text[2 * RATLS_TPM_NAME_MAX + 1];
    enum ratls_status status;

    status =
        add_text(facts, RATLS_TOPIC_RULE, "freshness", ratls_freshness_name(rules->freshness), err);
    if (status == RATLS_OK)
        status = add_epoch(&rules->epoch, facts, err);
    if (status == RATLS_OK)
        status = add_seconds("max-age", rules->max_age_s, facts, err);
    if (status == RATLS_OK)
        status = add_seconds("renew", rules->renew_s, facts, err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "binding",
                          rules->needs_exporter ? "exporter" : "handshake", err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "clock",
                          rules->clock_ignored ? "ignored" : "safe", err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "software-tpm",
                          rules->allows_software ? "insecure-allow" : "refuse", err);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "tls-key",
                          rules->needs_tpm_tls_key ? "tpm" : "any", err);
    snprintf(text, sizeof text, "set 0x%02x", rules->algorithms);
    if (status == RATLS_OK)
        status = add_text(facts, RATLS_TOPIC_RULE, "algorithms", text, err);
    for (size_t i = 0; status == RATLS_OK && i < rules->denied_firmware_count; i++) {
        snprintf(text, sizeof text, "%016llx", (unsigned long long)rules->denied_firmware[i]);
        status = add_text(facts, RATLS_TOPIC_RULE, "deny-firmware", text, err);
    }
    for (size_t i = 0; status == RATLS_OK && i < rules->denied_keys.count; i++) {
        ratls_hex(ratls_denied_key_name(&rules->denied_keys.items[i]), text, sizeof text);
        status = add_text(facts, RATLS_TOPIC_RULE, "deny-keys", text, err);
    }
    return status;
}

const struct ratls_references *ratls_rules_references(const struct ratls_rules *rules,
                                                      enum ratls_topic topic)
{
    switch (topic) {
    case RATLS_TOPIC_FIRMWARE:
        return &rules->boot.firmware;
    case RATLS_TOPIC_SETTINGS:
        return &rules->boot.settings;
    case RATLS_TOPIC_IMAGES:
        return &rules->boot.images;
    case RATLS_TOPIC_KERNELS:
        return &rules->boot.kernels;
    case RATLS_TOPIC_PARTITIONS:
        return &rules->boot.partitions;
    case RATLS_TOPIC_VARIABLES:
        return &rules->boot.variables;
    case RATLS_TOPIC_FILES:
        return &rules->boot.files;
    case RATLS_TOPIC_OWNER_KEYS:
        return &rules->boot.owner_keys;
    case RATLS_TOPIC_IMA_ALLOW:
        return &rules->ima.allow;
    case RATLS_TOPIC_IMA_DENY:
        return &rules->ima.deny;
    default:
        return NULL;
    }
}

enum ratls_status ratls_facts_of_policy(const struct ratls_rules *rules, struct ratls_facts *facts,
                                        struct ratls_error *err)
{
    enum ratls_status status = add_identity(rules, facts, err);

    if (status == RATLS_OK)
        status = add_rules(rules, facts, err);
    if (status == RATLS_OK)
        status = add_pcrs(rules, facts, err);
    if (status == RATLS_OK && rules->boot.is_asked)
        status = add_boot(&rules->boot, facts, err);
    if (status == RATLS_OK && rules->ima.is_asked)
        status = add_ima(&rules->ima, facts, err);
    for (int i = RATLS_TOPIC_FIRST_LIST; status == RATLS_OK && i < RATLS_TOPIC_COUNT; i++) {
        const struct ratls_references *sets = ratls_rules_references(rules, (enum ratls_topic)i);

        if (sets != NULL)
            status = add_sets((enum ratls_topic)i, sets, facts, err);
    }
    return status;
}
