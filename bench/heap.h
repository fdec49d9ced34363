/* What is on the heap, and the most that was at once: every allocation, OpenSSL's too. */
#ifndef RATLS_BENCH_HEAP_H
#define RATLS_BENCH_HEAP_H

#include <stddef.h>

/* From here on counts; what is allocated now is not part of it. */
void heap_begin(void);
/* Bytes, as the allocator rounds them. */
size_t heap_peak(void);
size_t heap_used(void);

#endif
