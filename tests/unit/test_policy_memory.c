/*
 * Memory of the policy reader: how much it takes for a hostile text, and what happens when it gets
 * none. Wraps the allocations of the library (by the linker), and takes the place of yaml_malloc()
 * and its kin and of cyaml_mem(), through which libyaml and libcyaml allocate.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <cyaml/cyaml.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "keys.h"
#include "policy_load.h"

#define AA16 "aaaaaaaaaaaaaaaa"
#define AA64 AA16 AA16 AA16 AA16
#define EXPORTED __attribute__((visibility("default")))

static size_t live_bytes, peak_bytes, allocations, failing; /* failing: 0: none fails */

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

/* The peak of one call of the reader, with the text itself. */
static size_t measure(const char *text, size_t len, enum ratls_status *ret_status)
{
    char *copy;
    struct ratls_rules rules = {0};
    struct ratls_error err = {0};

    live_bytes = peak_bytes = 0;
    copy = malloc(len + 1);
    cr_assert(ne(ptr, copy, NULL));
    memcpy(copy, text, len);
    *ret_status = ratls_rules_parse("p.yaml", ratls_slice(copy, len), &rules, &err);
    ratls_rules_done(&rules);
    free(copy);
    return peak_bytes;
}

#define HEAD "policy: ratls-1\nattestation-keys: [{name: 000b" AA64 "}]\n"

/* What libyaml itself needs for any text is 64 KiB, of which 16 are filled by its first read. */
#define OVERHEAD (96 * 1024)

struct hostile {
    const char *head;
    const char *piece;
};

static const struct hostile hostiles[] = {
    {"", "- "},
    {"", "a: "},
    {"", "\""},
    {"", "'"},
    {"", "["},
    {"", "{"},
    {"", ","},
    {"", "x"},
    {"", " "},
    {"", "\n"},
    {"", "#"},
    {"", "# x\n"},
    {"", "? "},
    {"", "a: b\n"},
    {"", "&a "},
    {"", "*a "},
    {"", "!"},
    {"", "!<a>"},
    {"", "%"},
    {"", "%TAG ! a\n"},
    {"", "\t"},
    {"", "- a\n"},
    {"", "---\n"},
    {"", "\xc3\xa9"},
    {"", "\xff"},
    {"a: \"", "x"},
    {"a: \"", "\\"},
    {"a: '", "''"},
    {"a: |\n", " x\n"},
    {"a: >\n", " x\n"},
    {"a: |\n", "\n"},
    {"a: ", "x "},
    {"a: ", "x\n "},
    {"a: [", "[],"},
    {"a: [", "x,"},
    {"a: [", "{},"},
    {"a: [", ","},
    {"a: {", "a: b,"},
    {"a: \"", " \n"},
    {"a:\n", "- - x\n"},
    {"a: \"", "\\x41"},
    {HEAD "service: ", "x"},
    {HEAD "servers: [", "a,"},
    {HEAD "servers: [x", ",x"},
    {HEAD "deny-firmware: [", "x,"},
    {HEAD "comment: [", "x,"},
    {HEAD "comment: [", "{x: [x]},"},
    {HEAD "pcrs:\n", " - {index: 0}\n"},
    {HEAD "pcrs: [", "{index: 0},"},
    {HEAD "pcrs: [{index: 0, sha256: [", "x,"},
    {"policy: ratls-1\nattestation-keys: [", "{name: x},"},
    {"policy: ratls-1\nattestation-keys: [", "{name: 000b" AA64 "},"},
};

static const size_t lengths[] = {100, 1000, 10000, 30000, 100000, 300000, 1024 * 1024};

Test(policy_memory, hostile)
{
    char *text = malloc(RATLS_POLICY_BYTES_MAX);

    cr_assert(ne(ptr, text, NULL));
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            size_t len = lengths[j], at = strlen(hostiles[i].head);
            size_t piece = strlen(hostiles[i].piece), peak;
            enum ratls_status status;

            if (at + piece > len)
                continue;
            memcpy(text, hostiles[i].head, at);
            for (; at < len; at++)
                text[at] = hostiles[i].piece[(at - strlen(hostiles[i].head)) % piece];
            peak = measure(text, len, &status);
            cr_expect(le(sz, peak, 2 * len + OVERHEAD), "%zu bytes of %s%s", len, hostiles[i].head,
                      hostiles[i].piece);
            cr_expect(eq(int, status, RATLS_USAGE));
            cr_expect(eq(sz, live_bytes, 0));
        }
    }
    free(text);
}

/* As many values as a text of its length may have, all of them good. */
static char *write_large(size_t pins, size_t values)
{
    size_t cap = 200 + (pins + values) * 90, len;
    char *text = malloc(cap);

    cr_assert(ne(ptr, text, NULL));
    len = (size_t)snprintf(text, cap, "policy: ratls-1\nattestation-keys:\n");
    for (size_t i = 0; i < pins; i++)
        len += (size_t)snprintf(text + len, cap - len, "- name: 000b%064zx\n", i);
    len += (size_t)snprintf(text + len, cap - len, "pcrs:\n- index: 7\n  sha256:\n");
    for (size_t i = 0; i < values; i++)
        len += (size_t)snprintf(text + len, cap - len, "  - %064zx\n", i);
    return text;
}

Test(policy_memory, large_and_good)
{
    static const size_t counts[][2] = {{1, 1}, {100, 10}, {4096, 1}, {1, 1024}, {4096, 1024}};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char *text = write_large(counts[i][0], counts[i][1]);
        size_t len = strlen(text), peak;
        enum ratls_status status;

        peak = measure(text, len, &status);
        cr_expect(eq(int, status, RATLS_OK));
        cr_expect(eq(sz, live_bytes, 0));
        cr_expect(le(sz, peak, 4 * len + OVERHEAD), "%zu bytes", len);
        free(text);
    }
}

static const char everything[] =
    "policy: ratls-1\nservers: [a.example, \"*.b.example\"]\n"
    "attestation-keys:\n  - {name: 000b" AA64 ", servers: [a.example]}\n"
    "pcrs:\n  - {index: 7, sha256: [" AA64 "], sha384: [" AA64 AA16 AA16 "]}\n"
    "service: s\nfreshness: certificate\nmax-age: 7d\nalgorithms: [rsassa]\nclock: safe\n"
    "deny-firmware: [" AA16 "]\ncomment: x\n";

/* text == NULL: the file at path. */
static enum ratls_status load(const char *path, const char *text, struct ratls_policy **ret_policy,
                              struct ratls_error *err)
{
    if (text == NULL)
        return ratls_policy_load(path, ret_policy, err);
    return ratls_policy_parse(path, ratls_slice(text, strlen(text)), ret_policy, err);
}

/* Until there are more allocations to fail than are made. */
static void fail_each(const char *path, const char *text, enum ratls_status expected)
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

Test(policy_memory, failing_allocations)
{
    const char *folder = getenv("RATLS_SOURCE_DIR");

    fail_each("p.yaml", everything, RATLS_OK);
    fail_each("p.yaml", HEAD "x: y\n", RATLS_USAGE);
    fail_each("p.yaml", HEAD "pcrs: [{index: 7, sha256: [aa]}]\n", RATLS_USAGE);
    cr_assert(ne(ptr, (void *)folder, NULL), "run by ctest");
    cr_assert(eq(int, chdir(folder), 0));
    fail_each("policies/issuer.yaml", NULL, RATLS_OK);
}
