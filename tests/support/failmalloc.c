#include "failmalloc.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);

static _Thread_local size_t allocations_left; /* the last of them fails */
static _Thread_local bool has_failed;
static _Thread_local bool spares;
static _Thread_local size_t counts[2]; /* by enum failmalloc_of */

void failmalloc_arm(size_t n)
{
    allocations_left = n;
    has_failed = false;
    counts[FAILMALLOC_OWN] = counts[FAILMALLOC_OPENSSL] = 0;
}

size_t failmalloc_count(enum failmalloc_of of)
{
    return counts[of];
}

bool failmalloc_disarm(void)
{
    allocations_left = 0;
    return has_failed;
}

void failmalloc_spare(bool is_spared)
{
    spares = is_spared;
}

static bool is_turn(enum failmalloc_of of)
{
    if (spares || allocations_left == 0)
        return false;
    counts[of]++;
    if (--allocations_left > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_turn(FAILMALLOC_OWN) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_turn(FAILMALLOC_OWN) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return is_turn(FAILMALLOC_OWN) ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
    return is_turn(FAILMALLOC_OWN) ? NULL : __real_strdup(text);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || is_turn(FAILMALLOC_OPENSSL) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return is_turn(FAILMALLOC_OPENSSL) ? NULL : __real_realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* Before main: OpenSSL takes other functions only as long as it has allocated nothing. */
__attribute__((constructor)) static void wrap_openssl(void)
{
    must(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1);
}
