/* Observations of machines that are there: a server, and this one. */
#ifndef RATLS_TOOL_OBSERVE_MACHINE_H
#define RATLS_TOOL_OBSERVE_MACHINE_H

#include "local.h"
#include "observation.h"
#include "session.h"

/* What is asked of a machine that nobody knows yet: whatever a log may explain. */
#define RATLS_OBSERVE_PCRS "0-14"

/*
 * Shakes hands, and fetches what there is of the IMA list beyond the evidence. The options say what
 * is collected; the observation is not read yet, and the caller ends it in every case.
 */
RATLS_MUST_CHECK enum ratls_status ratls_observe_server(const struct ratls_session_options *options,
                                                        struct ratls_observation *o,
                                                        struct ratls_error *err);

/*
 * Evidence of this machine's TPM, about a session that nobody else has part in, and the whole logs
 * of its kernel, as far as this process may read them.
 */
RATLS_MUST_CHECK enum ratls_status ratls_observe_local(const struct ratls_tpm_options *tpm,
                                                       const char *server_name,
                                                       const struct ratls_pcr_selection *selection,
                                                       const struct ratls_log_request *logs,
                                                       struct ratls_observation *o,
                                                       struct ratls_error *err);

#endif
