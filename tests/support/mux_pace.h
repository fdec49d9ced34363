/* The time that tpm_mux takes for a command, as a chip would: to the microsecond, and on record. */
#ifndef RATLS_TEST_MUX_PACE_H
#define RATLS_TEST_MUX_PACE_H

#include <stdbool.h>
#include <time.h>

struct mux_pace {
    long delay_ms;         /* that a slow command takes, all in all */
    int tally;             /* a file with a line for each of them; -1: none */
    struct timespec begin; /* of the command that the chip is at */
    struct timespec end;   /* of the last one */
};

/* Sleeping ends when it should, not up to 50 microseconds later, as prctl(2) has it. */
void mux_pace_init(struct mux_pace *pace);
struct timespec mux_pace_now(void);

/* The chip takes a command that it has had since then; but it does one after the other. */
void mux_pace_begin(struct mux_pace *pace, const struct timespec *received);
/* Until delay_ms after the begin, however long the command itself has taken. */
void mux_pace_wait(const struct mux_pace *pace);
/*
 * The answer is there, and about to be written. counts: it gets a line, the microseconds since the
 * begin. All lines are eight bytes long.
 */
void mux_pace_end(struct mux_pace *pace, bool counts);

#endif
