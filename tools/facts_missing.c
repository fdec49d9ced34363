/* What a machine shows and a policy does not allow. */
#include <string.h>

#include "boot_compact.h"
#include "check_boot.h"
#include "facts_policy.h"
#include "ima_signature.h"

static bool is_signer(const struct ratls_boot_rules *boot, struct ratls_slice der)
{
    for (size_t i = 0; i < boot->signer_count; i++)
        if (boot->signers[i].len == der.len && memcmp(boot->signers[i].der, der.p, der.len) == 0)
            return true;
    return false;
}

/* A text that is too long for patterns must be there as it is. */
static bool matches(const struct ratls_patterns *patterns, struct ratls_slice text)
{
    for (size_t i = 0; i < patterns->count; i++)
        if ((patterns->items[i].is_exact || text.len <= RATLS_BOOT_TEXT_MAX) &&
            ratls_pattern_match(&patterns->items[i], text))
            return true;
    return false;
}

/* As check_boot_events.c decides. A text whose data did not come is known by its digest. */
static bool boot_allows(const struct ratls_rules *rules, const struct ratls_fact *fact)
{
    const struct ratls_boot_rules *boot = &rules->boot;
    const struct ratls_references *references = ratls_rules_references(rules, fact->topic);
    const bool is_listed = references != NULL && ratls_references_have(references, fact->value);

    switch (fact->topic) {
    case RATLS_TOPIC_SIGNERS:
        return is_signer(boot, fact->value);
    case RATLS_TOPIC_COMMAND_LINES:
        return fact->form == RATLS_FACT_DIGEST
                   ? ratls_boot_lines_has(&boot->exact_lines, fact->value)
                   : matches(&boot->command_lines, fact->value);
    case RATLS_TOPIC_IMAGES:
        return is_listed || boot->images_signed ||
               ratls_references_have(&boot->kernels, fact->value);
    case RATLS_TOPIC_FILES:
        return is_listed || ratls_references_have(&boot->kernels, fact->value) ||
               ratls_boot_lines_has(&boot->exact_lines, fact->value);
    case RATLS_TOPIC_VARIABLES:
        return is_listed || boot->variables.count == 0;
    default:
        return is_listed;
    }
}

static enum ratls_status add_boot(const struct ratls_rules *rules,
                                  const struct ratls_observation *o, struct ratls_facts *missing,
                                  struct ratls_error *err)
{
    const bool is_on = o->boot != NULL && o->boot->secure_boot == RATLS_SECURE_BOOT_ON;
    enum ratls_status status = RATLS_OK;

    if (!rules->boot.is_asked || o->boot == NULL || o->boot_bank != rules->boot.bank)
        return RATLS_OK;
    if (rules->boot.secure_boot_required && !is_on)
        status = ratls_facts_add_text(
            missing, RATLS_TOPIC_SECURE_BOOT, "Secure Boot",
            o->boot->secure_boot == RATLS_SECURE_BOOT_OFF ? "off" : "unknown", err);
    for (size_t i = 0; status == RATLS_OK && i < o->facts.count; i++) {
        const struct ratls_fact *fact = &o->facts.items[i];

        if (fact->topic >= RATLS_TOPIC_FIRST_LIST && fact->topic != RATLS_TOPIC_IMA_ALLOW &&
            ratls_boot_covers(&rules->boot, fact->pcr) && !boot_allows(rules, fact))
            status = ratls_facts_add(missing, fact, err);
    }
    return status;
}

static bool is_allowed_file(const struct ratls_ima_rules *ima, const struct ratls_fact *fact)
{
    for (size_t i = 0; i < ima->allow.count; i++)
        if (ratls_refvals_allows(ima->allow.sets[i], fact->value, fact->name))
            return true;
    return false;
}

/* A good signature is enough, unless the list says what is not. */
static enum ratls_status find_signed(const struct ratls_ima_rules *ima,
                                     const struct ratls_ima_entry *entry, bool *ret_signed,
                                     struct ratls_error *err)
{
    const char *why = "";
    enum ratls_status status = RATLS_OK;

    *ret_signed = false;
    if (ima->signer_count > 0 && ratls_ima_field(entry, RATLS_IMA_SIG).len > 0) {
        status = ratls_ima_check_signature(entry, ima->signers, ima->signer_count, &why, err);
        *ret_signed = status == RATLS_OK && why == NULL;
    }
    return status;
}

/* The entries once more: a signature is checked over what lies in the list. */
static enum ratls_status add_ima(const struct ratls_rules *rules, const struct ratls_observation *o,
                                 struct ratls_facts *missing, struct ratls_error *err)
{
    struct ratls_ima_reader reader =
        ratls_ima_reader(ratls_slice(o->ima_list, o->ima_list_len), o->ima_alg, 0, 0);
    enum ratls_status status = RATLS_OK;
    struct ratls_ima_entry entry = {.number = 0};

    if (!rules->ima.is_asked || o->ima_list == NULL)
        return RATLS_OK;
    for (size_t i = 0; status == RATLS_OK && i < o->facts.count; i++) {
        const struct ratls_fact *fact = &o->facts.items[i];
        bool is_signed = false;

        if (fact->topic != RATLS_TOPIC_IMA_ALLOW || is_allowed_file(&rules->ima, fact) ||
            matches(&rules->ima.exclude, fact->name))
            continue;
        while (entry.number < fact->place && ratls_ima_next(&reader, &entry))
            ;
        if (entry.number == fact->place)
            status = find_signed(&rules->ima, &entry, &is_signed, err);
        if (status == RATLS_OK && !is_signed)
            status = ratls_facts_add(missing, fact, err);
    }
    return status;
}

static bool pins(const struct ratls_rules *rules, const struct ratls_observation *o)
{
    for (size_t i = 0; i < rules->pin_count; i++)
        if (rules->pins[i].name_len == o->ak_name_len &&
            memcmp(rules->pins[i].name, o->ak_name, o->ak_name_len) == 0)
            return true;
    return false;
}

static bool allows_value(const struct ratls_pcr_rule *rule, struct ratls_slice value)
{
    for (size_t i = 0; i < rule->count; i++)
        if (memcmp(rule->values[i], value.p, value.len) == 0)
            return true;
    return false;
}

/* Only what pins cannot answer is left open: issuers are the appraisal's business. */
static enum ratls_status add_quoted(const struct ratls_rules *rules,
                                    const struct ratls_observation *o, struct ratls_facts *missing,
                                    struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < o->facts.count; i++) {
        const struct ratls_fact *fact = &o->facts.items[i];
        const bool is_key = fact->topic == RATLS_TOPIC_IDENTITY &&
                            strcmp((const char *)fact->name.p, "attestation key") == 0;

        if (is_key && rules->issuer_count == 0 && !pins(rules, o))
            status = ratls_facts_add(missing, fact, err);
        for (size_t j = 0; fact->topic == RATLS_TOPIC_PCR && j < rules->pcr_count; j++) {
            const struct ratls_pcr_rule *rule = &rules->pcrs[j];

            if (rule->index == fact->pcr && ratls_tpm_hash_len(rule->bank) == fact->value.len &&
                !allows_value(rule, fact->value) && status == RATLS_OK)
                status = ratls_facts_add(missing, fact, err);
        }
    }
    return status;
}

enum ratls_status ratls_facts_missing(const struct ratls_rules *rules,
                                      const struct ratls_observation *o,
                                      struct ratls_facts *ret_missing, struct ratls_error *err)
{
    enum ratls_status status = add_quoted(rules, o, ret_missing, err);

    if (status == RATLS_OK)
        status = add_boot(rules, o, ret_missing, err);
    if (status == RATLS_OK)
        status = add_ima(rules, o, ret_missing, err);
    return status;
}
