#include "agent_silence.h"

#include "deadline.h"
#include "fail.h"

/*
 * An agent that was only stopped finds the questions that wait in its socket, and answers them when
 * it goes on: that is noticed at once. Probes are for one that has lost them.
 */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 2000

void ratls_agent_silence_end(struct ratls_agent_silence *silence)
{
    silence->heard++;
    silence->is_silent = false;
}

bool ratls_agent_silence_begin(struct ratls_agent_silence *silence, uint64_t heard,
                               const struct timespec *since)
{
    if (silence->is_silent || silence->heard != heard)
        return false;
    silence->is_silent = true;
    silence->since = *since;
    silence->next_probe = ratls_time_from_now(0);
    silence->pause_ms = PAUSE_MIN_MS;
    return true;
}

enum ratls_status ratls_agent_silence_check(const struct ratls_agent_silence *silence,
                                            const char *path, struct ratls_error *err)
{
    const struct timespec *since = &silence->since;
    struct timespec now;
    long long passed_s;

    if (!silence->is_silent)
        return RATLS_OK;
    now = ratls_time_from_now(0);
    passed_s = now.tv_sec - since->tv_sec - (now.tv_nsec < since->tv_nsec);
    return ratls_fail(err, RATLS_IO,
                      "the agent at %s hangs: no answer for %lld s; nobody waits for it until it "
                      "answers again: see its log, or restart ratlsd",
                      path, passed_s);
}

bool ratls_agent_silence_take_probe(struct ratls_agent_silence *silence)
{
    if (!silence->is_silent || !ratls_time_is_past(&silence->next_probe))
        return false;
    silence->next_probe = ratls_time_from_now(silence->pause_ms);
    silence->pause_ms *= 2;
    if (silence->pause_ms > PAUSE_MAX_MS)
        silence->pause_ms = PAUSE_MAX_MS;
    return true;
}
