/* A policy is brought up to date with a machine; what is added is shown. */
#ifndef RATLS_TOOL_UPDATE_H
#define RATLS_TOOL_UPDATE_H

#include "observe.h"

struct ratls_update {
    struct ratls_observe_options from;
    const char *policy_path;
    bool adds_key; /* of a machine that the policy does not trust yet */
    bool is_dry;   /* nothing is written */
};

/*
 * RATLS_REJECTED if the machine would be refused all the same, or shows what is no update; nothing
 * is written then.
 */
RATLS_MUST_CHECK enum ratls_status ratls_update(const struct ratls_update *update,
                                                struct ratls_error *err);

#endif
