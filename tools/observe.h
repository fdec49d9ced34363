/* Where a command of `ratls policy` learns: a server, this machine, or files. */
#ifndef RATLS_TOOL_OBSERVE_H
#define RATLS_TOOL_OBSERVE_H

#include "observe_machine.h"
#include "options.h"

struct ratls_observe_options {
    struct ratls_session_options session; /* its server is NULL unless that is what was named */
    struct ratls_tpm_options tpm;
    bool is_local;
    const char *capture;  /* NULL: none */
    const char *boot_log; /* NULL: none; beside another source they are in place of its logs */
    const char *ima_list;
};

/* Takes the operands of a command, from the first that is left. RATLS_EXIT_OK, or wrong usage. */
int ratls_observe_operands(struct ratls_observe_options *options, int count, char **operands);

/* Only logs in files: nobody vouches for them. */
bool ratls_observe_is_raw(const struct ratls_observe_options *options);

/*
 * selection and logs say what to ask a machine for; what lies in a file is as it is. Read strictly;
 * the caller ends the observation in every case.
 */
RATLS_MUST_CHECK enum ratls_status ratls_observe(const struct ratls_observe_options *options,
                                                 const struct ratls_pcr_selection *selection,
                                                 const struct ratls_log_request *logs,
                                                 struct ratls_observation *o,
                                                 struct ratls_error *err);

/* The logs that rules judge. */
struct ratls_log_request ratls_observe_logs_of(const struct ratls_rules *rules);

#endif
