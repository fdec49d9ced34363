/* What a server must quote for a policy, and whether anything is compared with it. */
#include <stdio.h>

#include "fail.h"
#include "policy_build.h"

#define PCRS_OF_BOOT_AGGREGATE 0x3ffu /* 0 to 9 */

static void add_pcrs(struct ratls_pcr_selection *selection, uint16_t bank, uint32_t pcrs)
{
    size_t i = 0;

    while (i < selection->count && selection->banks[i].hash_alg < bank)
        i++;
    if (i == selection->count || selection->banks[i].hash_alg != bank) {
        for (size_t j = selection->count++; j > i; j--)
            selection->banks[j] = selection->banks[j - 1];
        selection->banks[i] = (struct ratls_pcr_bank){.hash_alg = bank};
    }
    selection->banks[i].pcrs |= pcrs;
}

/* One request has room for one boot log and one IMA list. */
static enum ratls_status add_log(const struct ratls_rules *rules, const char *key, uint16_t bank,
                                 uint16_t *asked, struct ratls_error *err)
{
    if (*asked != 0 && *asked != bank)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: %s.bank is another than in the other policies for clients: who a "
                          "client is, is not known when it is asked",
                          rules->path, key);
    *asked = bank;
    return RATLS_OK;
}

enum ratls_status ratls_policy_client_claims(const struct ratls_policy *policy,
                                             struct ratls_pcr_selection *ret_selection,
                                             struct ratls_log_request *ret_logs,
                                             struct ratls_error *err)
{
    struct ratls_pcr_selection selection = {0};
    struct ratls_log_request logs = {0};
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < policy->count; i++) {
        const struct ratls_rules *rules = &policy->rules[i];

        if (!rules->for_clients)
            continue;
        for (size_t j = 0; j < rules->selection.count; j++)
            add_pcrs(&selection, rules->selection.banks[j].hash_alg,
                     rules->selection.banks[j].pcrs);
        if (rules->boot.is_asked)
            status = add_log(rules, "boot", rules->boot.bank, &logs.boot_bank, err);
        if (status == RATLS_OK && rules->ima.is_asked)
            status = add_log(rules, "ima", rules->ima.bank, &logs.ima_bank, err);
    }
    if (status != RATLS_OK)
        return status;
    if (selection.count == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "no policy speaks for clients: give one the key clients");
    *ret_selection = selection;
    *ret_logs = logs;
    return RATLS_OK;
}

/* The kernel writes the list: whoever chooses the kernel writes what he likes. */
static bool is_kernel_judged(const struct ratls_rules *rules)
{
    uint32_t judged = rules->boot.pcrs;

    for (size_t i = 0; i < rules->pcr_count; i++)
        judged |= UINT32_C(1) << rules->pcrs[i].index;
    return (judged & ~(UINT32_C(1) << RATLS_IMA_PCR)) != 0;
}

static enum ratls_status check_compares(struct ratls_build *b)
{
    const struct ratls_rules *rules = b->rules;

    ratls_build_at(b, "%s", "");
    if (rules->pcr_count == 0 && !rules->boot.is_asked && !rules->ima.is_asked &&
        !rules->results.is_asked)
        return ratls_build_refuse(b, "compares nothing: give pcrs, reference-values or boot");
    ratls_build_at(b, "ima");
    if (rules->ima.is_asked && !is_kernel_judged(rules))
        return ratls_build_refuse(b, "compares nothing below IMA: without boot, pcrs or "
                                     "reference-values any kernel can write such a list");
    ratls_build_at(b, "freshness");
    if (rules->freshness == RATLS_FRESHNESS_CERTIFICATE &&
        (rules->boot.is_asked || rules->ima.is_asked))
        return ratls_build_refuse(b,
                                  "a certificate has no logs: %s needs freshness: nonce or "
                                  "epoch",
                                  rules->boot.is_asked ? "boot" : "ima");
    return RATLS_OK;
}

enum ratls_status ratls_build_selection(struct ratls_build *b)
{
    struct ratls_rules *rules = b->rules;

    for (size_t i = 0; i < rules->pcr_count; i++)
        add_pcrs(&rules->selection, rules->pcrs[i].bank, UINT32_C(1) << rules->pcrs[i].index);
    if (rules->boot.is_asked)
        add_pcrs(&rules->selection, rules->boot.bank, rules->boot.pcrs);
    if (rules->ima.is_asked)
        add_pcrs(&rules->selection, rules->ima.bank,
                 PCRS_OF_BOOT_AGGREGATE | UINT32_C(1) << RATLS_IMA_PCR);
    if (rules->results.is_asked)
        add_pcrs(&rules->selection, rules->results.bank, rules->results.pcrs);
    return check_compares(b);
}
