/* Patterns of a policy, for paths: with their texts, which they borrow. */
#include <stdlib.h>
#include <string.h>

#include "policy_build.h"

enum ratls_status ratls_patterns_add(struct ratls_build *b, struct ratls_patterns *patterns,
                                     char *text, const struct ratls_pattern *pattern)
{
    size_t count = patterns->count;
    struct ratls_pattern *items;
    char **texts;

    /* Room for twice as many whenever a power of two is full. */
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : 2 * count;

        items = realloc(patterns->items, room * sizeof *items);
        if (items != NULL)
            patterns->items = items;
        texts = items == NULL ? NULL : realloc(patterns->texts, room * sizeof *texts);
        if (texts == NULL) {
            free(text);
            return ratls_build_no_memory(b);
        }
        patterns->texts = texts;
    }
    patterns->items[count] = *pattern;
    patterns->texts[count] = text;
    patterns->count++;
    return RATLS_OK;
}

static enum ratls_status add_path(struct ratls_build *b, const char *text,
                                  struct ratls_patterns *patterns)
{
    struct ratls_pattern pattern = {0};
    char *copy = strdup(text);
    const char *why;

    if (copy == NULL)
        return ratls_build_no_memory(b);
    why = ratls_pattern_init(RATLS_PATTERN_PATH, ratls_slice(copy, strlen(copy)), &pattern);
    if (why == NULL)
        return ratls_patterns_add(b, patterns, copy, &pattern);
    free(copy);
    return ratls_build_refuse(b, "%s", why);
}

enum ratls_status ratls_build_patterns(struct ratls_build *b, const char *key,
                                       const struct ratls_document_list *list,
                                       struct ratls_patterns *ret_patterns)
{
    for (size_t i = 0; i < list->count; i++) {
        enum ratls_status status;

        ratls_build_at(b, "%s[%zu]", key, i);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list->items[i], list->items[j]) == 0)
                return ratls_build_refuse(b, "this pattern stands in the list twice");
        }
        status = add_path(b, list->items[i], ret_patterns);
        if (status != RATLS_OK)
            return status;
    }
    return RATLS_OK;
}

void ratls_patterns_done(struct ratls_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        free(patterns->texts[i]);
    free(patterns->items);
    free(patterns->texts);
    *patterns = (struct ratls_patterns){0};
}
