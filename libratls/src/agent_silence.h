/*
 * Whether an agent hangs: a question came to its deadline, and meanwhile nothing came from the
 * agent, neither for this question nor for another. From then on nobody waits for it any more: who
 * asks is told so at once, and the thread of the link asks in his place, one question at a time,
 * until something comes. The lock of the link guards it.
 */
#ifndef RATLS_AGENT_SILENCE_H
#define RATLS_AGENT_SILENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <ratls/error.h>

/* Begins as zeros. */
struct ratls_agent_silence {
    uint64_t heard; /* how often something came */
    bool is_silent;
    struct timespec since;      /* when was asked what had no answer, by CLOCK_MONOTONIC */
    struct timespec next_probe; /* when it is asked again */
    unsigned pause_ms;          /* between the probes behind that one */
};

/* Something came; or it is another agent now. */
void ratls_agent_silence_end(struct ratls_agent_silence *silence);
/*
 * A question came to its deadline. since: when it was asked; heard: as it was then. Returns whether
 * the agent is silent from now on, and was not before.
 */
bool ratls_agent_silence_begin(struct ratls_agent_silence *silence, uint64_t heard,
                               const struct timespec *since);
/* RATLS_IO, with the time that it has been so, while the agent at this path is silent. */
RATLS_MUST_CHECK enum ratls_status
ratls_agent_silence_check(const struct ratls_agent_silence *silence, const char *path,
                          struct ratls_error *err);
/* Whether a probe is to be sent now. If so, the next one is due later. */
bool ratls_agent_silence_take_probe(struct ratls_agent_silence *silence);

#endif
