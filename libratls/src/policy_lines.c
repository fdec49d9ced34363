#include "policy_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_build.h"
#include "policy_file.h"
#include "policy_text.h"

#define FILE_MAX (1024 * 1024)
#define LINES_MAX 16384 /* of one key, in all its files */
#define ESCAPE_MAX 4    /* bytes of "\x0a", for one */

/* The byte that an escape behind "\" stands for; its length, or 0 if there is no such escape. */
static size_t read_escape(const uint8_t *p, size_t left, char *out)
{
    static const char names[] = "nt\\*", values[] = "\n\t\\*";
    const char *found = left == 0 || p[0] == '\0' ? NULL : strchr(names, p[0]);
    char digits[3] = "";
    uint8_t value;

    if (found != NULL) {
        *out = values[found - names];
        return 1;
    }
    if (left < 3 || p[0] != 'x')
        return 0;
    memcpy(digits, p + 1, 2);
    if (!ratls_unhex(digits, &value, 1) || value == 0)
        return 0;
    *out = (char)value;
    return 3;
}

static const char *unescape(struct ratls_slice line, char *text, size_t *ret_len, bool *ret_stars,
                            bool *ret_wildcards, size_t *ret_offset)
{
    size_t len = 0;

    for (size_t i = 0; i < line.len; i++) {
        size_t escape;

        *ret_offset = i;
        if (line.p[i] < ' ' || line.p[i] > '~')
            return "a character that is not printable ASCII: write its bytes as \\xNN";
        if (line.p[i] == ' ' && (i == 0 || i + 1 == line.len))
            return "a space at the begin or end of a line: write it as \\x20";
        *ret_wildcards = *ret_wildcards || line.p[i] == '*';
        text[len] = (char)line.p[i];
        if (line.p[i] == '\\') {
            escape = read_escape(line.p + i + 1, line.len - i - 1, &text[len]);
            if (escape == 0)
                return "expected \\n, \\t, \\\\, \\* or \\xNN (not \\x00)";
            *ret_stars = *ret_stars || text[len] == '*';
            i += escape;
        }
        len++;
    }
    text[len] = '\0';
    *ret_len = len;
    return NULL;
}

const char *ratls_line_read(struct ratls_slice line, char *text, struct ratls_pattern *ret_pattern,
                            size_t *ret_offset)
{
    bool stars = false, wildcards = false;
    size_t len = 0;
    const char *why = unescape(line, text, &len, &stars, &wildcards, ret_offset);

    if (why != NULL)
        return why;
    *ret_offset = 0;
    if (stars && wildcards)
        return "a star that is meant so, and a wildcard: only one of them can be in a line";
    if (wildcards && strcmp(text, "**") == 0)
        return "compares nothing: any text is allowed by it";
    if (wildcards)
        return ratls_pattern_init(RATLS_PATTERN_TEXT, ratls_slice(text, len), ret_pattern);
    *ret_pattern = ratls_pattern_exact(RATLS_PATTERN_TEXT, ratls_slice(text, len));
    return NULL;
}

char *ratls_line_write(struct ratls_slice text)
{
    char *line = malloc(ESCAPE_MAX * text.len + 1);
    size_t len = 0;

    if (line == NULL)
        return NULL;
    line[0] = '\0';
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.p[i];
        bool at_end = i == 0 || i + 1 == text.len;
        char escape[ESCAPE_MAX + 1] = {(char)byte, '\0'};

        if (byte == '\n' || byte == '\t')
            snprintf(escape, sizeof escape, "\\%c", byte == '\n' ? 'n' : 't');
        else if (byte == '\\' || byte == '*')
            snprintf(escape, sizeof escape, "\\%c", byte);
        else if (byte < ' ' || byte > '~' || (byte == ' ' && at_end) || (byte == '#' && i == 0))
            snprintf(escape, sizeof escape, "\\x%02x", byte);
        memcpy(line + len, escape, strlen(escape) + 1);
        len += strlen(escape);
    }
    return line;
}

struct file {
    const char *path;
    struct ratls_patterns *patterns;
    size_t number; /* of the line */
};

static enum ratls_status add_line(struct ratls_build *b, const struct file *file,
                                  struct ratls_slice line)
{
    struct ratls_pattern pattern = {0};
    size_t offset = 0;
    char *text;
    const char *why;

    if (file->patterns->count == LINES_MAX)
        return ratls_build_refuse(b, "%s:%zu:1: more than %d lines",
                                  ratls_build_show(b, file->path), file->number, LINES_MAX);
    text = malloc(line.len + 1);
    if (text == NULL)
        return ratls_build_no_memory(b);
    why = ratls_line_read(line, text, &pattern, &offset);
    if (why == NULL)
        return ratls_patterns_add(b, file->patterns, text, &pattern);
    free(text);
    return ratls_build_refuse(b, "%s:%zu:%zu: %s", ratls_build_show(b, file->path), file->number,
                              offset + 1, why);
}

static enum ratls_status add_lines(struct ratls_build *b, struct file *file,
                                   struct ratls_slice text)
{
    size_t before = file->patterns->count;
    enum ratls_status status = RATLS_OK;

    while (status == RATLS_OK && text.len > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        struct ratls_slice line = {text.p, end == NULL ? text.len : (size_t)(end - text.p)};
        size_t taken = line.len + (end == NULL ? 0 : 1);

        file->number++;
        if (line.len > 0 && line.p[0] != '#')
            status = add_line(b, file, line);
        text = ratls_slice(text.p + taken, text.len - taken);
    }
    if (status == RATLS_OK && file->patterns->count == before)
        return ratls_build_refuse(b, "%s: compares nothing: there is no line in it",
                                  ratls_build_show(b, file->path));
    return status;
}

static enum ratls_status add_file(struct ratls_build *b, const char *path,
                                  struct ratls_patterns *patterns)
{
    struct file file = {.path = path, .patterns = patterns};
    struct ratls_error why = {0};
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, FILE_MAX, &text, &len, &why);

    if (status == RATLS_OK)
        status = ratls_policy_text_check(path, ratls_slice(text, len), &why);
    status = status == RATLS_OK ? add_lines(b, &file, ratls_slice(text, len))
                                : ratls_build_refuse_file(b, path, &why);
    free(text);
    return status;
}

enum ratls_status ratls_build_lines(struct ratls_build *b, const char *key,
                                    const struct ratls_document_list *list,
                                    struct ratls_patterns *ret_patterns)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < list->count; i++) {
        char *path = NULL;

        status = ratls_build_file(b, key, list, i, &path);
        if (status == RATLS_OK)
            status = add_file(b, path, ret_patterns);
        free(path);
    }
    return status;
}
