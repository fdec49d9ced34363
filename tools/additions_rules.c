/* The rules of a policy, as they will be with the additions: to try them before they are written.
 */
#include <stdlib.h>
#include <string.h>

#include "additions.h"
#include "fail.h"
#include "lists.h"

static enum ratls_status no_memory(struct ratls_error *err)
{
    return ratls_fail(err, RATLS_MEMORY, "out of memory");
}

static struct ratls_references *references_of(struct ratls_rules *rules, enum ratls_topic topic)
{
    struct ratls_boot_rules *boot = &rules->boot;

    switch (topic) {
    case RATLS_TOPIC_FIRMWARE:
        return &boot->firmware;
    case RATLS_TOPIC_SETTINGS:
        return &boot->settings;
    case RATLS_TOPIC_IMAGES:
        return boot->images.count > 0 ? &boot->images : &boot->kernels;
    case RATLS_TOPIC_PARTITIONS:
        return &boot->partitions;
    case RATLS_TOPIC_VARIABLES:
        return &boot->variables;
    case RATLS_TOPIC_FILES:
        return boot->files.count > 0 ? &boot->files : &boot->kernels;
    case RATLS_TOPIC_OWNER_KEYS:
        return &boot->owner_keys;
    case RATLS_TOPIC_IMA_ALLOW:
        return &rules->ima.allow;
    default:
        return NULL;
    }
}

/* Takes the set, also if it fails. */
static enum ratls_status add_set(struct ratls_references *references, struct ratls_refvals *set,
                                 struct ratls_error *err)
{
    const size_t count = references->count + 1;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    struct ratls_refvals **sets = reallocarray(references->sets, count, sizeof *sets);
    char **paths = NULL;
    char *path = strdup("what is added");

    if (sets != NULL) {
        references->sets = sets;
        paths = reallocarray(references->paths, count, sizeof *paths);
    }
    if (paths != NULL)
        references->paths = paths;
    if (paths == NULL || path == NULL) {
        ratls_refvals_free(set);
        free(path);
        return no_memory(err);
    }
    sets[count - 1] = set;
    paths[count - 1] = path;
    references->count = count;
    return RATLS_OK;
}

/* By the reader of the file that it goes into: what that would not take is noticed here. */
static enum ratls_status grow_references(struct ratls_additions *a, enum ratls_topic topic,
                                         struct ratls_error *err)
{
    struct ratls_references *references = references_of(a->rules, topic);
    struct ratls_refvals *set = NULL;
    enum ratls_status status;
    size_t count = 0;
    char *text = NULL;

    if (references == NULL)
        return RATLS_OK;
    status = ratls_list_write(&a->missing, topic, NULL, &text, &count, err);
    if (status == RATLS_OK && text != NULL)
        status = ratls_refvals_parse("what is added", ratls_slice(text, strlen(text)), &set, err);
    if (status == RATLS_OK && text != NULL)
        status = add_set(references, set, err);
    free(text);
    return status;
}

static enum ratls_status grow_signers(struct ratls_boot_rules *boot, const struct ratls_fact *fact,
                                      struct ratls_error *err)
{
    struct ratls_boot_signer *signers =
        reallocarray(boot->signers, boot->signer_count + 1, sizeof *signers);
    struct ratls_boot_signer signer = {.name = strdup("added"), .len = fact->value.len};

    signer.der = malloc(fact->value.len);
    if (signers != NULL)
        boot->signers = signers;
    if (signers == NULL || signer.name == NULL || signer.der == NULL) {
        free(signer.name);
        free(signer.der);
        return no_memory(err);
    }
    memcpy(signer.der, fact->value.p, fact->value.len);
    signers[boot->signer_count++] = signer;
    return RATLS_OK;
}

static enum ratls_status grow_lines(struct ratls_patterns *patterns, const struct ratls_fact *fact,
                                    struct ratls_error *err)
{
    const size_t count = patterns->count + 1;
    struct ratls_pattern *items = reallocarray(patterns->items, count, sizeof *items);
    char **texts = NULL;
    char *text = strndup((const char *)fact->value.p, fact->value.len);

    if (items != NULL) {
        patterns->items = items;
        texts = reallocarray(patterns->texts, count, sizeof *texts);
    }
    if (texts != NULL)
        patterns->texts = texts;
    if (texts == NULL || text == NULL) {
        free(text);
        return no_memory(err);
    }
    texts[count - 1] = text;
    items[count - 1] = ratls_pattern_exact(RATLS_PATTERN_TEXT, ratls_slice(text, fact->value.len));
    patterns->count = count;
    return RATLS_OK;
}

/* Their digests, too. */
static enum ratls_status find_exact(struct ratls_boot_rules *boot, struct ratls_error *err)
{
    ratls_boot_lines_done(&boot->exact_lines);
    return ratls_boot_lines(boot->command_lines.items, boot->command_lines.count, boot->bank,
                            &boot->exact_lines, err);
}

static enum ratls_status grow_key(struct ratls_additions *a, struct ratls_error *err)
{
    struct ratls_rules *rules = a->rules;
    struct ratls_pin *pins = reallocarray(rules->pins, rules->pin_count + 1, sizeof *pins);
    struct ratls_pin pin = {.name_len = a->machine->ak_name_len};

    if (pins == NULL)
        return no_memory(err);
    memcpy(pin.name, a->machine->ak_name, pin.name_len);
    rules->pins = pins;
    pins[rules->pin_count++] = pin;
    return RATLS_OK;
}

static enum ratls_status grow_value(struct ratls_rules *rules, const struct ratls_fact *fact,
                                    struct ratls_error *err)
{
    for (size_t i = 0; i < rules->pcr_count; i++) {
        struct ratls_pcr_rule *rule = &rules->pcrs[i];
        uint8_t(*values)[RATLS_DIGEST_MAX];

        if (rule->index != fact->pcr || ratls_tpm_hash_len(rule->bank) != fact->value.len)
            continue;
        values = reallocarray(rule->values, rule->count + 1, sizeof *values);
        if (values == NULL)
            return no_memory(err);
        rule->values = values;
        memcpy(values[rule->count++], fact->value.p, fact->value.len);
    }
    return RATLS_OK;
}

static bool is_server(const struct ratls_fact *fact)
{
    return strcmp((const char *)fact->name.p, RATLS_SERVER_FACT) == 0;
}

static enum ratls_status grow_fact(struct ratls_additions *a, const struct ratls_fact *fact,
                                   struct ratls_error *err)
{
    switch (fact->topic) {
    case RATLS_TOPIC_IDENTITY: /* the name of a server is no rule: it chooses among policies */
        return is_server(fact) ? RATLS_OK : grow_key(a, err);
    case RATLS_TOPIC_PCR:
        return grow_value(a->rules, fact, err);
    case RATLS_TOPIC_SIGNERS:
        return grow_signers(&a->rules->boot, fact, err);
    case RATLS_TOPIC_COMMAND_LINES:
        return grow_lines(&a->rules->boot.command_lines, fact, err);
    default:
        return RATLS_OK;
    }
}

enum ratls_status ratls_additions_grow(struct ratls_additions *additions, struct ratls_error *err)
{
    struct ratls_additions *a = additions;
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < a->missing.count; i++)
        status = grow_fact(a, &a->missing.items[i], err);
    for (int i = RATLS_TOPIC_FIRST_LIST; status == RATLS_OK && i < RATLS_TOPIC_COUNT; i++)
        status = grow_references(a, (enum ratls_topic)i, err);
    if (status == RATLS_OK && a->rules->boot.is_asked)
        status = find_exact(&a->rules->boot, err);
    return status;
}
