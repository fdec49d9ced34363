/*
 * The digests that a piece of work makes, to make them once more with nothing around them: what the
 * work cannot be below. One thread.
 */
#ifndef RATLS_BENCH_DIGESTS_H
#define RATLS_BENCH_DIGESTS_H

#include <stddef.h>

struct digests {
    size_t count;
    size_t bytes; /* hashed, of all */
};

/* All digests from here on, by crypto_hasher.h, until digests_end(). */
void digests_begin(void);
struct digests digests_end(void);

/* CPU time of the same digests, of other bytes, so many times; in microseconds. */
double digests_again_us(size_t times);
/* The same of extends of PCRs: digests of two SHA-256. */
double digests_extends_us(size_t count);

#endif
