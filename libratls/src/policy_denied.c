/* deny-keys of a policy: Names of attestation keys that are refused, in the policy or in files. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "policy_build.h"
#include "policy_file.h"
#include "policy_text.h"

#define FILE_MAX (8 * 1024 * 1024)
#define NAMES_MAX 65536 /* of a policy, in all its files */
#define HEX_DIGITS "0123456789abcdefABCDEF"

static int compare_names(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ratls_denied_key));
}

static enum ratls_status add_name(struct ratls_build *b, const struct ratls_denied_key *name,
                                  size_t *cap)
{
    struct ratls_denied_keys *denied = &b->rules->denied_keys;
    struct ratls_denied_key *longer;

    if (denied->count == NAMES_MAX)
        return ratls_build_refuse(b, "more than %d keys", NAMES_MAX);
    if (denied->count == *cap) {
        *cap = *cap == 0 ? 16 : 2 * *cap;
        longer = realloc(denied->items, *cap * sizeof *longer);
        if (longer == NULL)
            return ratls_build_no_memory(b);
        denied->items = longer;
    }
    denied->items[denied->count++] = *name;
    return RATLS_OK;
}

/* A Name, and behind blanks a comment. */
static enum ratls_status read_line(struct ratls_slice line, struct ratls_denied_key *ret_name,
                                   struct ratls_error *why)
{
    size_t len = 0, rest;
    size_t name_len;

    while (len < line.len && line.p[len] != ' ' && line.p[len] != '\t')
        len++;
    rest = len;
    while (rest < line.len && (line.p[rest] == ' ' || line.p[rest] == '\t'))
        rest++;
    if (rest < line.len && line.p[rest] != '#')
        return ratls_fail(why, RATLS_USAGE, "what follows the Name is no comment: begin it with #");
    return ratls_build_read_name(ratls_slice(line.p, len), ret_name->name, &name_len, why);
}

/*
 * A file that denies nothing yet has a comment that says so: one that is empty may have been cut
 * short, and would let in whoever it was written against.
 */
static enum ratls_status add_lines(struct ratls_build *b, const char *path, struct ratls_slice text,
                                   size_t *cap)
{
    struct ratls_error why = {0};
    bool is_empty = true;

    for (size_t number = 1; text.len > 0; number++) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        struct ratls_slice line = {text.p, end == NULL ? text.len : (size_t)(end - text.p)};
        size_t taken = line.len + (end == NULL ? 0 : 1);
        struct ratls_denied_key name = {{0}};
        enum ratls_status status;

        text = ratls_slice(text.p + taken, text.len - taken);
        is_empty = is_empty && line.len == 0;
        if (line.len == 0 || line.p[0] == '#')
            continue;
        if (read_line(line, &name, &why) != RATLS_OK)
            return ratls_build_refuse(b, "%s:%zu: %s", ratls_build_show(b, path), number, why.text);
        status = add_name(b, &name, cap);
        if (status != RATLS_OK)
            return status;
    }
    if (is_empty)
        return ratls_build_refuse(b, "%s: an empty file: if no key is denied, say so in a comment",
                                  ratls_build_show(b, path));
    return RATLS_OK;
}

static enum ratls_status add_file(struct ratls_build *b, const char *path, size_t *cap)
{
    struct ratls_error why = {0};
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, FILE_MAX, &text, &len, &why);

    if (status == RATLS_OK)
        status = ratls_policy_text_check(path, ratls_slice(text, len), &why);
    status = status == RATLS_OK ? add_lines(b, path, ratls_slice(text, len), cap)
                                : ratls_build_refuse_file(b, path, &why);
    free(text);
    return status;
}

/* Only hex digits: a Name. A file that is called so is written ./abc. */
static enum ratls_status add_entry(struct ratls_build *b, size_t index, size_t *cap)
{
    const struct ratls_document_list *list = &b->document->denied_keys;
    const char *text = list->items[index];
    struct ratls_denied_key name = {{0}};
    struct ratls_error why = {0};
    enum ratls_status status;
    size_t len = strlen(text);
    char *path = NULL;

    ratls_build_at(b, "deny-keys[%zu]", index);
    for (size_t i = 0; i < index; i++) {
        if (strcasecmp(list->items[i], text) == 0)
            return ratls_build_refuse(b, "stands in this list twice");
    }
    if (strspn(text, HEX_DIGITS) == len) {
        if (ratls_build_read_name(ratls_slice(text, len), name.name, &len, &why) != RATLS_OK)
            return ratls_build_refuse(b, "%s (a file of this name: ./%s)", why.text,
                                      ratls_build_show(b, text));
        return add_name(b, &name, cap);
    }
    path = ratls_build_path(b, text);
    if (path == NULL)
        return ratls_build_no_memory(b);
    status = add_file(b, path, cap);
    free(path);
    return status;
}

enum ratls_status ratls_build_denied_keys(struct ratls_build *b)
{
    struct ratls_denied_keys *denied = &b->rules->denied_keys;
    enum ratls_status status = RATLS_OK;
    size_t cap = 0;

    for (size_t i = 0; status == RATLS_OK && i < b->document->denied_keys.count; i++)
        status = add_entry(b, i, &cap);
    denied->is_asked = b->document->denied_keys.count > 0;
    if (status == RATLS_OK && denied->count > 0)
        qsort(denied->items, denied->count, sizeof *denied->items, compare_names);
    return status;
}

struct ratls_slice ratls_denied_key_name(const struct ratls_denied_key *key)
{
    uint16_t alg = (uint16_t)(key->name[0] << 8 | key->name[1]);

    return ratls_slice(key->name, 2 + ratls_tpm_hash_len(alg));
}

bool ratls_denied_keys_have(const struct ratls_denied_keys *denied, struct ratls_slice name)
{
    struct ratls_denied_key key = {{0}};

    if (denied->count == 0 || name.len > sizeof key.name)
        return false;
    memcpy(key.name, name.p, name.len);
    return bsearch(&key, denied->items, denied->count, sizeof key, compare_names) != NULL;
}
