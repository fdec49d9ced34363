/* The environment in which an unmodified program is a verifying client. */
#ifndef RATLS_TOOL_DROP_IN_H
#define RATLS_TOOL_DROP_IN_H

#include <ratls/error.h>

struct ratls_drop_in {
    const char *policy;
    const char *state; /* NULL: none */
    const char *module;
    const char *conf;
    const char *watch; /* where connections are announced; NULL: nowhere */
};

/* Sets it for this process and those that it starts: complete and tried, or an error. */
RATLS_MUST_CHECK enum ratls_status ratls_drop_in_prepare(const struct ratls_drop_in *drop_in,
                                                         struct ratls_error *err);

#endif
