#include "deadline.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000L
#define NS_PER_S (MS_PER_S * NS_PER_MS)

struct timespec ratls_time_after(const struct timespec *from, unsigned ms)
{
    struct timespec t = *from;

    t.tv_sec += (time_t)(ms / MS_PER_S);
    t.tv_nsec += (long)(ms % MS_PER_S) * NS_PER_MS;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec++;
    }
    return t;
}

struct timespec ratls_time_before(const struct timespec *from, unsigned ms)
{
    struct timespec t = *from;

    t.tv_sec -= (time_t)(ms / MS_PER_S);
    t.tv_nsec -= (long)(ms % MS_PER_S) * NS_PER_MS;
    if (t.tv_nsec < 0) {
        t.tv_nsec += NS_PER_S;
        t.tv_sec--;
    }
    return t;
}

struct timespec ratls_time_from_now(unsigned ms)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return ratls_time_after(&now, ms);
}

int64_t ratls_time_since_ms(const struct timespec *t)
{
    struct timespec now;
    int64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &now);
    ns = (int64_t)(now.tv_sec - t->tv_sec) * NS_PER_S + (now.tv_nsec - t->tv_nsec);
    return ns >= 0 ? ns / NS_PER_MS : -1;
}

bool ratls_time_is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

bool ratls_time_is_past(const struct timespec *t)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return !ratls_time_is_before(&now, t);
}

bool ratls_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    bool ok;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(cond, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ok;
}
