/* How often a peer may make this side do what costs it much: so many times in a second. */
#ifndef RATLS_QUOTA_H
#define RATLS_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define RATLS_CHALLENGES_PER_S 10 /* each costs the TPM a signature: WIRE.md, 6 */

/* Begins as zeros. */
struct ratls_quota {
    int64_t second_ms; /* counted from here, for a second */
    unsigned count;
};

/* Once more, at this time of a clock that is not set. False: that is too often. */
static inline bool ratls_quota_take(struct ratls_quota *quota, int64_t now_ms)
{
    const int64_t ms_per_s = 1000;

    if (now_ms - quota->second_ms >= ms_per_s)
        *quota = (struct ratls_quota){.second_ms = now_ms};
    return ++quota->count <= RATLS_CHALLENGES_PER_S;
}

#endif
