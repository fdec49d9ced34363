/*
 * Allocations that fail on purpose. Link ratls_test_failmalloc: it wraps malloc and its kin for the
 * code that is linked statically (the library and the test), and OpenSSL's own allocations.
 */
#ifndef RATLS_TEST_FAILMALLOC_H
#define RATLS_TEST_FAILMALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on, in this thread: the n-th allocation fails (1: the next one); 0: none does. */
void failmalloc_arm(size_t n);
/* Ends it, but for the counts. Returns whether an allocation failed since failmalloc_arm(). */
bool failmalloc_disarm(void);
/* How many there were since then, of the code that is linked and of OpenSSL, until it ended. */
enum failmalloc_of { FAILMALLOC_OWN, FAILMALLOC_OPENSSL };
size_t failmalloc_count(enum failmalloc_of of);
/* While true, in this thread: allocations neither count nor fail. For what a test only stands on.
 */
void failmalloc_spare(bool is_spared);

#endif
