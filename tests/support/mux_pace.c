#include "mux_pace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define LINE_LEN 8
#define LINE_MAX_US 9999999
#define NS_PER_S 1000000000L

void mux_pace_init(struct mux_pace *pace)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    *pace = (struct mux_pace){.tally = -1};
}

struct timespec mux_pace_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

static long us_between(const struct timespec *from, const struct timespec *to)
{
    return (to->tv_sec - from->tv_sec) * 1000000 + (to->tv_nsec - from->tv_nsec) / 1000;
}

void mux_pace_begin(struct mux_pace *pace, const struct timespec *received)
{
    pace->begin = us_between(&pace->end, received) < 0 ? pace->end : *received;
}

void mux_pace_wait(const struct mux_pace *pace)
{
    struct timespec end = pace->begin;

    end.tv_sec += pace->delay_ms / 1000;
    end.tv_nsec += pace->delay_ms % 1000 * 1000000;
    if (end.tv_nsec >= NS_PER_S) {
        end.tv_nsec -= NS_PER_S;
        end.tv_sec++;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        ;
}

void mux_pace_end(struct mux_pace *pace, bool counts)
{
    long us;

    pace->end = mux_pace_now();
    if (!counts || pace->tally < 0)
        return;
    us = us_between(&pace->begin, &pace->end);
    if (dprintf(pace->tally, "%7ld\n", us > LINE_MAX_US ? LINE_MAX_US : us) != LINE_LEN) {
        perror("tally");
        exit(3);
    }
}
