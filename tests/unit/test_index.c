/* What finds things by a key: in whatever order they come and go, and whoever chose the keys. */
#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

#include "crypto.h"
#include "index.h"
#include "ring.h"

#define PLACES 1024
#define CROWD 24
#define CROWD_MAX 4 /* at one place, of CROWD in PLACES: one of 2^24 salts has more */

struct thing {
    unsigned number;
    struct ratls_index_item item;
    uint8_t key[RATLS_INDEX_KEY_MAX];
};

static struct ratls_index_item *places[PLACES];
static struct ratls_index index_of_things;

static void set_key(struct thing *thing, unsigned number, size_t len)
{
    thing->number = number;
    memset(thing->key, 0x11, sizeof thing->key);
    memcpy(thing->key + len - (len < sizeof number ? len : sizeof number), &number,
           len < sizeof number ? len : sizeof number);
    thing->item.key = ratls_slice(thing->key, len);
}

static void add(struct thing *thing, unsigned number, size_t len)
{
    set_key(thing, number, len);
    ratls_index_add(&index_of_things, &thing->item);
}

/* As a Name: nobody chooses a digest, but anybody can try until some look alike. */
static void add_name(struct thing *thing, unsigned number)
{
    static const uint8_t alg[] = {0x00, 0x0b};

    thing->number = number;
    memcpy(thing->key, alg, sizeof alg);
    cr_assert_eq(ratls_sha256(ratls_slice(&number, sizeof number), thing->key + sizeof alg, NULL),
                 RATLS_OK);
    thing->item.key = ratls_slice(thing->key, sizeof alg + 32);
    ratls_index_add(&index_of_things, &thing->item);
}

static const struct thing *find(struct ratls_slice key)
{
    struct ratls_index_item *item = ratls_index_find(&index_of_things, key);

    return item == NULL ? NULL : RATLS_RING_MEMBER(item, struct thing, item);
}

static void begin(size_t place_count)
{
    memset(places, 0, sizeof places);
    cr_assert(ratls_index_init(&index_of_things, places, place_count));
}

Test(index, keys_of_every_length)
{
    static struct thing things[RATLS_INDEX_KEY_MAX];

    begin(64);
    for (unsigned i = 0; i < RATLS_INDEX_KEY_MAX; i++)
        add(&things[i], 1, i + 1);
    for (unsigned i = 0; i < RATLS_INDEX_KEY_MAX; i++) {
        cr_expect_eq(find(things[i].item.key), &things[i], "%u bytes", i + 1);
        for (unsigned k = 0; k <= i; k++) {
            uint8_t other[RATLS_INDEX_KEY_MAX];

            memcpy(other, things[i].key, sizeof other);
            other[k] ^= 0x80;
            cr_expect_null(find(ratls_slice(other, i + 1)), "byte %u of %u", k, i + 1);
        }
    }
}

Test(index, what_is_no_key)
{
    static const uint8_t zeros[RATLS_INDEX_KEY_MAX + 1];

    begin(PLACES);
    cr_expect_null(find(ratls_slice(NULL, 0)));
    cr_expect_null(find(ratls_slice(zeros, sizeof zeros)));
    cr_expect_null(find(ratls_slice(zeros, sizeof zeros - 1)), "nothing is there");
}

/* All at one place: the first, the last, and those in between leave. */
Test(index, things_come_and_go)
{
    static const unsigned leaving[] = {0, 15, 7, 8, 1, 14};
    static struct thing things[16];

    begin(1);
    for (unsigned i = 0; i < 16; i++)
        add(&things[i], i, 32);
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++) {
        ratls_index_remove(&index_of_things, &things[leaving[i]].item);
        things[leaving[i]].number = UINT_MAX;
        for (unsigned k = 0; k < 16; k++) {
            const struct thing *expected = things[k].number == UINT_MAX ? NULL : &things[k];

            cr_expect_eq(find(things[k].item.key), expected, "%u without %u", k, leaving[i]);
        }
    }
    add(&things[7], 7, 32);
    cr_expect_eq(find(things[7].item.key), &things[7]);
}

Test(index, of_two_with_one_key_the_last_counts)
{
    static struct thing things[2];

    begin(PLACES);
    add(&things[0], 5, 40);
    add(&things[1], 5, 40);
    cr_expect_eq(find(things[0].item.key), &things[1]);
    ratls_index_remove(&index_of_things, &things[1].item);
    cr_expect_eq(find(things[0].item.key), &things[0]);
    ratls_index_remove(&index_of_things, &things[0].item);
    cr_expect_null(find(things[0].item.key));
}

/* How many are found at the fullest place. */
static size_t longest(void)
{
    size_t most = 0;

    for (size_t i = 0; i < PLACES; i++) {
        size_t count = 0;

        for (const struct ratls_index_item *item = places[i]; item != NULL; item = item->next)
            count++;
        most = count > most ? count : most;
    }
    return most;
}

/* Keys that crowd one place of this index, as somebody finds them who knows its salt. */
static void find_crowd(unsigned numbers[static CROWD])
{
    struct thing thing;
    unsigned number = 0;

    begin(PLACES);
    for (size_t count = 0; count < CROWD; number++) {
        add_name(&thing, number);
        if (places[0] != NULL)
            numbers[count++] = number;
        ratls_index_remove(&index_of_things, &thing.item);
    }
}

static void place_crowd(const unsigned numbers[static CROWD], struct thing things[static CROWD])
{
    for (size_t i = 0; i < CROWD; i++)
        add_name(&things[i], numbers[i]);
}

Test(index, a_crowd_under_another_salt_is_none)
{
    static struct thing things[CROWD];
    unsigned numbers[CROWD];

    find_crowd(numbers);
    place_crowd(numbers, things);
    cr_assert_eq(longest(), CROWD, "is it a crowd at all?");
    for (int i = 0; i < 8; i++) {
        begin(PLACES);
        place_crowd(numbers, things);
        cr_expect_leq(longest(), CROWD_MAX, "salt %d", i);
    }
}

Test(index, many_are_spread)
{
    static struct thing things[PLACES];

    begin(PLACES);
    for (unsigned i = 0; i < PLACES; i++)
        add_name(&things[i], i);
    cr_expect_leq(longest(), 16);
    for (unsigned i = 0; i < PLACES; i++)
        cr_expect_eq(find(things[i].item.key), &things[i], "%u", i);
}
