#include "policy_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_file.h"

void ratls_build_at(struct ratls_build *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->at, sizeof b->at, format, args);
    va_end(args);
}

enum ratls_status ratls_build_refuse(struct ratls_build *b, const char *format, ...)
{
    char words[RATLS_ERROR_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return ratls_source_fail(b->source, b->err, b->at, "%s", words);
}

enum ratls_status ratls_build_no_memory(struct ratls_build *b)
{
    return ratls_fail(b->err, RATLS_MEMORY, "out of memory");
}

const char *ratls_build_show(struct ratls_build *b, const char *text)
{
    ratls_escape(ratls_slice(text, strlen(text)), b->shown, sizeof b->shown);
    return b->shown;
}

/* Before the file is read: what changes while that is done is seen as a change later. */
static bool add_stamp(struct ratls_rules *rules, const char *path)
{
    struct ratls_stamp *longer =
        realloc(rules->stamps, (rules->stamp_count + 1) * sizeof *rules->stamps);
    char *copy;

    if (longer == NULL)
        return false;
    rules->stamps = longer;
    copy = strdup(path);
    if (copy == NULL)
        return false;
    ratls_stamp_make(copy, &longer[rules->stamp_count++]);
    return true;
}

char *ratls_build_path(struct ratls_build *b, const char *file)
{
    const char *policy = b->source->path;
    size_t folder = file[0] == '/' ? 0 : ratls_policy_folder_len(policy);
    char *path = NULL;

    if (asprintf(&path, "%.*s%s", (int)folder, policy, file) < 0)
        return NULL;
    if (add_stamp(b->rules, path))
        return path;
    free(path);
    return NULL;
}

enum ratls_status ratls_build_file(struct ratls_build *b, const char *key,
                                   const struct ratls_document_list *list, size_t index,
                                   char **ret_path)
{
    ratls_build_at(b, "%s[%zu]", key, index);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(list->items[i], list->items[index]) == 0)
            return ratls_build_refuse(b, "this file stands in the list twice");
    }
    *ret_path = ratls_build_path(b, list->items[index]);
    return *ret_path == NULL ? ratls_build_no_memory(b) : RATLS_OK;
}

/* A reader of files says "file: …", or "file:line: …". */
enum ratls_status ratls_build_refuse_file(struct ratls_build *b, const char *path,
                                          const struct ratls_error *why)
{
    const char *text = why->text;
    size_t len = strlen(path);

    if (why->status == RATLS_MEMORY)
        return ratls_build_no_memory(b);
    if (strncmp(text, path, len) == 0 && text[len] == ':')
        (void)ratls_build_refuse(b, "%s%s", ratls_build_show(b, path), text + len);
    else
        (void)ratls_build_refuse(b, "%s: %s", ratls_build_show(b, path), text);
    if (b->err != NULL)
        b->err->status = why->status;
    return why->status;
}
