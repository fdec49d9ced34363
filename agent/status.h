/* `ratlsd --status`: asks an agent what it counts. */
#ifndef RATLS_AGENTD_STATUS_H
#define RATLS_AGENTD_STATUS_H

#include <stdbool.h>

#include <ratls/error.h>

/* Prints Prometheus' text, or one JSON object of the same names. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_status(const char *socket, bool as_json,
                                                       struct ratls_error *err);

#endif
