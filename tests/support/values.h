/* Files of named values (tests/vectors): lines `name = hexadecimal` or `name = "text"`. */
#ifndef RATLS_TEST_VALUES_H
#define RATLS_TEST_VALUES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define VALUES_MAX 32
#define VALUE_NAME_MAX 32
#define VALUE_LINE_MAX 1024
#define VECTOR_MAX 65536
#define VECTOR_PATH_MAX 1024

struct value {
    char name[VALUE_NAME_MAX];
    uint8_t bytes[VALUE_LINE_MAX / 2];
    size_t len;
};

struct values {
    size_t count;
    struct value items[VALUES_MAX];
};

/* A mistake in a vector is a mistake in the tree: say it and stop. */
static inline void values_fail(const char *what, const char *where)
{
    fprintf(stderr, "vectors: %s: %s\n", what, where);
    abort();
}

static inline void parse_value(char *line, struct value *value)
{
    char *equals = strstr(line, " = ");
    char *text;
    size_t len;

    if (equals == NULL || equals - line >= VALUE_NAME_MAX)
        values_fail("neither a value nor a comment", line);
    *equals = '\0';
    memcpy(value->name, line, (size_t)(equals - line) + 1);
    text = equals + 3;
    len = strlen(text);
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        value->len = len - 2;
        memcpy(value->bytes, text + 1, value->len);
        return;
    }
    value->len = len / 2;
    if (!ratls_unhex(text, value->bytes, value->len))
        values_fail("not hexadecimal", text);
}

static inline void values_load(const char *folder, const char *name, struct values *values)
{
    char path[VECTOR_PATH_MAX];
    char line[VALUE_LINE_MAX];
    FILE *stream;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        values_fail("too long a path", folder);
    stream = fopen(path, "r");
    if (stream == NULL)
        values_fail("cannot be read", path);
    values->count = 0;
    while (fgets(line, sizeof line, stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (values->count == VALUES_MAX)
            values_fail("too many values", path);
        parse_value(line, &values->items[values->count++]);
    }
    fclose(stream);
}

static inline struct ratls_slice values_get(const struct values *values, const char *name)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->items[i].name, name) == 0)
            return ratls_slice(values->items[i].bytes, values->items[i].len);
    values_fail("no such value", name);
    return ratls_slice(NULL, 0);
}

static inline uint64_t values_number(const struct values *values, const char *name)
{
    struct ratls_slice bytes = values_get(values, name);
    uint64_t number = 0;

    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | bytes.p[i];
    return number;
}

/* The bytes of a file, in a block of exactly that size that the caller frees. */
static inline struct ratls_slice vector_load(const char *folder, const char *name)
{
    static uint8_t content[VECTOR_MAX];
    char path[VECTOR_PATH_MAX];
    uint8_t *copy;
    FILE *stream;
    size_t len;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    stream = fopen(path, "rb");
    if (stream == NULL)
        values_fail("cannot be read", path);
    len = fread(content, 1, sizeof content, stream);
    fclose(stream);
    copy = malloc(len > 0 ? len : 1);
    if (copy == NULL || len == sizeof content)
        values_fail("too large", path);
    memcpy(copy, content, len);
    return (struct ratls_slice){copy, len};
}

/* What vector_load() gave. */
static inline void vector_free(struct ratls_slice vector)
{
    free((void *)(uintptr_t)vector.p);
}

#endif
