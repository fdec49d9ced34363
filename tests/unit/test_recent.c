/* What was used last: what stays, what has to go, and in which order. */
#include <criterion/criterion.h>
#include <string.h>

#include "recent.h"

#define MAX 8

struct thing {
    struct ratls_recent_item item;
    unsigned number;
};

static struct thing things[4 * MAX];
static struct ratls_index_item *places[MAX];
static struct ratls_recent recent;

static struct ratls_slice key_of(const unsigned *number)
{
    return ratls_slice(number, sizeof *number);
}

static bool is_there(unsigned number)
{
    struct ratls_recent_item *item = ratls_recent_find(&recent, key_of(&number));

    cr_expect(item == NULL || item == &things[number].item, "%u", number);
    return item != NULL;
}

/* Adds it; returns the number of the one that had to go, or -1. */
static int add(unsigned number)
{
    struct ratls_recent_item *leaving = ratls_recent_make_room(&recent);

    things[number].number = number;
    things[number].item.by_key.key = key_of(&things[number].number);
    ratls_recent_add(&recent, &things[number].item);
    return leaving == NULL ? -1 : (int)RATLS_RING_MEMBER(leaving, struct thing, item)->number;
}

static int take(void)
{
    struct ratls_recent_item *item = ratls_recent_take(&recent);

    return item == NULL ? -1 : (int)RATLS_RING_MEMBER(item, struct thing, item)->number;
}

/* With things 0 to MAX - 1. */
static void fill(void)
{
    memset(places, 0, sizeof places);
    cr_assert(ratls_recent_init(&recent, places, MAX));
    for (unsigned i = 0; i < MAX; i++)
        cr_assert_eq(add(i), -1, "there is room for %u", i);
}

TestSuite(recent, .init = fill);

Test(recent, the_one_that_was_not_used_for_longest_goes)
{
    cr_expect(is_there(0));
    cr_expect(is_there(2));
    cr_expect_eq(add(MAX), 1);
    cr_expect_not(is_there(1));
    cr_expect_eq(add(MAX + 1), 3);
    for (unsigned i = 4; i < MAX; i++)
        cr_expect_eq(add(MAX + i), (int)i);
    cr_expect_eq(add(MAX + 2), 0, "used after all of these");
    cr_expect_eq(add(MAX + 3), 2);
    cr_expect_eq(add(1), MAX, "and so on");
    cr_expect(is_there(1), "it may come again");
    cr_expect_eq(recent.count, MAX);
}

Test(recent, what_is_kept_stays_before_what_is_not)
{
    ratls_recent_keep(&recent, &things[0].item);
    ratls_recent_keep(&recent, &things[1].item);
    for (unsigned i = 2; i < MAX; i++)
        cr_expect_eq(add(MAX + i), (int)i);
    for (unsigned i = 2; i < MAX; i++)
        cr_expect_eq(add(2 * MAX + i), MAX + (int)i);
    cr_expect(is_there(0));
    cr_expect(is_there(1));
}

Test(recent, of_all_that_are_kept_the_eldest_goes)
{
    for (unsigned i = 0; i < MAX; i++)
        ratls_recent_keep(&recent, &things[i].item);
    cr_expect(is_there(0));
    cr_expect_eq(add(MAX), 1);
    cr_expect_eq(add(MAX + 1), MAX, "what is not kept, although it came last");
    ratls_recent_keep(&recent, &things[MAX + 1].item);
    cr_expect_eq(add(MAX + 2), 2);
}

Test(recent, kept_once_more_is_a_use)
{
    for (unsigned i = 0; i < MAX; i++)
        ratls_recent_keep(&recent, &things[i].item);
    ratls_recent_keep(&recent, &things[0].item);
    cr_expect_eq(take(), 1);
}

Test(recent, all_can_be_taken)
{
    ratls_recent_keep(&recent, &things[3].item);
    cr_expect(is_there(0));
    for (unsigned i = 1; i < MAX; i++)
        if (i != 3)
            cr_expect_eq(take(), (int)i);
    cr_expect_eq(take(), 0);
    cr_expect_eq(take(), 3);
    cr_expect_eq(take(), -1);
    cr_expect_eq(recent.count, 0);
    cr_expect_not(is_there(3));
    cr_expect_eq(add(3), -1);
    cr_expect_not(things[3].item.is_kept, "it begins anew");
}
