/* An attester that knows how long the one behind it took. */
#ifndef RATLS_BENCH_TIMED_H
#define RATLS_BENCH_TIMED_H

#include <ratls/attester.h>

struct timed {
    struct ratls_attester interface; /* lives as long as the struct, whoever frees it */
    struct ratls_attester *inner;    /* freed by the caller */
    double us;                       /* CPU time so far; the caller may set it back */
};

void timed_begin(struct timed *timed, struct ratls_attester *inner);

#endif
