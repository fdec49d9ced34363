#include "pcr_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "fail.h"

#define NUMBER_BASE 10
#define HEX_PREFIX_LEN 2 /* 0x */

struct reading {
    const char *path;
    yaml_document_t document; /* JSON is YAML, too */
    struct ratls_pcr_values *values;
    struct ratls_error *err;
};

static const char *scalar(const yaml_node_t *node)
{
    return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
                                                          : NULL;
}

static enum ratls_status refuse(struct reading *r, const yaml_node_t *node, const char *what)
{
    return ratls_fail(r->err, RATLS_USAGE, "%s:%zu: %s", r->path,
                      node == NULL ? 0 : node->start_mark.line + 1, what);
}

static bool read_index(const char *text, unsigned *ret)
{
    char *end = NULL;
    unsigned long index = text == NULL ? RATLS_PCR_COUNT : strtoul(text, &end, NUMBER_BASE);

    if (text == NULL || *text < '0' || *text > '9' || *end != '\0' || index >= RATLS_PCR_COUNT)
        return false;
    *ret = (unsigned)index;
    return true;
}

static enum ratls_status put_value(struct reading *r, uint16_t alg, unsigned pcr,
                                   const yaml_node_t *node)
{
    struct ratls_pcr_bank_values *bank = ratls_pcr_values_add(r->values, alg);
    const char *hex = scalar(node);
    uint8_t value[RATLS_BANK_DIGEST_MAX];

    if (bank == NULL)
        return refuse(r, node, "too many banks");
    if (hex != NULL && hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X'))
        hex += HEX_PREFIX_LEN;
    if (hex == NULL || !ratls_unhex(hex, value, bank->len))
        return refuse(r, node, "not a value of a PCR of this bank, in hexadecimal digits");
    if ((bank->present >> pcr & 1) != 0 && memcmp(bank->values[pcr], value, bank->len) != 0)
        return refuse(r, node, "one more value of a PCR: a state has one of each");
    memcpy(bank->values[pcr], value, bank->len);
    bank->present |= UINT32_C(1) << pcr;
    return RATLS_OK;
}

/* bank: {index: value}; what is no bank is passed over. */
static enum ratls_status read_banks(struct reading *r, const yaml_node_t *banks)
{
    enum ratls_status status = RATLS_OK;

    for (const yaml_node_pair_t *bank = banks->data.mapping.pairs.start;
         status == RATLS_OK && bank < banks->data.mapping.pairs.top; bank++) {
        const char *name = scalar(yaml_document_get_node(&r->document, bank->key));
        const yaml_node_t *of = yaml_document_get_node(&r->document, bank->value);
        const uint16_t alg = name == NULL ? 0 : ratls_bank_alg(name);

        if (alg == 0 || of == NULL || of->type != YAML_MAPPING_NODE)
            continue;
        for (const yaml_node_pair_t *pair = of->data.mapping.pairs.start;
             status == RATLS_OK && pair < of->data.mapping.pairs.top; pair++) {
            const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
            unsigned pcr = 0;

            if (!read_index(scalar(key), &pcr))
                return refuse(r, key, "not the number of a PCR");
            status = put_value(r, alg, pcr, yaml_document_get_node(&r->document, pair->value));
        }
    }
    return status;
}

static const yaml_node_t *find(struct reading *r, const yaml_node_t *mapping, const char *key)
{
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const char *name = scalar(yaml_document_get_node(&r->document, pair->key));

        if (name != NULL && strcmp(name, key) == 0)
            return yaml_document_get_node(&r->document, pair->value);
    }
    return NULL;
}

/* An entry of a policy: index, and for each bank a list of values. */
static enum ratls_status read_entry(struct reading *r, const yaml_node_t *entry)
{
    enum ratls_status status = RATLS_OK;
    unsigned pcr = 0;

    if (entry == NULL || entry->type != YAML_MAPPING_NODE ||
        !read_index(scalar(find(r, entry, "index")), &pcr))
        return refuse(r, entry, "not an entry of a policy: index, and values of a bank");
    for (const yaml_node_pair_t *pair = entry->data.mapping.pairs.start;
         status == RATLS_OK && pair < entry->data.mapping.pairs.top; pair++) {
        const char *name = scalar(yaml_document_get_node(&r->document, pair->key));
        const yaml_node_t *list = yaml_document_get_node(&r->document, pair->value);
        const uint16_t alg = name == NULL ? 0 : ratls_bank_alg(name);

        if (alg == 0 || list == NULL || list->type != YAML_SEQUENCE_NODE)
            continue;
        for (const yaml_node_item_t *item = list->data.sequence.items.start;
             status == RATLS_OK && item < list->data.sequence.items.top; item++)
            status = put_value(r, alg, pcr, yaml_document_get_node(&r->document, *item));
    }
    return status;
}

static enum ratls_status read_root(struct reading *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    const yaml_node_t *pcrs;
    enum ratls_status status = RATLS_OK;

    if (root == NULL || root->type != YAML_MAPPING_NODE)
        return refuse(r, root, "no values of PCRs there");
    pcrs = find(r, root, "pcrs");
    if (pcrs == NULL)
        return read_banks(r, root);
    if (pcrs->type == YAML_MAPPING_NODE)
        return read_banks(r, pcrs);
    if (pcrs->type != YAML_SEQUENCE_NODE)
        return refuse(r, pcrs, "no values of PCRs there");
    for (const yaml_node_item_t *item = pcrs->data.sequence.items.start;
         status == RATLS_OK && item < pcrs->data.sequence.items.top; item++)
        status = read_entry(r, yaml_document_get_node(&r->document, *item));
    return status;
}

static enum ratls_status read_document(struct reading *r, struct ratls_slice text)
{
    yaml_parser_t parser;
    enum ratls_status status;

    if (yaml_parser_initialize(&parser) == 0)
        return ratls_fail(r->err, RATLS_MEMORY, "out of memory");
    yaml_parser_set_input_string(&parser, text.p, text.len);
    if (yaml_parser_load(&parser, &r->document) == 0) {
        status = ratls_fail(r->err, RATLS_USAGE, "%s:%zu: neither YAML nor JSON", r->path,
                            parser.problem_mark.line + 1);
    } else {
        status = read_root(r);
        yaml_document_delete(&r->document);
    }
    yaml_parser_delete(&parser);
    return status;
}

enum ratls_status ratls_pcr_file_read(const char *path, struct ratls_slice text,
                                      struct ratls_pcr_values **ret_values, struct ratls_error *err)
{
    struct reading r = {.path = path, .values = calloc(1, sizeof *r.values), .err = err};
    enum ratls_status status;

    if (r.values == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = read_document(&r, text);
    if (status == RATLS_OK && r.values->count == 0)
        status = ratls_fail(err, RATLS_USAGE, "%s: no values of PCRs there", path);
    if (status == RATLS_OK)
        *ret_values = r.values;
    else
        free(r.values);
    return status;
}

enum ratls_status ratls_pcr_file_select(const char *path, const struct ratls_pcr_values *values,
                                        const struct ratls_pcr_selection *selection, uint8_t *out,
                                        size_t cap, size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(out, cap);

    for (size_t i = 0; i < selection->count; i++) {
        const uint16_t alg = selection->banks[i].hash_alg;
        const struct ratls_pcr_bank_values *bank = ratls_pcr_values_find(values, alg);

        for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
            if ((selection->banks[i].pcrs >> pcr & 1) == 0)
                continue;
            if (bank == NULL || (bank->present >> pcr & 1) == 0)
                return ratls_fail(err, RATLS_USAGE, "%s: no value of PCR %u in the bank %s", path,
                                  pcr, ratls_bank_name(alg));
            ratls_write_bytes(&w, ratls_slice(bank->values[pcr], bank->len));
        }
    }
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "too many PCRs");
    *ret_len = w.len;
    return RATLS_OK;
}
