#include "heap.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* The linker puts these before the program's calls: --wrap in CMakeLists.txt. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);

static _Atomic size_t used, peak;

void heap_begin(void)
{
    used = 0;
    peak = 0;
}

size_t heap_peak(void)
{
    return peak;
}

size_t heap_used(void)
{
    return used;
}

static void *take(void *p)
{
    used += p == NULL ? 0 : malloc_usable_size(p);
    peak = used > peak ? used : peak;
    return p;
}

/* What was there before heap_begin() was never counted. */
static void give(void *p)
{
    size_t size = p == NULL ? 0 : malloc_usable_size(p);

    used -= size < used ? size : used;
}

void *__wrap_malloc(size_t size)
{
    return take(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return take(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
    give(p);
    return take(__real_realloc(p, size));
}

char *__wrap_strdup(const char *text)
{
    return take(__real_strdup(text));
}

void __wrap_free(void *p)
{
    give(p);
    __real_free(p);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 ? NULL : __wrap_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(p);
}

/* Before main: OpenSSL takes other functions only as long as it has allocated nothing. */
__attribute__((constructor)) static void wrap_openssl(void)
{
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        abort();
}
