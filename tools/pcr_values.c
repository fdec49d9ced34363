#include "pcr_values.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define HEX_PREFIX "0x"
#define INDEX_TEXT_MAX 4

const struct ratls_pcr_bank_values *ratls_pcr_values_find(const struct ratls_pcr_values *values,
                                                          uint16_t alg)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->banks[i].alg == alg)
            return &values->banks[i];
    return NULL;
}

struct ratls_pcr_bank_values *ratls_pcr_values_add(struct ratls_pcr_values *values, uint16_t alg)
{
    struct ratls_pcr_bank_values *bank;

    for (size_t i = 0; i < values->count; i++)
        if (values->banks[i].alg == alg)
            return &values->banks[i];
    if (values->count == RATLS_PCR_BANKS_MAX)
        return NULL;
    bank = &values->banks[values->count++];
    *bank = (struct ratls_pcr_bank_values){.alg = alg, .len = ratls_bank_len(alg)};
    return bank;
}

/* "0" to "23", without leading zeros: each PCR has one name. */
static bool read_index(const char *text, unsigned *ret_index)
{
    char same[INDEX_TEXT_MAX];
    unsigned index = 0;

    while (index < RATLS_PCR_COUNT) {
        snprintf(same, sizeof same, "%u", index);
        if (strcmp(same, text) == 0)
            break;
        index++;
    }
    *ret_index = index;
    return index < RATLS_PCR_COUNT;
}

static enum ratls_status read_value(struct ratls_pcr_bank_values *bank, const char *key,
                                    const json_t *value, struct ratls_error *err)
{
    const char *name = ratls_bank_name(bank->alg);
    const char *hex = json_string_value(value);
    unsigned index;

    if (!read_index(key, &index))
        return ratls_fail(err, RATLS_USAGE, "bank %s has a member that is no PCR", name);
    if (hex != NULL && strncmp(hex, HEX_PREFIX, strlen(HEX_PREFIX)) == 0)
        hex += strlen(HEX_PREFIX);
    if (hex == NULL || !ratls_unhex(hex, bank->values[index], bank->len))
        return ratls_fail(err, RATLS_USAGE, "PCR %u of bank %s is not %zu bytes in hexadecimal",
                          index, name, bank->len);
    bank->present |= 1u << index;
    return RATLS_OK;
}

/* Members that are no objects say something else: where the values come from, say. */
static enum ratls_status read_banks(json_t *root, struct ratls_pcr_values *values,
                                    struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    const char *name, *key;
    json_t *bank, *value;

    json_object_foreach(root, name, bank)
    {
        uint16_t alg = ratls_bank_alg(name);
        struct ratls_pcr_bank_values *into;

        if (!json_is_object(bank))
            continue;
        into = alg == 0 ? NULL : ratls_pcr_values_add(values, alg);
        if (into == NULL)
            return ratls_fail(err, RATLS_USAGE, "a member is no bank of PCRs");
        json_object_foreach(bank, key, value)
        {
            status = read_value(into, key, value, err);
            if (status != RATLS_OK)
                return status;
        }
    }
    return values->count > 0 ? RATLS_OK : ratls_fail(err, RATLS_USAGE, "no bank of PCRs in it");
}

enum ratls_status ratls_pcr_values_read(struct ratls_slice json,
                                        struct ratls_pcr_values **ret_values,
                                        struct ratls_error *err)
{
    struct ratls_pcr_values *values = calloc(1, sizeof *values);
    enum ratls_status status;
    json_error_t problem;
    json_t *root;
    json_t *pcrs;

    if (values == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    root = json_loadb((const char *)json.p, json.len, JSON_REJECT_DUPLICATES, &problem);
    pcrs = json_object_get(root, "pcrs");
    if (!json_is_object(root))
        status = ratls_fail(err, RATLS_USAGE, "not an object in JSON (line %d)", problem.line);
    else
        status = read_banks(json_is_object(pcrs) ? pcrs : root, values, err);
    json_decref(root);
    if (status != RATLS_OK) {
        free(values);
        return status;
    }
    *ret_values = values;
    return RATLS_OK;
}

static void describe_bank(struct ratls_view *v, const struct ratls_pcr_bank_values *bank,
                          const char *words)
{
    char row[2 * RATLS_BANK_DIGEST_MAX + 8];
    char title[64];

    snprintf(title, sizeof title, "PCRs, bank %s%s", ratls_bank_name(bank->alg), words);
    ratls_view_section(v, ratls_bank_name(bank->alg), title);
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        const struct ratls_slice value = {bank->values[pcr], bank->len};
        char hex[2 * RATLS_BANK_DIGEST_MAX + 1];
        char index[INDEX_TEXT_MAX];

        if ((bank->present >> pcr & 1) == 0)
            continue;
        snprintf(index, sizeof index, "%u", pcr);
        ratls_hex(value, hex, sizeof hex);
        snprintf(row, sizeof row, "%2s  %s", index, hex);
        ratls_view_hex(v, index, NULL, value);
        ratls_view_note(v, row);
    }
    ratls_view_section_end(v);
}

void ratls_describe_pcr_values(struct ratls_view *v, const char *key,
                               const struct ratls_pcr_values *values, const char *words)
{
    if (v->json)
        ratls_view_section(v, key, NULL);
    for (size_t i = 0; i < values->count; i++)
        describe_bank(v, &values->banks[i], words);
    if (v->json)
        ratls_view_section_end(v);
}
