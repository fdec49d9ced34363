/*
 * Measured states (measured.h) at hand for who must not wait for them: each is fresh for a second
 * from when its reading began, and while it is wanted it is read again ahead of need. Whoever has
 * the keeper reads, in a thread of his own; his lock guards it. Zeros are an empty one.
 */
#ifndef RATLS_STATE_KEEPER_H
#define RATLS_STATE_KEEPER_H

#include <ratls/attester.h>

#include "deadline.h"
#include "measured.h"

#define RATLS_STATE_FRESH_MS 1000 /* attester.h */
#define RATLS_STATE_YOUNG_MS (RATLS_STATE_FRESH_MS / 2)
/* Clients of one server seldom ask for more than two; each may cost two readings in a second. */
#define RATLS_STATES_MAX 4

/* A measured state that was read. */
struct ratls_known_state {
    struct ratls_pcr_selection selection; /* count 0: none */
    struct timespec begun;                /* the reading, and so the age of what it read */
    uint8_t digest[RATLS_MEASURED_LEN];
    bool is_counted;         /* what follows is known, too: */
    uint32_t update_counter; /* of the PCRs, no later than they were read */
    uint32_t reset_count;
    uint32_t restart_count;
};

struct ratls_kept_state {
    struct ratls_known_state known; /* its selection is set before it was read */
    bool is_known;
    uint64_t used; /* the higher, the later */
    struct timespec wanted_until;
    struct timespec not_before; /* of the next reading, whatever of */
    struct timespec asked_at;
    bool is_asked; /* it is being read ahead of need */
};

struct ratls_state_keeper {
    struct ratls_kept_state states[RATLS_STATES_MAX];
    uint64_t uses;
};

/* A state that is known, whatever its age; NULL: none. */
const struct ratls_known_state *ratls_states_find(struct ratls_state_keeper *keeper,
                                                  const struct ratls_pcr_selection *selection);
/* The same if it is younger than that. */
const struct ratls_known_state *
ratls_states_find_younger(struct ratls_state_keeper *keeper,
                          const struct ratls_pcr_selection *selection, unsigned ms);

/*
 * It is wanted: it is read again when it is no longer young, from now on for ten seconds; but not
 * if there is no place for it. True: who waits for ratls_states_next() must look again.
 */
bool ratls_states_want(struct ratls_state_keeper *keeper,
                       const struct ratls_pcr_selection *selection);

/*
 * A selection that is to be read now, which is taken for begun then; NULL: none. If one is to be
 * read later, *ret_has_later, and *ret_later says when.
 */
const struct ratls_pcr_selection *ratls_states_next(struct ratls_state_keeper *keeper,
                                                    bool *ret_has_later,
                                                    struct timespec *ret_later);

/* A reading has come, also one that the keeper did not ask for: in the place of what was known of
 * these PCRs, else of what nobody wants and was longest not used. */
void ratls_states_keep(struct ratls_state_keeper *keeper, const struct ratls_known_state *state);
/* The reading that ratls_states_next() asked for is over, whatever came of it. */
void ratls_states_end(struct ratls_state_keeper *keeper,
                      const struct ratls_pcr_selection *selection);

#endif
