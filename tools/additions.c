#include "additions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "lists.h"
#include "policy_file.h"
#include "policy_load.h"
#include "policy_names.h"

static const struct ratls_document_list *list_of(const struct ratls_document *document,
                                                 enum ratls_topic topic)
{
    const struct ratls_document_boot *boot = document->boot;

    if (topic == RATLS_TOPIC_IMA_ALLOW)
        return document->ima == NULL ? NULL : &document->ima->allow;
    if (boot == NULL)
        return NULL;
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
    case RATLS_TOPIC_SIGNERS:
        return &boot->signers;
    case RATLS_TOPIC_COMMAND_LINES:
        return &boot->command_lines;
    case RATLS_TOPIC_FILES:
        return boot->files.count > 0 ? &boot->files : &boot->kernels;
    case RATLS_TOPIC_OWNER_KEYS:
        return &boot->owner_keys;
    default:
        return NULL;
    }
}

/* Lines can be added to it; not to JSON, CBOR and the compiled form. */
static bool is_text(struct ratls_slice content)
{
    size_t i = 0;

    if (content.len > 0 && memchr(content.p, '\0', content.len) != NULL)
        return false;
    while (i < content.len && strchr(" \t\r\n", content.p[i]) != NULL)
        i++;
    return i == content.len || (content.p[i] != '{' && content.p[i] < 0x80);
}

static char *join(const char *policy, const char *name)
{
    const size_t folder_len = name[0] == '/' ? 0 : ratls_policy_folder_len(policy);
    char *path = NULL;

    return asprintf(&path, "%.*s%s", (int)folder_len, policy, name) < 0 ? NULL : path;
}

/* The last file of the list to which lines can be added. The caller frees *ret_path. */
static enum ratls_status find_file(struct ratls_additions *a, const struct ratls_document *document,
                                   enum ratls_topic topic, char **ret_path, struct ratls_error *err)
{
    const struct ratls_document_list *list = list_of(document, topic);
    enum ratls_status status = RATLS_OK;

    for (size_t i = list == NULL ? 0 : list->count; status == RATLS_OK && i > 0; i--) {
        char *path = join(a->path, list->items[i - 1]);
        struct ratls_slice content = {0};

        if (path == NULL)
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
        status = ratls_edits_read(&a->edits, path, &content, err);
        if (status == RATLS_OK && (is_text(content) || topic == RATLS_TOPIC_SIGNERS)) {
            *ret_path = path;
            return RATLS_OK;
        }
        free(path);
    }
    if (status != RATLS_OK)
        return status;
    return ratls_fail(err, RATLS_USAGE,
                      "%s: no text list under '%s' to which %s could be added: name one there, "
                      "for example an empty file beside the others",
                      a->path, ratls_topic_key(topic), ratls_topic_noun(topic));
}

static enum ratls_status add_lines(struct ratls_additions *a, const struct ratls_document *document,
                                   enum ratls_topic topic, struct ratls_error *err)
{
    char *path = NULL, *text = NULL;
    size_t count = 0;
    enum ratls_status status = ratls_list_write(&a->missing, topic, a->comment, &text, &count, err);

    if (status == RATLS_OK && text != NULL)
        status = find_file(a, document, topic, &path, err);
    if (status == RATLS_OK && text != NULL)
        status = ratls_edits_insert(&a->edits, path, RATLS_EDIT_AT_END, text, err);
    free(path);
    free(text);
    return status;
}

/* What no line could allow. */
static enum ratls_status check_fact(const struct ratls_additions *a, const struct ratls_fact *fact,
                                    struct ratls_error *err)
{
    switch (fact->topic) {
    case RATLS_TOPIC_IDENTITY:
        if (a->adds_key)
            return RATLS_OK;
        return ratls_fail(err, RATLS_REJECTED,
                          "the attestation key %s is not trusted by %s: an update is for machines "
                          "that are; 'ratls policy learn --into' adds another machine",
                          (const char *)fact->value.p, a->path);
    case RATLS_TOPIC_SECURE_BOOT:
        return ratls_fail(err, RATLS_REJECTED,
                          "Secure Boot is %s, and %s requires it: that is no update",
                          (const char *)fact->value.p, a->path);
    case RATLS_TOPIC_PCR:
        return RATLS_OK;
    default:
        break;
    }
    if (ratls_fact_has_line(fact))
        return RATLS_OK;
    if (fact->topic == RATLS_TOPIC_COMMAND_LINES)
        return ratls_fail(err, RATLS_REJECTED,
                          "event %llu of PCR %u: the text that was measured is not in the log that "
                          "was sent; the whole log (--boot-log) may have it",
                          (unsigned long long)fact->place, fact->pcr);
    if (fact->topic == RATLS_TOPIC_SIGNERS)
        return RATLS_OK;
    return ratls_fail(
        err, RATLS_REJECTED, "%s '%.*s' has no digest that a list can hold: SHA-1 proves nothing",
        ratls_topic_noun(fact->topic), (int)fact->name.len, (const char *)fact->name.p);
}

static enum ratls_status edit_lists(struct ratls_additions *a, struct ratls_error *err)
{
    struct ratls_document *document = NULL;
    struct ratls_source source = {.path = a->path};
    enum ratls_status status = ratls_edits_read(&a->edits, a->path, &source.text, err);

    if (status == RATLS_OK)
        status = ratls_document_load(&source, &document, err);
    for (int i = RATLS_TOPIC_FIRST_LIST; status == RATLS_OK && i < RATLS_TOPIC_COUNT; i++)
        status = add_lines(a, document, (enum ratls_topic)i, err);
    ratls_document_free(document);
    return status;
}

/* The name that was meant when the machine was asked. */
static enum ratls_status check_server(struct ratls_additions *a, struct ratls_error *err)
{
    const char *meant = a->machine->has_quote ? a->machine->expectation.server_name : NULL;
    char name[RATLS_NAME_SIZE];

    if (meant == NULL)
        return RATLS_OK;
    if (ratls_name_normalise(meant, name) != NULL)
        return ratls_fail(err, RATLS_USAGE, "'%s' is no DNS name and no IP address", meant);
    if (ratls_names_cover(&a->rules->servers, name))
        return RATLS_OK;
    if (a->adds_key)
        return ratls_facts_add_text(&a->missing, RATLS_TOPIC_IDENTITY, RATLS_SERVER_FACT, name,
                                    err);
    return ratls_fail(err, RATLS_USAGE,
                      "%s does not speak for %s; --server-name says which of its servers is meant",
                      a->path, name);
}

enum ratls_status ratls_additions_find(struct ratls_additions *additions, struct ratls_error *err)
{
    struct ratls_additions *a = additions;
    enum ratls_status status = ratls_facts_missing(a->rules, a->machine, &a->missing, err);

    if (status == RATLS_OK)
        status = check_server(a, err);
    for (size_t i = 0; status == RATLS_OK && i < a->missing.count; i++)
        status = check_fact(a, &a->missing.items[i], err);
    if (status == RATLS_OK)
        status = edit_lists(a, err);
    if (status == RATLS_OK)
        status = ratls_additions_edit_policy(a, err);
    return status;
}

void ratls_additions_done(struct ratls_additions *additions)
{
    ratls_facts_done(&additions->missing);
    ratls_edits_done(&additions->edits);
}
