/*
 * The PCR values that a firmware's log gives, in every bank of it at once: for people. Where the
 * library refuses to say a value (replay.h), this one says what the events, taken as they are,
 * would give.
 */
#ifndef RATLS_TOOL_EVENTLOG_REPLAY_H
#define RATLS_TOOL_EVENTLOG_REPLAY_H

#include "eventlog_file.h"
#include "pcr_values.h"

/*
 * Of a log that was just opened; it is walked to its end. Only PCRs that an event extends are
 * there. The caller frees with free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_log_replay(struct ratls_log_file *log,
                                                    struct ratls_pcr_values **ret_values,
                                                    struct ratls_error *err);

#endif
