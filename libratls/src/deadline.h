/* Until when somebody waits, by a clock that nobody sets: CLOCK_MONOTONIC. */
#ifndef RATLS_DEADLINE_H
#define RATLS_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct timespec ratls_time_from_now(unsigned ms);
struct timespec ratls_time_after(const struct timespec *t, unsigned ms);
struct timespec ratls_time_before(const struct timespec *t, unsigned ms);
/* How long ago t was, rounded down; -1: it is to come. */
int64_t ratls_time_since_ms(const struct timespec *t);
bool ratls_time_is_past(const struct timespec *t);
bool ratls_time_is_before(const struct timespec *a, const struct timespec *b);
/* A condition whose timed waits are by this clock. False: none could be had. */
bool ratls_cond_init(pthread_cond_t *cond);

#endif
