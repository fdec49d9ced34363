/* What the commands of a machine that enrols share: ratls ca request, answer and install. */
#ifndef RATLS_TOOL_ENROLL_COMMAND_H
#define RATLS_TOOL_ENROLL_COMMAND_H

#include "enrolment.h"
#include "local.h"
#include "options.h"
#include "paths.h"

/* Rows for the table of options, the first ones. */
#define RATLS_ENROLL_OPTIONS(enrolment)                                                            \
    {"state", RATLS_OPTION_TEXT, &(enrolment).state_dir, "DIR",                                    \
     "folder of 'ratls init' (default " RATLS_STATE_DEFAULT ")"},                                  \
    {                                                                                              \
        "tcti", RATLS_OPTION_TEXT, &(enrolment).tcti, "CONF",                                      \
            "the TPM (default: that of 'ratls init')"                                              \
    }

/* The name of a file with another ending; one that is not `old` stays. RATLS_USAGE: too long. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_file_name(const char *path, const char *old,
                                                          const char *ending,
                                                          char out[static RATLS_PATH_MAX],
                                                          struct ratls_error *err);

int ratls_cmd_ca_request(int argc, char **argv);
int ratls_cmd_ca_answer(int argc, char **argv);
int ratls_cmd_ca_install(int argc, char **argv);

#endif
