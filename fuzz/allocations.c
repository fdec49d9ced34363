/*
 * Counts allocations, so that a target can assert that a reader makes none. AddressSanitizer has
 * hooks for it; in other builds the allocator of the C library is wrapped.
 */
#include "fuzz.h"

/* For each thread: libFuzzer has one of its own that allocates too. */
static _Thread_local unsigned long allocation_count;

unsigned long fuzz_allocations(void)
{
    return allocation_count;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_HOOKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_HOOKS
#endif

#ifdef HAS_HOOKS

int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
                                              void (*free_hook)(const volatile void *));

static void count_allocation(const volatile void *p, size_t size)
{
    (void)p;
    (void)size;
    allocation_count++;
}

static void ignore_free(const volatile void *p)
{
    (void)p;
}

__attribute__((constructor)) static void install_hooks(void)
{
    if (__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free) == 0)
        abort();
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
    allocation_count++;
    return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    allocation_count++;
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    allocation_count++;
    return __libc_realloc(ptr, size);
}

#endif
