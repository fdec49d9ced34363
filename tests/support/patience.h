/* How long tests wait, and what they wait for. */
#ifndef RATLS_TEST_PATIENCE_H
#define RATLS_TEST_PATIENCE_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SLACK_MS 20000 /* sanitizers, and a machine with much other work */
#define WAIT_MS 60000  /* for what comes by itself */

static inline uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* What becomes true by itself. */
#define assert_soon(condition)                                                                     \
    do {                                                                                           \
        const uint64_t limit_ms = now_ms() + WAIT_MS;                                              \
        bool has_come = false;                                                                     \
                                                                                                   \
        while (!(has_come = (condition)) && now_ms() < limit_ms)                                   \
            sleep_ms(1);                                                                           \
        cr_assert(has_come, "not within %d ms", WAIT_MS);                                          \
    } while (0)

#endif
