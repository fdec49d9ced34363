#include "crypto.h"
#include "describe.h"
#include "describe_rules.h"
#include "rules.h"

struct algorithm_word {
    unsigned bit;
    const char *word;
};

static const struct algorithm_word algorithm_words[] = {
    {RATLS_ALLOW_ECDSA_P256, "ecdsa-p256"}, {RATLS_ALLOW_ECDSA_P384, "ecdsa-p384"},
    {RATLS_ALLOW_ECDSA_P521, "ecdsa-p521"}, {RATLS_ALLOW_RSASSA, "rsassa"},
    {RATLS_ALLOW_RSAPSS, "rsapss"},
};

static void describe_peers(struct ratls_view *v, const struct ratls_rules *rules,
                           const struct ratls_names *names, const char *if_none)
{
    const char *label = rules->for_clients ? "client" : "server";

    ratls_view_list(v, rules->for_clients ? "clients" : "servers");
    for (size_t i = 0; i < names->count; i++)
        ratls_view_text(v, NULL, label, names->names[i]);
    if (names->count == 0 && !v->json)
        ratls_view_text(v, NULL, label, if_none);
    ratls_view_list_end(v);
}

static void describe_keys(struct ratls_view *v, const struct ratls_rules *rules)
{
    ratls_view_list(v, "attestationKeys");
    for (size_t i = 0; i < rules->pin_count; i++) {
        ratls_view_section(v, NULL, "Attestation key, pinned");
        ratls_view_digest(v, "name", "Name",
                          ratls_slice(rules->pins[i].name, rules->pins[i].name_len));
        describe_peers(v, rules, &rules->pins[i].servers, "(all of the policy)");
        ratls_view_section_end(v);
    }
    for (size_t i = 0; i < rules->issuer_count; i++) {
        ratls_view_section(v, NULL, "Attestation keys certified by an issuer");
        ratls_view_text(v, "issuer", "file", rules->issuers[i].path);
        if (rules->issuers[i].crl != NULL)
            ratls_view_text(v, "crl", "CRL", rules->issuers[i].crl_path);
        describe_peers(v, rules, &rules->issuers[i].servers, "(all of the policy)");
        ratls_view_section_end(v);
    }
    ratls_view_list_end(v);
}

static void describe_denied_keys(struct ratls_view *v, const struct ratls_denied_keys *denied)
{
    ratls_view_list(v, "denyKeys");
    for (size_t i = 0; i < denied->count; i++)
        ratls_view_digest(v, NULL, "deny-keys", ratls_denied_key_name(&denied->items[i]));
    ratls_view_list_end(v);
}

static void describe_pcr_rules(struct ratls_view *v, const struct ratls_rules *rules)
{
    char label[32];

    if (!v->json && rules->pcr_count > 0)
        ratls_view_section(v, NULL, "PCR values");
    ratls_view_list(v, "pcrs");
    for (size_t i = 0; i < rules->pcr_count; i++) {
        const struct ratls_pcr_rule *rule = &rules->pcrs[i];
        const char *bank = ratls_tpm_alg_name(rule->bank);

        if (v->json)
            ratls_view_section(v, NULL, NULL);
        ratls_view_text(v, "bank", NULL, bank);
        ratls_view_uint(v, "index", NULL, rule->index, NULL);
        ratls_view_list(v, "values");
        snprintf(label, sizeof label, "%s %2u", bank, rule->index);
        for (size_t j = 0; j < rule->count; j++)
            ratls_view_digest(v, NULL, j == 0 ? label : "  or",
                              ratls_slice(rule->values[j], ratls_tpm_hash_len(rule->bank)));
        ratls_view_list_end(v);
        if (v->json)
            ratls_view_section_end(v);
    }
    ratls_view_list_end(v);
    if (!v->json && rules->pcr_count > 0)
        ratls_view_section_end(v);
}

static void describe_algorithms(struct ratls_view *v, unsigned allowed)
{
    char line[128] = "";
    size_t len = 0;

    ratls_view_list(v, "algorithms");
    for (size_t i = 0; i < sizeof algorithm_words / sizeof algorithm_words[0]; i++) {
        if ((allowed & algorithm_words[i].bit) == 0)
            continue;
        ratls_view_text(v, NULL, NULL, algorithm_words[i].word);
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%s", len == 0 ? "" : " ",
                                algorithm_words[i].word);
    }
    ratls_view_list_end(v);
    if (!v->json)
        ratls_view_text(v, NULL, "algorithms", line);
}

static void describe_epoch(struct ratls_view *v, const struct ratls_epoch_rules *epoch)
{
    if (epoch->within_s == 0)
        return;
    ratls_view_uint(v, "epochWithinSeconds", "epoch.within", epoch->within_s, "s");
    ratls_view_list(v, "epochAuthorities");
    for (size_t i = 0; i < epoch->authorities.count; i++)
        ratls_view_text(v, NULL, "epoch.authorities", epoch->certificates[i].subject);
    ratls_view_list_end(v);
}

static void describe_rules(struct ratls_view *v, const struct ratls_rules *rules)
{
    char firmware[24];

    ratls_view_section(v, NULL, rules->path);
    ratls_view_text(v, "file", NULL, rules->path);
    describe_peers(v, rules, &rules->servers, "(any)");
    ratls_view_text(v, "service", "service", rules->service);
    ratls_view_text(v, "freshness", "freshness", ratls_freshness_name(rules->freshness));
    describe_epoch(v, &rules->epoch);
    if (rules->max_age_s != 0)
        ratls_view_uint(v, "maxAgeSeconds", "max-age", rules->max_age_s, "s");
    if (rules->renew_s != 0)
        ratls_view_uint(v, "renewSeconds", "renew", rules->renew_s, "s");
    ratls_view_text(v, "binding", "binding", rules->needs_exporter ? "exporter" : "handshake");
    ratls_view_text(v, "tlsKey", "tls-key", rules->needs_tpm_tls_key ? "tpm" : "any");
    ratls_view_text(v, "clock", "clock", rules->clock_ignored ? "ignored" : "safe");
    ratls_view_text(v, "softwareTpm", "software-tpm",
                    rules->allows_software ? "insecure-allow" : "refuse");
    describe_algorithms(v, rules->algorithms);
    ratls_view_list(v, "denyFirmware");
    for (size_t i = 0; i < rules->denied_firmware_count; i++) {
        snprintf(firmware, sizeof firmware, "0x%016llx",
                 (unsigned long long)rules->denied_firmware[i]);
        ratls_view_text(v, NULL, "deny-firmware", firmware);
    }
    ratls_view_list_end(v);
    describe_keys(v, rules);
    describe_denied_keys(v, &rules->denied_keys);
    describe_pcr_rules(v, rules);
    ratls_describe_references(v, "referenceValues", "PCR values of", &rules->reference_values);
    ratls_describe_boot_rules(v, &rules->boot);
    ratls_describe_ima_rules(v, &rules->ima);
    ratls_describe_result_rules(v, &rules->results);
    ratls_view_section_end(v);
}

void ratls_describe_policy(struct ratls_view *v, const struct ratls_policy *policy)
{
    ratls_view_list(v, "policies");
    for (size_t i = 0; i < policy->count; i++)
        describe_rules(v, &policy->rules[i]);
    ratls_view_list_end(v);
}
