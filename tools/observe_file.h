/* Observations in files: captures, evidence, logs of the firmware, IMA lists. */
#ifndef RATLS_TOOL_OBSERVE_FILE_H
#define RATLS_TOOL_OBSERVE_FILE_H

#include "observation.h"

/*
 * What the file is shows its content. The observation is read (ratls_observation_read()) by the
 * caller, who ends it in every case. RATLS_MALFORMED if it is none of these.
 */
RATLS_MUST_CHECK enum ratls_status ratls_observe_file(const char *path, struct ratls_observation *o,
                                                      struct ratls_error *err);

/* The same of what a file has; path is for messages. */
RATLS_MUST_CHECK enum ratls_status ratls_observe_bytes(const char *path, struct ratls_slice bytes,
                                                       struct ratls_observation *o,
                                                       struct ratls_error *err);

/* Whole logs in files (NULL: none), in place of what the observation has already. */
RATLS_MUST_CHECK enum ratls_status ratls_observe_logs(const char *boot_log, const char *ima_list,
                                                      struct ratls_observation *o,
                                                      struct ratls_error *err);

#endif
