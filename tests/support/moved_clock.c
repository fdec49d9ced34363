/* CLOCK_BOOTTIME, with what a test adds to it: connection_pair.h. The linker puts it in between. */
#include <stdatomic.h>
#include <time.h>

#include "connection_pair.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000L
#define NS_PER_S 1000000000L

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

static atomic_llong moved_ms;

void clock_move(int64_t ms)
{
    atomic_fetch_add(&moved_ms, ms);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    int result = __real_clock_gettime(clock, ret);
    long long ms = atomic_load(&moved_ms);

    if (clock != CLOCK_BOOTTIME || result != 0)
        return result;
    ret->tv_sec += ms / MS_PER_S;
    ret->tv_nsec += ms % MS_PER_S * NS_PER_MS;
    if (ret->tv_nsec >= NS_PER_S) {
        ret->tv_sec++;
        ret->tv_nsec -= NS_PER_S;
    }
    return 0;
}
