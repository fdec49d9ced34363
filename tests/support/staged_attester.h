/*
 * An attester before another one: it may fail, take its time until the test says that it is done
 * (attester.h: begin, take, cancel), and says whether its state is another (state).
 */
#ifndef RATLS_TEST_STAGED_ATTESTER_H
#define RATLS_TEST_STAGED_ATTESTER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <ratls/attester.h>

struct staged_attester {
    struct ratls_attester base;
    struct ratls_attester *behind; /* borrowed */
    bool fails;
    atomic_uint state;            /* what its state says: another number, another state */
    atomic_uint asked;            /* how often evidence was */
    struct ratls_attest_job *job; /* that goes on; NULL: none */
    atomic_uint begun;
    unsigned cancelled;
    struct ratls_state_job *looking; /* that somebody waits for; NULL: none */
    unsigned looks, cancelled_looks;
};

/* From now on the state, too, is told when staged_tell_state() is called, as it is then. */
void staged_tell_states_late(struct staged_attester *staged);
void staged_tell_state(struct staged_attester *staged);

/* is_slow: evidence is made when staged_finish() is called. Freed by staged_attester_free(). */
struct staged_attester *staged_attester_new(struct ratls_attester *behind, bool is_slow);
void staged_attester_free(struct staged_attester *staged);
void staged_finish(struct staged_attester *staged);

#endif
