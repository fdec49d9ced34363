/* The clock of leases: it also goes on while the machine sleeps, and nobody sets it. */
#ifndef RATLS_CONNECTION_CLOCK_H
#define RATLS_CONNECTION_CLOCK_H

#include <stdint.h>
#include <time.h>

#define RATLS_NEVER INT64_MAX
#define RATLS_MS_PER_S 1000

static inline int64_t ratls_clock_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * RATLS_MS_PER_S + now.tv_nsec / 1000000;
}

/* Some seconds later; never, if that is beyond what can be counted. From may be before the boot. */
static inline int64_t ratls_clock_later(int64_t from_ms, uint64_t seconds)
{
    const int64_t room_s = (RATLS_NEVER - (from_ms > 0 ? from_ms : 0)) / RATLS_MS_PER_S;

    return seconds >= (uint64_t)room_s ? RATLS_NEVER : from_ms + (int64_t)seconds * RATLS_MS_PER_S;
}

#endif
