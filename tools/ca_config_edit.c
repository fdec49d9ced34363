#include "ca_config_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fail.h"
#include "file.h"
#include "policy_file.h"
#include "policy_source.h"

#define ISSUER_MAX 4096

/* Where the value at line and column (from 1, in characters) begins. */
static size_t find_offset(struct ratls_slice text, struct ratls_source_place place)
{
    size_t offset = 0;

    for (size_t line = 1; line < place.line && offset < text.len; offset++)
        line += text.p[offset] == '\n';
    return offset + place.column - 1; /* only blanks stand before it, or ASCII */
}

/* Values in quotes: paths and URIs may have any character but these. */
static bool is_plain(const char *value)
{
    return strpbrk(value, "\"\\") == NULL &&
           ratls_slice_is_printable(ratls_slice(value, strlen(value)));
}

/*
 * issuers: is a list in brackets, or of lines with a dash each, at whose begin the place is then.
 */
static enum ratls_status insert(struct ratls_slice text, size_t offset, const char *certificate,
                                const char *key, char **ret_text, struct ratls_error *err)
{
    const bool is_flow = offset < text.len && text.p[offset] == '[';
    const bool is_block = offset < text.len && text.p[offset] == '-';
    const int before = (int)(is_flow ? offset + 1 : offset);
    size_t blanks = 0;

    if (!is_flow && !is_block)
        return ratls_fail(err, RATLS_USAGE, "issuers is not written as a list");
    while (is_block && blanks < offset && text.p[offset - blanks - 1] == ' ')
        blanks++;
    if (asprintf(ret_text, "%.*s%s{certificate: \"%s\", key: \"%s\"}%s%*s%.*s", before,
                 (const char *)text.p, is_flow ? "" : "- ", certificate, key, is_flow ? ", " : "\n",
                 is_flow ? 0 : (int)blanks, "", (int)(text.len - (size_t)before),
                 (const char *)text.p + before) < 0)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    return RATLS_OK;
}

static bool is_same_issuer(const struct ratls_ca_issuer_config *a,
                           const struct ratls_ca_issuer_config *b)
{
    return strcmp(a->certificate, b->certificate) == 0 && strcmp(a->key, b->key) == 0;
}

/* The old issuers behind the new one, which is as it was meant. */
static enum ratls_status check(const char *path, const char *text,
                               const struct ratls_ca_config *old, const char *certificate,
                               const char *key, struct ratls_error *err)
{
    struct ratls_ca_config *config = NULL;
    enum ratls_status status =
        ratls_ca_config_read(path, ratls_slice(text, strlen(text)), &config, err);
    bool is_meant;

    if (status != RATLS_OK)
        return status;
    is_meant = config->issuer_count == old->issuer_count + 1 &&
               strstr(config->issuers[0].certificate, certificate) != NULL &&
               strstr(config->issuers[0].key, key) != NULL;
    for (size_t i = 0; is_meant && i < old->issuer_count; i++)
        is_meant = is_same_issuer(&config->issuers[i + 1], &old->issuers[i]);
    ratls_ca_config_free(config);
    return is_meant ? RATLS_OK : ratls_fail(err, RATLS_USAGE, "%s: cannot be changed safely", path);
}

static enum ratls_status change(const char *path, struct ratls_slice text, const char *certificate,
                                const char *key, struct ratls_error *err)
{
    const struct ratls_source source = {.path = path, .text = text};
    struct ratls_ca_config *old = NULL;
    char *changed = NULL;
    enum ratls_status status = ratls_ca_config_read(path, text, &old, err);

    if (status == RATLS_OK && (!is_plain(certificate) || !is_plain(key)))
        status = ratls_fail(err, RATLS_USAGE, "a path or URI with quotes in it");
    if (status == RATLS_OK)
        status = insert(text, find_offset(text, ratls_source_find(&source, "issuers")), certificate,
                        key, &changed, err);
    if (status == RATLS_OK)
        status = check(path, changed, old, certificate, key, err);
    if (status == RATLS_OK)
        status = ratls_file_rewrite(path, ratls_slice(changed, strlen(changed)), err);
    free(changed);
    ratls_ca_config_free(old);
    return status;
}

enum ratls_status ratls_ca_config_add_issuer(const char *path, const char *certificate,
                                             const char *key, struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &bytes, &len, err);

    if (status == RATLS_OK)
        status = change(path, ratls_slice(bytes, len), certificate, key, err);
    free(bytes);
    return status;
}
