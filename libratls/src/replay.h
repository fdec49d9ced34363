/*
 * The PCR values that a firmware's log gives in one bank (TCG PC Client Platform Firmware Profile
 * Specification, "PFP"). What the log says is only worth something if these are the quoted values.
 */
#ifndef RATLS_REPLAY_H
#define RATLS_REPLAY_H

#include <ratls/attester.h>

#include "crypto_hasher.h"
#include "eventlog.h"

struct ratls_replay_pcr {
    uint8_t value[RATLS_DIGEST_MAX];
    size_t events;   /* extended into it */
    size_t unlisted; /* that have no digest in this bank; not 0 only for RATLS_EVENTLOG_SHOW */
};

/* The first thing that is wrong stays in why, and nothing is extended after it. */
struct ratls_replay {
    struct ratls_hasher hasher;
    uint16_t bank;
    bool is_weak; /* SHA-1: for people to look at, never for a verdict */
    bool has_locality;
    uint8_t locality; /* of the first TPM2_Startup, if has_locality */
    bool has_hcrtm;
    struct ratls_replay_pcr pcrs[RATLS_PCR_COUNT];
    char why[RATLS_EVENTLOG_WHY_MAX]; /* the empty string: nothing is wrong */
};

/*
 * Sets the PCRs to their values after a reset. Whatever is returned, end it with
 * ratls_replay_end(). RATLS_MALFORMED: no bank that can be computed.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_replay_begin(uint16_t bank, struct ratls_replay *ret_replay, struct ratls_error *err);
/* What an event of the log does to the PCRs: a status for us, replay->why for the log. */
RATLS_MUST_CHECK enum ratls_status ratls_replay_event(struct ratls_replay *replay,
                                                      const struct ratls_eventlog *log,
                                                      const struct ratls_event *event,
                                                      struct ratls_error *err);
void ratls_replay_end(struct ratls_replay *replay);

/*
 * Begins, walks a log that was just opened up to its end, and ends. ret_replay->why also has what
 * was wrong with the log itself.
 */
RATLS_MUST_CHECK enum ratls_status ratls_replay_log(struct ratls_eventlog *log, uint16_t bank,
                                                    struct ratls_replay *ret_replay,
                                                    struct ratls_error *err);
#endif
