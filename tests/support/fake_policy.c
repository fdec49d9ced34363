#include "fake_policy.h"

#include <string.h>

#include "epoch_memory.h"
#include "keys.h"
#include "must.h"

struct ratls_rules *fake_policy_rules(struct ratls_policy *policy)
{
    return &policy->rules[0];
}

struct ratls_policy *fake_policy_new(struct fake_tpm *tpm)
{
    struct ratls_policy *policy = calloc(1, sizeof *policy);
    struct ratls_rules *rules = calloc(1, sizeof *rules);

    must(policy != NULL && rules != NULL);
    policy->references = 1;
    policy->rules = rules;
    policy->count = 1;
    rules->path = strdup("fake.yaml");
    rules->decides_sha256[0] = 1; /* zeros: a policy that nobody knows */
    rules->algorithms = RATLS_ALLOW_ALL;
    rules->keys = ratls_key_cache_new();
    must(rules->path != NULL && rules->keys != NULL);
    must(ratls_ledger_new(NULL, &policy->ledger, NULL) == RATLS_OK);
    rules->ledger = policy->ledger;
    snprintf(rules->service, sizeof rules->service, "default");
    for (uint8_t i = 0; i < 8; i++)
        fake_policy_pcr(policy, tpm, RATLS_ALG_SHA256, i);
    return policy;
}

static void set_names(struct ratls_names *names, const char *server)
{
    if (server == NULL)
        return;
    names->names = calloc(1, sizeof *names->names);
    must(names->names != NULL);
    names->names[0] = strdup(server);
    must(names->names[0] != NULL);
    names->count = 1;
}

void fake_policy_pin(struct ratls_policy *policy, const struct fake_tpm *tpm, const char *server)
{
    struct ratls_rules *rules = fake_policy_rules(policy);
    struct ratls_pin *pin;

    rules->pins = realloc(rules->pins, (rules->pin_count + 1) * sizeof *rules->pins);
    must(rules->pins != NULL);
    pin = &rules->pins[rules->pin_count++];
    *pin = (struct ratls_pin){0};
    pin->name_len = fake_tpm_name(tpm, pin->name);
    set_names(&pin->servers, server);
}

void fake_policy_issuer(struct ratls_policy *policy, X509 *certificate, const char *server)
{
    struct ratls_rules *rules = fake_policy_rules(policy);
    struct ratls_issuer *issuer;

    rules->issuers = realloc(rules->issuers, (rules->issuer_count + 1) * sizeof *rules->issuers);
    must(rules->issuers != NULL);
    issuer = &rules->issuers[rules->issuer_count++];
    *issuer = (struct ratls_issuer){.path = strdup("issuer.pem"), .certificate = certificate};
    must(issuer->path != NULL && X509_up_ref(certificate) == 1);
    set_names(&issuer->servers, server);
}

void fake_policy_epoch(struct ratls_policy *policy, X509 *authority, uint64_t within_s)
{
    struct ratls_rules *rules = fake_policy_rules(policy);
    struct ratls_epoch_rules *epoch = &rules->epoch;

    rules->freshness = RATLS_FRESHNESS_EPOCH;
    epoch->within_s = within_s;
    epoch->memory = ratls_epoch_memory_new();
    epoch->certificates = calloc(1, sizeof *epoch->certificates);
    epoch->authorities.certificates = calloc(1, sizeof *epoch->authorities.certificates);
    must(epoch->memory != NULL && epoch->certificates != NULL &&
         epoch->authorities.certificates != NULL && X509_up_ref(authority) == 1);
    epoch->certificates[0].certificate = authority;
    epoch->authorities.certificates[0] = authority;
    epoch->authorities.count = 1;
}

static void add_to_selection(struct ratls_pcr_selection *selection, uint16_t bank, uint8_t index)
{
    size_t i = 0;

    while (i < selection->count && selection->banks[i].hash_alg != bank)
        i++;
    must(i < RATLS_BANKS_MAX);
    if (i == selection->count)
        selection->banks[selection->count++] = (struct ratls_pcr_bank){.hash_alg = bank};
    selection->banks[i].pcrs |= 1u << index;
}

void fake_policy_pcr(struct ratls_policy *policy, struct fake_tpm *tpm, uint16_t bank,
                     uint8_t index)
{
    struct ratls_rules *rules = fake_policy_rules(policy);
    struct ratls_pcr_rule *rule = rules->pcr_count == 0 ? NULL : &rules->pcrs[rules->pcr_count - 1];

    if (rule == NULL || rule->bank != bank || rule->index != index) {
        rules->pcrs = realloc(rules->pcrs, (rules->pcr_count + 1) * sizeof *rules->pcrs);
        must(rules->pcrs != NULL);
        rule = &rules->pcrs[rules->pcr_count++];
        *rule = (struct ratls_pcr_rule){.bank = bank, .index = index};
        add_to_selection(&rules->selection, bank, index);
    }
    rule->values = realloc(rule->values, (rule->count + 1) * sizeof *rule->values);
    must(rule->values != NULL);
    memcpy(rule->values[rule->count++], fake_tpm_pcr(tpm, bank, index), RATLS_DIGEST_MAX);
}

void fake_policy_no_pcrs(struct ratls_policy *policy)
{
    struct ratls_rules *rules = fake_policy_rules(policy);

    for (size_t i = 0; i < rules->pcr_count; i++)
        free(rules->pcrs[i].values);
    free(rules->pcrs);
    rules->pcrs = NULL;
    rules->pcr_count = 0;
    rules->selection = (struct ratls_pcr_selection){0};
}

void fake_policy_deny_firmware(struct ratls_policy *policy, uint64_t version)
{
    struct ratls_rules *rules = fake_policy_rules(policy);
    size_t count = rules->denied_firmware_count + 1;

    rules->denied_firmware =
        realloc(rules->denied_firmware, count * sizeof *rules->denied_firmware);
    must(rules->denied_firmware != NULL);
    rules->denied_firmware[count - 1] = version;
    rules->denied_firmware_count = count;
}

void fake_policy_deny_key(struct ratls_policy *policy, const struct fake_tpm *tpm)
{
    struct ratls_denied_keys *denied = &fake_policy_rules(policy)->denied_keys;

    denied->is_asked = true;
    denied->items = realloc(denied->items, (denied->count + 1) * sizeof *denied->items);
    must(denied->items != NULL);
    denied->items[denied->count] = (struct ratls_denied_key){{0}};
    fake_tpm_name(tpm, denied->items[denied->count++].name);
}
