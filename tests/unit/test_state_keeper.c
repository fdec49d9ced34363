/* Which states are at hand, and which are to be read when. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "request.h"
#include "state_keeper.h"

static const struct ratls_pcr_selection seven = {1, {{0x000b, 1u << 7}}};

static struct ratls_pcr_selection selection_of(unsigned pcr)
{
    return (struct ratls_pcr_selection){1, {{0x000b, 1u << pcr}}};
}

/* Read so long ago. */
static struct ratls_known_state state_of(const struct ratls_pcr_selection *selection,
                                         unsigned ago_ms, uint8_t value)
{
    const struct timespec now = ratls_time_from_now(0);
    struct ratls_known_state state = {.selection = *selection,
                                      .begun = ratls_time_before(&now, ago_ms)};

    memset(state.digest, value, sizeof state.digest);
    return state;
}

static void keep(struct ratls_state_keeper *keeper, const struct ratls_pcr_selection *selection,
                 unsigned ago_ms, uint8_t value)
{
    const struct ratls_known_state state = state_of(selection, ago_ms, value);

    ratls_states_keep(keeper, &state);
}

static const struct ratls_known_state *fresh(struct ratls_state_keeper *keeper,
                                             const struct ratls_pcr_selection *selection)
{
    return ratls_states_find_younger(keeper, selection, RATLS_STATE_FRESH_MS);
}

/* What is to be read now; NULL: nothing. */
static const struct ratls_pcr_selection *next(struct ratls_state_keeper *keeper)
{
    struct timespec later;
    bool has_later;

    return ratls_states_next(keeper, &has_later, &later);
}

Test(state_keeper, is_fresh_for_a_second)
{
    struct ratls_state_keeper keeper = {.uses = 0};

    cr_expect_null(fresh(&keeper, &seven));
    keep(&keeper, &seven, 900, 1);
    cr_assert_not_null(fresh(&keeper, &seven));
    cr_expect_eq(fresh(&keeper, &seven)->digest[0], 1);
    cr_expect_null(ratls_states_find_younger(&keeper, &seven, RATLS_STATE_YOUNG_MS));
    keeper.states[0].known.begun = ratls_time_before(&keeper.states[0].known.begun, 100);
    cr_expect_null(fresh(&keeper, &seven));
    cr_expect_not_null(ratls_states_find(&keeper, &seven), "to be compared with");
}

/* A reading that began earlier came later: it says nothing of now. */
Test(state_keeper, the_later_reading_counts)
{
    struct ratls_state_keeper keeper = {.uses = 0};

    keep(&keeper, &seven, 100, 2);
    keep(&keeper, &seven, 300, 1);
    cr_assert_eq(fresh(&keeper, &seven)->digest[0], 2);
    keep(&keeper, &seven, 50, 3);
    cr_assert_eq(fresh(&keeper, &seven)->digest[0], 3);
}

/* Nobody who was not asked for is read; and each that is wanted once at a time. */
Test(state_keeper, only_what_is_wanted_is_read)
{
    struct ratls_state_keeper keeper = {.uses = 0};
    struct timespec later;
    bool has_later = true;

    cr_expect_null(next(&keeper));
    keep(&keeper, &seven, 700, 1);
    cr_expect_null(next(&keeper), "nobody wants it");
    cr_expect(ratls_states_want(&keeper, &seven));
    cr_assert_not_null(next(&keeper));
    cr_expect_null(next(&keeper), "it is being read");
    cr_expect_not(ratls_states_want(&keeper, &seven));
    keep(&keeper, &seven, 0, 1);
    ratls_states_end(&keeper, &seven);
    cr_expect_null(ratls_states_next(&keeper, &has_later, &later));
    cr_expect(has_later);
    cr_expect_not(ratls_time_is_past(&later));
    later = ratls_time_before(&later, RATLS_STATE_YOUNG_MS);
    cr_expect(ratls_time_is_past(&later));
}

Test(state_keeper, is_wanted_for_a_while)
{
    struct ratls_state_keeper keeper = {.uses = 0};

    cr_expect(ratls_states_want(&keeper, &seven));
    keeper.states[0].wanted_until = ratls_time_from_now(0);
    cr_expect_null(next(&keeper));
    cr_expect(ratls_states_want(&keeper, &seven), "and again from now on");
    cr_expect_not_null(next(&keeper));
}

/* A reading of 600 ms has its next one after 2.4 s; however long it took, not after more than 5 s.
 */
Test(state_keeper, slow_readings_are_seldom)
{
    static const struct {
        unsigned took_ms, at_least_ms, at_most_ms;
    } rows[] = {{0, 400, 500}, {600, 1700, 1800}, {60000, 4900, 5000}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_state_keeper keeper = {.uses = 0};
        struct ratls_kept_state *kept = &keeper.states[0];
        struct timespec soonest, latest;

        ratls_states_want(&keeper, &seven);
        cr_assert_not_null(next(&keeper));
        kept->asked_at = ratls_time_before(&kept->asked_at, rows[i].took_ms);
        soonest = ratls_time_from_now(rows[i].at_least_ms);
        ratls_states_end(&keeper, &seven);
        latest = ratls_time_from_now(rows[i].at_most_ms);
        cr_expect_null(next(&keeper));
        cr_expect(ratls_time_is_before(&soonest, &kept->not_before), "%zu", i);
        cr_expect_not(ratls_time_is_before(&latest, &kept->not_before), "%zu", i);
    }
}

/* The one that was longest not used makes room. */
Test(state_keeper, has_few_places)
{
    struct ratls_state_keeper keeper = {.uses = 0};
    struct ratls_pcr_selection selection;

    for (unsigned i = 0; i < RATLS_STATES_MAX; i++) {
        selection = selection_of(i);
        keep(&keeper, &selection, 0, (uint8_t)i);
    }
    selection = selection_of(0);
    cr_assert_not_null(fresh(&keeper, &selection));
    keep(&keeper, &seven, 0, 9);
    cr_expect_not_null(fresh(&keeper, &selection), "it was just used");
    selection = selection_of(1);
    cr_expect_null(fresh(&keeper, &selection));
    cr_expect_not_null(fresh(&keeper, &seven));
}

/* Nor does what others ask for drive out what is wanted. */
Test(state_keeper, what_is_wanted_stays)
{
    struct ratls_state_keeper keeper = {.uses = 0};
    struct ratls_pcr_selection selection;

    keep(&keeper, &seven, 0, 9);
    ratls_states_want(&keeper, &seven);
    for (unsigned i = 10; i < 10 + 2 * RATLS_STATES_MAX; i++) {
        selection = selection_of(i);
        keep(&keeper, &selection, 0, 1);
        cr_assert_not_null(fresh(&keeper, &selection));
        if (i > 10 + RATLS_STATES_MAX)
            ratls_states_want(&keeper, &selection);
    }
    cr_expect_not_null(fresh(&keeper, &seven));
    selection = selection_of(1);
    keep(&keeper, &selection, 0, 1);
    cr_expect_null(fresh(&keeper, &selection), "there is no room");
    ratls_states_want(&keeper, &selection);
    keep(&keeper, &selection, 0, 1);
    cr_expect_not_null(fresh(&keeper, &selection), "but for one that is wanted");
}

/* What a quote shows has no counters: those of before stay if it is the same, and else none. */
Test(state_keeper, counters_are_of_the_same_state)
{
    struct ratls_state_keeper keeper = {.uses = 0};
    struct ratls_known_state counted = state_of(&seven, 100, 1);

    counted.is_counted = true;
    counted.update_counter = 5;
    ratls_states_keep(&keeper, &counted);
    keep(&keeper, &seven, 50, 1);
    cr_assert(ratls_states_find(&keeper, &seven)->is_counted);
    cr_expect_eq(ratls_states_find(&keeper, &seven)->update_counter, 5);
    keep(&keeper, &seven, 20, 2);
    cr_expect_not(ratls_states_find(&keeper, &seven)->is_counted);
    keep(&keeper, &seven, 10, 1);
    cr_expect_not(ratls_states_find(&keeper, &seven)->is_counted, "another one was in between");
}

/* Who wants many in turn has no more read than who wants a few. */
Test(state_keeper, a_new_one_waits_for_the_pause_of_its_place)
{
    struct ratls_state_keeper keeper = {.uses = 0};
    struct ratls_pcr_selection selection;

    for (unsigned i = 0; i < RATLS_STATES_MAX; i++) {
        selection = selection_of(i);
        cr_expect(ratls_states_want(&keeper, &selection));
        cr_assert_not_null(next(&keeper));
    }
    cr_expect_not(ratls_states_want(&keeper, &seven), "all are being read");
    cr_expect_null(next(&keeper));
    keep(&keeper, &seven, 0, 9);
    cr_expect_null(fresh(&keeper, &seven));
    for (unsigned i = 0; i < RATLS_STATES_MAX; i++) {
        selection = selection_of(i);
        ratls_states_end(&keeper, &selection);
    }
    cr_expect(ratls_states_want(&keeper, &seven));
    cr_expect_null(next(&keeper), "one was just read in its place");
    for (unsigned i = 0; i < RATLS_STATES_MAX; i++)
        keeper.states[i].not_before = ratls_time_from_now(0);
    cr_expect_eq(next(&keeper), &keeper.states[0].known.selection);
    cr_expect(ratls_selection_is(&seven, keeper.states[0].known.selection.banks, 1));
}
