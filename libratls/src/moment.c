#include "moment.h"

#include <time.h>

#define MS_PER_S 1000
#define NS_PER_MS 1000000

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

struct ratls_moment ratls_moment_now(void)
{
    return (struct ratls_moment){.boot_ms = read_ms(CLOCK_BOOTTIME),
                                 .wall_ms = read_ms(CLOCK_REALTIME)};
}

uint64_t ratls_moment_age_ms(const struct ratls_moment *then)
{
    const struct ratls_moment now = ratls_moment_now();
    const int64_t by_boot_ms = now.boot_ms - then->boot_ms;
    const int64_t by_wall_ms = now.wall_ms - then->wall_ms;

    if (by_boot_ms < 0 || by_wall_ms < 0)
        return UINT64_MAX;
    return (uint64_t)(by_boot_ms > by_wall_ms ? by_boot_ms : by_wall_ms);
}
