/* The most that was on the heap at once: every allocation, OpenSSL's too. One thread. */
#ifndef RATLS_BENCH_HEAP_H
#define RATLS_BENCH_HEAP_H

#include <stddef.h>

/* From here on counts; what is allocated now is not part of it. */
void heap_begin(void);
/* Bytes, as the allocator rounds them. */
size_t heap_peak(void);

#endif
