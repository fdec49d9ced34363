/* A policy that accepts exactly what one piece of evidence says. */
#ifndef RATLS_TOOL_LEARNED_H
#define RATLS_TOOL_LEARNED_H

#include <ratls/verifier.h>

#include "bytes.h"

struct ratls_learning {
    const struct ratls_expectation *expectation; /* handshake mode; its server_name goes into it */
    struct ratls_slice evidence;
    const char *source;  /* where it came from, for a comment; printable ASCII */
    const char *service; /* NULL: what the evidence says */
};

/*
 * Writes the policy and appraises the evidence by it: RATLS_REJECTED, with *ret_report, if the
 * evidence does not even hold by itself. The caller frees *ret_text and *ret_report.
 */
RATLS_MUST_CHECK enum ratls_status ratls_learn(const struct ratls_learning *learning,
                                               char **ret_text, struct ratls_report **ret_report,
                                               struct ratls_error *err);

#endif
