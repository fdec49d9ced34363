/* A moment by two clocks: one that nobody sets, and one that goes on while a machine is paused. */
#ifndef RATLS_MOMENT_H
#define RATLS_MOMENT_H

#include <stdint.h>

struct ratls_moment {
    int64_t boot_ms; /* CLOCK_BOOTTIME */
    int64_t wall_ms; /* since 1970-01-01 UTC */
};

struct ratls_moment ratls_moment_now(void);

/* In milliseconds, by the clock that says more; UINT64_MAX if one of them went back since. */
uint64_t ratls_moment_age_ms(const struct ratls_moment *then);

#endif
