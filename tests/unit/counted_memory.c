#include "counted_memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <cyaml/cyaml.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "keys.h"
#include "policy_load.h"

#define EXPORTED __attribute__((visibility("default")))

static size_t live_bytes, peak_bytes, allocations, failing; /* failing: 0: none fails */

void counted_reset(void)
{
    live_bytes = peak_bytes = 0;
}

size_t counted_live(void)
{
    return live_bytes;
}

size_t counted_peak(void)
{
    return peak_bytes;
}

static bool may_allocate(void)
{
    allocations++;
    return failing == 0 || allocations != failing;
}

static void *count_block(void *p)
{
    live_bytes += p == NULL ? 0 : malloc_usable_size(p);
    if (live_bytes > peak_bytes)
        peak_bytes = live_bytes;
    return p;
}

void *__real_malloc(size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);
int __wrap_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **ret_text, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? count_block(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *p = __wrap_malloc(count * size);

    return p == NULL ? NULL : memset(p, 0, count * size);
}

/* Always moves: the old and the new block are there at the same time, as in the worst case. */
void *__wrap_realloc(void *p, size_t size)
{
    void *moved = __wrap_malloc(size);
    size_t old = p == NULL ? 0 : malloc_usable_size(p);

    if (moved == NULL)
        return NULL;
    if (p != NULL)
        memcpy(moved, p, old < size ? old : size);
    __wrap_free(p);
    return moved;
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    return __wrap_realloc(p, count * size);
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = __wrap_malloc(size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

char *__wrap_strndup(const char *text, size_t max)
{
    size_t len = strnlen(text, max);
    char *copy = __wrap_malloc(len + 1);

    if (copy == NULL)
        return NULL;
    copy[len] = '\0';
    return memcpy(copy, text, len);
}

static int print_counted(char **ret_text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static int print_counted(char **ret_text, const char *format, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    *ret_text = __wrap_malloc((size_t)len + 1);
    if (*ret_text == NULL)
        return -1;
    return vsnprintf(*ret_text, (size_t)len + 1, format, args);
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = print_counted(ret_text, format, args);
    va_end(args);
    return len;
}

/* What asprintf() becomes with _FORTIFY_SOURCE. */
int __wrap___asprintf_chk(char **ret_text, int flag, const char *format, ...)
{
    va_list args;
    int len;

    (void)flag;
    va_start(args, format);
    len = print_counted(ret_text, format, args);
    va_end(args);
    return len;
}

void __wrap_free(void *p)
{
    live_bytes -= p == NULL ? 0 : malloc_usable_size(p);
    __real_free(p);
}

EXPORTED void *yaml_malloc(size_t size)
{
    return malloc(size == 0 ? 1 : size);
}

EXPORTED void *yaml_realloc(void *p, size_t size)
{
    return realloc(p, size == 0 ? 1 : size);
}

EXPORTED void yaml_free(void *p)
{
    free(p);
}

EXPORTED yaml_char_t *yaml_strdup(const yaml_char_t *text)
{
    return text == NULL ? NULL : (yaml_char_t *)strdup((const char *)text);
}

EXPORTED void *cyaml_mem(void *self, void *p, size_t size)
{
    (void)self;
    if (size > 0)
        return realloc(p, size);
    free(p);
    return NULL;
}

/* The cache of keys (keys.h) is made with the rules, but is no part of reading them. */
struct ratls_key_cache *__wrap_ratls_key_cache_new(void);
void __wrap_ratls_key_cache_free(struct ratls_key_cache *cache);

struct ratls_key_cache *__wrap_ratls_key_cache_new(void)
{
    return malloc(1);
}

void __wrap_ratls_key_cache_free(struct ratls_key_cache *cache)
{
    free(cache);
}

/* text == NULL: the file at path. */
static enum ratls_status load(const char *path, const char *text, struct ratls_policy **ret_policy,
                              struct ratls_error *err)
{
    if (text == NULL)
        return ratls_policy_load(path, ret_policy, err);
    return ratls_policy_parse(path, ratls_slice(text, strlen(text)), ret_policy, err);
}

void counted_fail_each(const char *path, const char *text, enum ratls_status expected)
{
    bool failed = true;
    size_t n = 0;

    while (failed) {
        struct ratls_policy *policy = NULL;
        struct ratls_error err = {0};
        enum ratls_status status;

        allocations = live_bytes = 0;
        failing = ++n;
        status = load(path, text, &policy, &err);
        failed = allocations >= n;
        failing = 0;
        ratls_policy_free(policy);
        cr_expect(eq(sz, live_bytes, 0), "allocation %zu", n);
        if (!failed) {
            cr_expect(eq(int, (int)status, (int)expected), "%s", err.text);
        } else {
            cr_assert(eq(int, (int)status, (int)err.status), "allocation %zu", n);
            /* A mistake is still told if only its place could not be found. */
            cr_assert(status == RATLS_MEMORY || status == expected, "allocation %zu", n);
            cr_assert(status != RATLS_OK && err.text[0] != '\0', "allocation %zu", n);
        }
    }
    cr_expect(gt(sz, n, 20), "%zu allocations", n);
}
