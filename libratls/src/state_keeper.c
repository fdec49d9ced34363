#include "state_keeper.h"

#include <string.h>

#include "request.h"

#define LINGER_MS 10000
/* So the readings of one take a quarter of a slow TPM's time at most. */
#define PAUSE_FACTOR 4
#define PAUSE_MAX_MS 5000

static struct ratls_kept_state *find(struct ratls_state_keeper *keeper,
                                     const struct ratls_pcr_selection *selection)
{
    for (size_t i = 0; i < RATLS_STATES_MAX; i++) {
        const struct ratls_pcr_selection *known = &keeper->states[i].known.selection;

        if (ratls_selection_is(selection, known->banks, known->count))
            return &keeper->states[i];
    }
    return NULL;
}

static bool is_wanted(const struct ratls_kept_state *kept)
{
    return kept->known.selection.count != 0 && !ratls_time_is_past(&kept->wanted_until);
}

static bool goes_before(const struct ratls_kept_state *a, const struct ratls_kept_state *b)
{
    return is_wanted(a) == is_wanted(b) ? a->used < b->used : is_wanted(b);
}

/*
 * Which makes room first: one that nobody wants; of these, the one that was longest not used. Never
 * one that is being read: whoever comes in its place would have another reading begin at once.
 */
static struct ratls_kept_state *find_least(struct ratls_state_keeper *keeper)
{
    struct ratls_kept_state *least = NULL;

    for (size_t i = 0; i < RATLS_STATES_MAX; i++) {
        struct ratls_kept_state *kept = &keeper->states[i];

        if (!kept->is_asked && (least == NULL || goes_before(kept, least)))
            least = kept;
    }
    return least;
}

/* The pause stays with the place: clients choose selections, and could else have any number read.
 */
static void empty(struct ratls_kept_state *place)
{
    *place = (struct ratls_kept_state){.not_before = place->not_before};
}

static void use(struct ratls_state_keeper *keeper, struct ratls_kept_state *kept)
{
    kept->used = ++keeper->uses;
}

const struct ratls_known_state *ratls_states_find(struct ratls_state_keeper *keeper,
                                                  const struct ratls_pcr_selection *selection)
{
    const struct ratls_kept_state *kept = find(keeper, selection);

    return kept != NULL && kept->is_known ? &kept->known : NULL;
}

const struct ratls_known_state *
ratls_states_find_younger(struct ratls_state_keeper *keeper,
                          const struct ratls_pcr_selection *selection, unsigned ms)
{
    struct ratls_kept_state *kept = find(keeper, selection);

    if (kept == NULL || !kept->is_known || ratls_time_since_ms(&kept->known.begun) >= (int64_t)ms)
        return NULL;
    use(keeper, kept);
    return &kept->known;
}

/* When it is to be read again. */
static struct timespec find_turn(const struct ratls_kept_state *kept)
{
    struct timespec old = ratls_time_after(&kept->known.begun, RATLS_STATE_YOUNG_MS);

    return kept->is_known && ratls_time_is_before(&kept->not_before, &old) ? old : kept->not_before;
}

bool ratls_states_want(struct ratls_state_keeper *keeper,
                       const struct ratls_pcr_selection *selection)
{
    struct ratls_kept_state *kept = find(keeper, selection);
    struct timespec turn;
    bool was_wanted;

    if (kept == NULL) {
        kept = find_least(keeper);
        if (kept == NULL)
            return false;
        empty(kept);
        kept->known.selection = *selection;
    }
    use(keeper, kept);
    turn = find_turn(kept);
    was_wanted = is_wanted(kept);
    kept->wanted_until = ratls_time_from_now(LINGER_MS);
    return !kept->is_asked && (!was_wanted || ratls_time_is_past(&turn));
}

const struct ratls_pcr_selection *ratls_states_next(struct ratls_state_keeper *keeper,
                                                    bool *ret_has_later, struct timespec *ret_later)
{
    *ret_has_later = false;
    for (size_t i = 0; i < RATLS_STATES_MAX; i++) {
        struct ratls_kept_state *kept = &keeper->states[i];
        struct timespec turn = find_turn(kept);

        if (!is_wanted(kept) || kept->is_asked)
            continue;
        if (ratls_time_is_past(&turn)) {
            kept->is_asked = true;
            kept->asked_at = ratls_time_from_now(0);
            return &kept->known.selection;
        }
        if (!*ret_has_later || ratls_time_is_before(&turn, ret_later))
            *ret_later = turn;
        *ret_has_later = true;
    }
    return NULL;
}

/*
 * A quote shows the state, too, but not the counters, by which a reading sees that nothing has
 * changed. Those of before stay good with the same state: they say more changes than there were.
 */
static void keep_counters(const struct ratls_known_state *before, struct ratls_known_state *now)
{
    if (now->is_counted || !before->is_counted ||
        memcmp(now->digest, before->digest, sizeof now->digest) != 0)
        return;
    now->is_counted = true;
    now->update_counter = before->update_counter;
    now->reset_count = before->reset_count;
    now->restart_count = before->restart_count;
}

/* Clients choose what is quoted: that must not drive out what others resume with. */
void ratls_states_keep(struct ratls_state_keeper *keeper, const struct ratls_known_state *state)
{
    struct ratls_kept_state *place = find(keeper, &state->selection);
    struct ratls_known_state now = *state;

    if (place == NULL) {
        place = find_least(keeper);
        if (place == NULL || is_wanted(place))
            return;
        empty(place);
    }
    if (place->is_known && ratls_time_is_before(&now.begun, &place->known.begun))
        return;
    if (place->is_known)
        keep_counters(&place->known, &now);
    use(keeper, place);
    place->known = now;
    place->is_known = true;
}

void ratls_states_end(struct ratls_state_keeper *keeper,
                      const struct ratls_pcr_selection *selection)
{
    struct ratls_kept_state *kept = find(keeper, selection);
    int64_t took_ms, pause_ms;

    if (kept == NULL || !kept->is_asked)
        return;
    kept->is_asked = false;
    took_ms = ratls_time_since_ms(&kept->asked_at);
    pause_ms = took_ms * PAUSE_FACTOR;
    if (pause_ms < RATLS_STATE_YOUNG_MS)
        pause_ms = RATLS_STATE_YOUNG_MS;
    pause_ms -= took_ms;
    kept->not_before =
        ratls_time_from_now(pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : (unsigned)pause_ms);
}
