/* How much the service does, in all and for each endorsement key. */
#include <criterion/criterion.h>
#include <string.h>

#include "rate.h"

static struct ratls_rate rate;
static const uint8_t victim[RATLS_RATE_KEY_LEN] = {1}, other[RATLS_RATE_KEY_LEN] = {2};

/* How many of `wanted` are taken at once. */
static unsigned take_many(const uint8_t *key, bool is_known, unsigned wanted, int64_t now_ms)
{
    unsigned taken = 0;

    while (wanted-- > 0)
        taken += ratls_rate_take(&rate, key, is_known, now_ms) == 0;
    return taken;
}

Test(rate, in_all)
{
    ratls_rate_init(&rate, 60, 1000, 0);
    cr_expect_eq(take_many(victim, false, 100, 0), 60);
    cr_expect_eq(ratls_rate_take(&rate, victim, false, 0), 1);
    cr_expect_eq(ratls_rate_take(&rate, victim, false, 999), 1);
    cr_expect_eq(ratls_rate_take(&rate, victim, false, 1000), 0);
    cr_expect_eq(ratls_rate_take(&rate, victim, true, 1000), 1);
    cr_expect_eq(take_many(victim, false, 100, 3600000), 60, "no more than a minute brings");
}

/* However often one looks, the same comes in. */
Test(rate, no_fractions_lost)
{
    unsigned taken = 0;

    ratls_rate_init(&rate, 7, 1000, 0);
    for (int64_t ms = 0; ms < 600000; ms++)
        taken += ratls_rate_take(&rate, victim, false, ms) == 0;
    cr_expect_geq(taken, 7 + 69);
    cr_expect_leq(taken, 7 + 70);
}

/* What is above the half is for everyone; below it a key has what is its own. */
Test(rate, of_a_key)
{
    ratls_rate_init(&rate, 100, 10, 0);
    /* Ten of its own, and what is above the half: 100 to 51, and then one to 49. */
    cr_expect_eq(take_many(victim, false, 1000, 0), 51);
    cr_expect_eq(rate.all.level / 60000, 49);
    cr_expect_gt(ratls_rate_take(&rate, victim, false, 0), 0);
    cr_expect_eq(take_many(other, false, 10, 0), 10, "another one has its own");
    cr_expect_eq(ratls_rate_take(&rate, victim, true, 0), 0, "one with a token needs none");
}

/*
 * A stranger who uses up the bucket of a machine does not keep it out: as long as there is room,
 * and that comes back by itself.
 */
Test(rate, of_a_stranger)
{
    ratls_rate_init(&rate, 600, 20, 0);
    for (int64_t ms = 0; ms < 600000; ms += 1000)
        cr_expect_eq(take_many(victim, false, 5, ms), 5, "at %lld", (long long)ms);
    cr_expect_eq(ratls_rate_take(&rate, victim, false, 600000), 0);
    cr_expect_lt(rate.keys[0].bucket.level, (uint64_t)3600 * 1000 * 2, "its own is used up");
}

/* The wait is as long as it takes. */
Test(rate, wait)
{
    unsigned wait_s;

    ratls_rate_init(&rate, 60, 1, 0);
    (void)take_many(victim, false, 1000, 0);
    wait_s = ratls_rate_take(&rate, victim, false, 0);
    cr_expect_geq(wait_s, 1);
    cr_expect_eq(ratls_rate_take(&rate, victim, false, (int64_t)wait_s * 1000), 0);
}

/* More keys than there are places: the table stays as large as it is. */
Test(rate, many_keys)
{
    uint8_t key[RATLS_RATE_KEY_LEN] = {0};

    ratls_rate_init(&rate, 1000000, 2, 0);
    for (unsigned i = 0; i < 3 * RATLS_RATE_KEYS_MAX; i++) {
        memcpy(key, &i, sizeof i);
        cr_assert_eq(ratls_rate_take(&rate, key, false, 0), 0);
    }
    cr_expect_eq(rate.count, RATLS_RATE_KEYS_MAX);
}

Test(rate, changed)
{
    ratls_rate_init(&rate, 10, 1000, 0);
    (void)take_many(victim, false, 10, 0);
    ratls_rate_change(&rate, 100, 1000, 0);
    cr_expect_eq(take_many(other, false, 100, 0), 0, "what was used stays used");
    cr_expect_eq(take_many(other, false, 1000, 60000), 100);
    ratls_rate_change(&rate, 5, 1000, 120000);
    cr_expect_eq(take_many(other, false, 1000, 120000), 5, "no more than it holds now");
}

/* A clock that went back gives nothing, and takes nothing. */
Test(rate, back)
{
    struct ratls_bucket bucket;

    ratls_bucket_init(&bucket, 2, 60, 100000);
    cr_expect_eq(ratls_bucket_take(&bucket, 2, 60, 50000), 0);
    cr_expect_eq(ratls_bucket_take(&bucket, 2, 60, 40000), 0);
    cr_expect_eq(ratls_bucket_take(&bucket, 2, 60, 40000), 30);
}
