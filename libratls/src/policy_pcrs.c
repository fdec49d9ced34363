/* pcrs and reference-values of a policy: allowed values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_build.h"

/* TCG PC Client Platform TPM Profile, PCR attributes: any program may reset these two. */
#define RESETTABLE_DEBUG 16
#define RESETTABLE_APPLICATION 23

#define INDEX_DIGITS_MAX 2
#define REGISTER "pcr:" /* before the index, where a file of reference values names a PCR */
#define REGISTER_LEN (sizeof REGISTER - 1)
#define BANKS 3 /* SHA-256, SHA-384 and SHA-512 */
#define RULES_MAX (RATLS_PCR_COUNT * BANKS)

enum ratls_status ratls_build_index(struct ratls_build *b, const char *where,
                                    struct ratls_slice text, uint8_t *ret_index)
{
    unsigned index = 0;
    bool is_number = text.len > 0 && text.len <= INDEX_DIGITS_MAX;

    for (size_t i = 0; is_number && i < text.len; i++) {
        is_number = text.p[i] >= '0' && text.p[i] <= '9' && (i == 0 || index > 0);
        index = 10 * index + (unsigned)(text.p[i] - '0');
    }
    if (!is_number) {
        ratls_escape(text, b->shown, sizeof b->shown);
        return ratls_build_refuse(b,
                                  "%sexpected a number from 0 to %d without leading zeros, got %s",
                                  where, RESETTABLE_APPLICATION - 1, b->shown);
    }
    if (index >= RATLS_PCR_COUNT)
        return ratls_build_refuse(b, "%sexpected a number from 0 to %d, got %u", where,
                                  RESETTABLE_APPLICATION - 1, index);
    if (index == RESETTABLE_DEBUG || index == RESETTABLE_APPLICATION)
        return ratls_build_refuse(b,
                                  "%sany program can reset PCR %u and give it the value that it "
                                  "likes: it proves nothing",
                                  where, index);
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
    status = ratls_build_index(b, "", ratls_slice(pcr->index, strlen(pcr->index)), &index);
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

/* The rule for a PCR in a bank; a new one, without values, if there is none. */
static struct ratls_pcr_rule *find_rule(struct ratls_rules *rules, uint16_t bank, uint8_t index)
{
    size_t i = 0;

    while (i < rules->pcr_count && (rules->pcrs[i].bank != bank || rules->pcrs[i].index != index))
        i++;
    if (i == rules->pcr_count)
        rules->pcrs[rules->pcr_count++] = (struct ratls_pcr_rule){.bank = bank, .index = index};
    return &rules->pcrs[i];
}

static bool has_value(const struct ratls_pcr_rule *rule, struct ratls_slice value)
{
    for (size_t i = 0; i < rule->count; i++) {
        if (memcmp(rule->values[i], value.p, value.len) == 0)
            return true;
    }
    return false;
}

static enum ratls_status add_value(struct ratls_build *b, const char *where,
                                   struct ratls_pcr_rule *rule, struct ratls_slice value)
{
    uint8_t(*longer)[RATLS_DIGEST_MAX];

    if (rule->count == RATLS_POLICY_VALUES_MAX)
        return ratls_build_refuse(b, "%smore than %d values of PCR %u", where,
                                  RATLS_POLICY_VALUES_MAX, (unsigned)rule->index);
    longer = realloc(rule->values, (rule->count + 1) * sizeof *longer);
    if (longer == NULL)
        return ratls_build_no_memory(b);
    rule->values = longer;
    memset(longer[rule->count], 0, sizeof longer[rule->count]);
    memcpy(longer[rule->count++], value.p, value.len);
    return RATLS_OK;
}

/* The bank whose digests are so long, of those that a policy may name; 0 if there is none. */
static uint16_t find_bank(size_t len)
{
    static const uint16_t banks[BANKS] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384, RATLS_ALG_SHA512};

    for (size_t i = 0; i < BANKS; i++) {
        if (ratls_tpm_hash_len(banks[i]) == len)
            return banks[i];
    }
    return 0;
}

/* The same value may come from several files, and stand in pcrs: it is allowed once. */
static enum ratls_status add_register(struct ratls_build *b, const char *where,
                                      struct ratls_slice value, struct ratls_slice name)
{
    struct ratls_reader r = ratls_reader(name);
    struct ratls_pcr_rule *rule;
    enum ratls_status status;
    uint8_t index = 0;

    if (!ratls_slice_equal(ratls_read_bytes(&r, REGISTER_LEN), ratls_slice(REGISTER, REGISTER_LEN)))
        return ratls_build_refuse(b, "%sexpected the name of a PCR, such as pcr:7", where);
    status = ratls_build_index(b, where, r.rest, &index);
    if (status != RATLS_OK)
        return status;
    if (find_bank(value.len) == 0)
        return ratls_build_refuse(b, "%sa value that is as long as those of no bank", where);
    rule = find_rule(b->rules, find_bank(value.len), index);
    return has_value(rule, value) ? RATLS_OK : add_value(b, where, rule, value);
}

static enum ratls_status add_registers(struct ratls_build *b, const char *path,
                                       const struct ratls_refvals *set)
{
    enum ratls_status status = RATLS_OK;
    char where[sizeof b->shown + 2];

    snprintf(where, sizeof where, "%s: ", ratls_build_show(b, path));
    for (size_t i = 0; status == RATLS_OK && i < ratls_refvals_count(set); i++) {
        struct ratls_slice value, name;

        ratls_refvals_get(set, i, &value, &name);
        status = add_register(b, where, value, name);
    }
    return status;
}

static enum ratls_status build_registers(struct ratls_build *b)
{
    struct ratls_references *references = &b->rules->reference_values;
    enum ratls_status status = ratls_build_references(
        b, "reference-values", &b->document->reference_values, 0, references);

    for (size_t i = 0; status == RATLS_OK && i < references->count; i++) {
        ratls_build_at(b, "reference-values[%zu]", i);
        status = add_registers(b, references->paths[i], references->sets[i]);
    }
    return status;
}

static int compare_rules(const void *left, const void *right)
{
    const struct ratls_pcr_rule *a = left, *b = right;

    return a->bank != b->bank ? a->bank - b->bank : a->index - b->index;
}

enum ratls_status ratls_build_pcrs(struct ratls_build *b)
{
    enum ratls_status status = RATLS_OK;

    b->rules->pcrs = calloc(RULES_MAX, sizeof *b->rules->pcrs);
    if (b->rules->pcrs == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; status == RATLS_OK && i < b->document->pcrs_count; i++)
        status = build_pcr(b, i);
    if (status == RATLS_OK)
        status = build_registers(b);
    if (status != RATLS_OK)
        return status;
    qsort(b->rules->pcrs, b->rules->pcr_count, sizeof *b->rules->pcrs, compare_rules);
    return RATLS_OK;
}
