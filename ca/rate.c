#include "rate.h"

#include <string.h>

#define MS_PER_S 1000
#define MINUTE_S 60
#define HOUR_S 3600

/*
 * A token is worth the period in milliseconds, so that a bucket of `count` tokens gains `count` in
 * each millisecond: no fractions are lost, however often one looks.
 */
static uint64_t token(unsigned period_s)
{
    return (uint64_t)period_s * MS_PER_S;
}

static uint64_t capacity(unsigned count, unsigned period_s)
{
    return count * token(period_s);
}

static void fill(struct ratls_bucket *bucket, unsigned count, unsigned period_s, int64_t now_ms)
{
    const uint64_t full = capacity(count, period_s);
    const int64_t passed_ms = now_ms - bucket->at_ms;

    if (passed_ms >= (int64_t)token(period_s))
        bucket->level = full;
    else if (passed_ms > 0)
        bucket->level += (uint64_t)passed_ms * count;
    if (bucket->level > full)
        bucket->level = full;
    bucket->at_ms = now_ms;
}

/* Whole seconds, at least one, until a bucket that gains `count` has as much. */
static unsigned wait_s(const struct ratls_bucket *bucket, unsigned count, uint64_t wanted)
{
    const uint64_t gain = (uint64_t)count * MS_PER_S;
    const uint64_t missing = wanted > bucket->level ? wanted - bucket->level : 1;

    return (unsigned)((missing + gain - 1) / gain);
}

void ratls_bucket_init(struct ratls_bucket *bucket, unsigned count, unsigned period_s,
                       int64_t now_ms)
{
    *bucket = (struct ratls_bucket){.level = capacity(count, period_s), .at_ms = now_ms};
}

unsigned ratls_bucket_take(struct ratls_bucket *bucket, unsigned count, unsigned period_s,
                           int64_t now_ms)
{
    fill(bucket, count, period_s, now_ms);
    if (bucket->level < token(period_s))
        return wait_s(bucket, count, token(period_s));
    bucket->level -= token(period_s);
    return 0;
}

void ratls_rate_init(struct ratls_rate *rate, unsigned per_minute, unsigned per_ek_hour,
                     int64_t now_ms)
{
    rate->per_minute = per_minute;
    rate->per_ek_hour = per_ek_hour;
    rate->count = 0;
    ratls_bucket_init(&rate->all, per_minute, MINUTE_S, now_ms);
}

void ratls_rate_change(struct ratls_rate *rate, unsigned per_minute, unsigned per_ek_hour,
                       int64_t now_ms)
{
    fill(&rate->all, rate->per_minute, MINUTE_S, now_ms);
    for (size_t i = 0; i < rate->count; i++)
        fill(&rate->keys[i].bucket, rate->per_ek_hour, HOUR_S, now_ms);
    rate->per_minute = per_minute;
    rate->per_ek_hour = per_ek_hour;
}

/*
 * The place for one more. A full bucket is as good as none. If none of so many is full, that of the
 * key which used the least is forgotten: that gives it the least.
 */
static struct ratls_rate_key *make_room(struct ratls_rate *rate, int64_t now_ms)
{
    struct ratls_rate_key *best = &rate->keys[0];

    if (rate->count < RATLS_RATE_KEYS_MAX)
        return &rate->keys[rate->count++];
    for (size_t i = 0; i < rate->count; i++) {
        fill(&rate->keys[i].bucket, rate->per_ek_hour, HOUR_S, now_ms);
        if (rate->keys[i].bucket.level > best->bucket.level)
            best = &rate->keys[i];
    }
    return best;
}

static struct ratls_rate_key *
enter(struct ratls_rate *rate, const uint8_t ek_sha256[static RATLS_RATE_KEY_LEN], int64_t now_ms)
{
    struct ratls_rate_key *key;

    for (size_t i = 0; i < rate->count; i++) {
        key = &rate->keys[i];
        if (memcmp(key->ek_sha256, ek_sha256, RATLS_RATE_KEY_LEN) == 0) {
            fill(&key->bucket, rate->per_ek_hour, HOUR_S, now_ms);
            return key;
        }
    }
    key = make_room(rate, now_ms);
    memcpy(key->ek_sha256, ek_sha256, RATLS_RATE_KEY_LEN);
    ratls_bucket_init(&key->bucket, rate->per_ek_hour, HOUR_S, now_ms);
    return key;
}

unsigned ratls_rate_take(struct ratls_rate *rate,
                         const uint8_t ek_sha256[static RATLS_RATE_KEY_LEN], bool is_known,
                         int64_t now_ms)
{
    const uint64_t half = capacity(rate->per_minute, MINUTE_S) / 2;
    struct ratls_rate_key *key;

    fill(&rate->all, rate->per_minute, MINUTE_S, now_ms);
    if (rate->all.level < token(MINUTE_S))
        return wait_s(&rate->all, rate->per_minute, token(MINUTE_S));
    key = is_known ? NULL : enter(rate, ek_sha256, now_ms);
    if (key != NULL && key->bucket.level < token(HOUR_S)) {
        if (rate->all.level < half)
            return wait_s(&rate->all, rate->per_minute, half);
        key = NULL;
    }
    rate->all.level -= token(MINUTE_S);
    if (key != NULL)
        key->bucket.level -= token(HOUR_S);
    return 0;
}
