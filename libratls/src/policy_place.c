/* Messages about a policy that say where. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "policy_source.h"

/* Room for the words after it in a struct ratls_error. */
#define PATH_SHOWN_MAX 128

static bool is_part_of(const struct ratls_source_node *node, uint32_t parent, const char *at,
                       size_t len)
{
    char index[16];

    if (node->parent != parent)
        return false;
    if (at[0] == '[') {
        snprintf(index, sizeof index, "[%u]", (unsigned)node->index);
        return node->key[0] == '\0' && strlen(index) == len && memcmp(index, at, len) == 0;
    }
    return strlen(node->key) == len && memcmp(node->key, at, len) == 0;
}

/* The node of a path such as "pcrs[0].sha256"; as far down as there is one. */
static const struct ratls_source_node *find_node(const struct ratls_source *source, const char *at)
{
    uint32_t found = 0;

    while (*at != '\0') {
        size_t len = at[0] == '[' ? strcspn(at, "]") + 1 : strcspn(at, ".[");
        size_t i = found + 1;

        while (i < source->count && !is_part_of(&source->nodes[i], found, at, len))
            i++;
        if (i >= source->count)
            break;
        found = (uint32_t)i;
        at += len;
        at += *at == '.' ? 1 : 0;
    }
    return source->count == 0 ? NULL : &source->nodes[found];
}

static void write_place(const struct ratls_source *source, const char *at, bool of_key, char *out,
                        size_t cap)
{
    const struct ratls_source_node *node = find_node(source, at);
    size_t path_len = strlen(source->path);
    bool cut = path_len > PATH_SHOWN_MAX;
    unsigned line = 1, column = 1;

    if (node != NULL) {
        line = (unsigned)(of_key && node->key_line > 0 ? node->key_line : node->line);
        column = (unsigned)(of_key && node->key_line > 0 ? node->key_column : node->column);
    }
    snprintf(out, cap, "%s%s:%u:%u: %s%s", cut ? "..." : "",
             source->path + (cut ? path_len - PATH_SHOWN_MAX : 0), line, column, at,
             *at == '\0' ? "" : ": ");
}

void ratls_source_place(const struct ratls_source *source, const char *at, char *out, size_t cap)
{
    write_place(source, at, false, out, cap);
}

static enum ratls_status fail_at(struct ratls_error *err, const char *place, const char *format,
                                 va_list args) __attribute__((format(printf, 3, 0)));

static enum ratls_status fail_at(struct ratls_error *err, const char *place, const char *format,
                                 va_list args)
{
    char words[RATLS_ERROR_TEXT];

    vsnprintf(words, sizeof words, format, args);
    return ratls_fail(err, RATLS_USAGE, "%s%s", place, words);
}

enum ratls_status ratls_source_fail(const struct ratls_source *source, struct ratls_error *err,
                                    const char *at, const char *format, ...)
{
    char place[RATLS_ERROR_TEXT];
    enum ratls_status status;
    va_list args;

    write_place(source, at, false, place, sizeof place);
    va_start(args, format);
    status = fail_at(err, place, format, args);
    va_end(args);
    return status;
}

enum ratls_status ratls_source_fail_key(const struct ratls_source *source, struct ratls_error *err,
                                        const char *at, const char *format, ...)
{
    char place[RATLS_ERROR_TEXT];
    enum ratls_status status;
    va_list args;

    write_place(source, at, true, place, sizeof place);
    va_start(args, format);
    status = fail_at(err, place, format, args);
    va_end(args);
    return status;
}
