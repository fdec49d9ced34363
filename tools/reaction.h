/* The command that reacts to a server that has fallen. */
#ifndef RATLS_TOOL_REACTION_H
#define RATLS_TOOL_REACTION_H

#include "vigil.h"

/*
 * Runs `sh -c command` and waits for its end, with RATLS_SERVER, RATLS_REASON, RATLS_CHECK and
 * RATLS_REPORT (a file with the report in JSON, which is gone afterwards; "" if there is none) in
 * its environment. A signal that asks this process to end is passed on to the command.
 */
RATLS_MUST_CHECK enum ratls_status ratls_react(const char *command, const char *server,
                                               const struct ratls_vigil_verdict *verdict,
                                               struct ratls_error *err);

#endif
