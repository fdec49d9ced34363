/* pcrs of a policy: allowed values, and the selection that a server must quote. */
#include <stdlib.h>
#include <string.h>

#include "policy_build.h"

/* TCG PC Client Platform TPM Profile, PCR attributes: any program may reset these two. */
#define RESETTABLE_DEBUG 16
#define RESETTABLE_APPLICATION 23

static enum ratls_status read_index(struct ratls_build *b, const char *text, uint8_t *ret_index)
{
    size_t len = strlen(text);
    unsigned index = 0;

    if (len > 2 || strspn(text, "0123456789") != len || (len == 2 && text[0] == '0'))
        return ratls_build_refuse(b, "expected a number from 0 to %d without leading zeros, got %s",
                                  RESETTABLE_APPLICATION - 1, ratls_build_show(b, text));
    for (size_t i = 0; i < len; i++)
        index = 10 * index + (unsigned)(text[i] - '0');
    if (index >= RATLS_PCR_COUNT)
        return ratls_build_refuse(b, "expected a number from 0 to %d, got %u",
                                  RESETTABLE_APPLICATION - 1, index);
    if (index == RESETTABLE_DEBUG || index == RESETTABLE_APPLICATION)
        return ratls_build_refuse(b,
                                  "any program can reset PCR %u and give it the value that it "
                                  "likes: it proves nothing",
                                  index);
    *ret_index = (uint8_t)index;
    return RATLS_OK;
}

static enum ratls_status read_values(struct ratls_build *b, char *const *texts, size_t count,
                                     struct ratls_pcr_rule *rule)
{
    size_t len = ratls_tpm_hash_len(rule->bank);
    char list[RATLS_POLICY_AT_MAX];

    memcpy(list, b->at, sizeof list);
    for (size_t i = 0; i < count; i++) {
        ratls_build_at(b, "%.100s[%zu]", list, i);
        if (strlen(texts[i]) != 2 * len)
            return ratls_build_refuse(b, "expected %zu hex digits, got %zu", 2 * len,
                                      strlen(texts[i]));
        if (!ratls_unhex(texts[i], rule->values[i], len))
            return ratls_build_refuse(b, "expected %zu hex digits, got another character", 2 * len);
        for (size_t j = 0; j < i; j++) {
            if (memcmp(rule->values[i], rule->values[j], len) == 0)
                return ratls_build_refuse(b, "this value stands in the list twice");
        }
        rule->count++;
    }
    return RATLS_OK;
}

static enum ratls_status add_rule(struct ratls_build *b, uint8_t index, uint16_t bank,
                                  char *const *texts, size_t count)
{
    struct ratls_rules *rules = b->rules;
    struct ratls_pcr_rule *rule = &rules->pcrs[rules->pcr_count];

    for (size_t i = 0; i < rules->pcr_count; i++) {
        if (rules->pcrs[i].bank == bank && rules->pcrs[i].index == index)
            return ratls_build_refuse(b,
                                      "PCR %u has values in this bank already: put them in one "
                                      "list",
                                      (unsigned)index);
    }
    *rule = (struct ratls_pcr_rule){.bank = bank, .index = index};
    rule->values = calloc(count, sizeof *rule->values);
    if (rule->values == NULL)
        return ratls_build_no_memory(b);
    rules->pcr_count++;
    return read_values(b, texts, count, rule);
}

static enum ratls_status build_pcr(struct ratls_build *b, size_t i)
{
    const struct ratls_document_pcr *pcr = &b->document->pcrs[i];
    const struct {
        uint16_t bank;
        const char *name;
        char *const *texts;
        size_t count;
    } lists[] = {
        {RATLS_ALG_SHA256, "sha256", pcr->sha256, pcr->sha256_count},
        {RATLS_ALG_SHA384, "sha384", pcr->sha384, pcr->sha384_count},
        {RATLS_ALG_SHA512, "sha512", pcr->sha512, pcr->sha512_count},
    };
    enum ratls_status status;
    uint8_t index = 0;
    bool compares = false;

    ratls_build_at(b, "pcrs[%zu].index", i);
    status = read_index(b, pcr->index, &index);
    for (size_t j = 0; status == RATLS_OK && j < sizeof lists / sizeof *lists; j++) {
        if (lists[j].count == 0)
            continue;
        ratls_build_at(b, "pcrs[%zu].%s", i, lists[j].name);
        status = add_rule(b, index, lists[j].bank, lists[j].texts, lists[j].count);
        compares = true;
    }
    if (status != RATLS_OK || compares)
        return status;
    ratls_build_at(b, "pcrs[%zu]", i);
    return ratls_build_refuse(b, "compares nothing: give allowed values as sha256, sha384 or "
                                 "sha512");
}

static int compare_rules(const void *left, const void *right)
{
    const struct ratls_pcr_rule *a = left, *b = right;

    return a->bank != b->bank ? a->bank - b->bank : a->index - b->index;
}

/* The rules are sorted: banks come out ascending. */
static void select_pcrs(struct ratls_rules *rules)
{
    struct ratls_pcr_selection *selection = &rules->selection;

    for (size_t i = 0; i < rules->pcr_count; i++) {
        const struct ratls_pcr_rule *rule = &rules->pcrs[i];

        if (i == 0 || rules->pcrs[i - 1].bank != rule->bank)
            selection->banks[selection->count++].hash_alg = rule->bank;
        selection->banks[selection->count - 1].pcrs |= UINT32_C(1) << rule->index;
    }
}

enum ratls_status ratls_build_pcrs(struct ratls_build *b)
{
    enum ratls_status status = RATLS_OK;
    size_t count = b->document->pcrs_count;

    b->rules->pcrs = calloc(count * RATLS_BANKS_MAX, sizeof *b->rules->pcrs);
    if (b->rules->pcrs == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; status == RATLS_OK && i < count; i++)
        status = build_pcr(b, i);
    if (status != RATLS_OK)
        return status;
    qsort(b->rules->pcrs, b->rules->pcr_count, sizeof *b->rules->pcrs, compare_rules);
    select_pcrs(b->rules);
    return RATLS_OK;
}
