/* What ratlsd counts, and says of it in Prometheus' text format (version 0.0.4). */
#ifndef RATLS_AGENTD_METRICS_H
#define RATLS_AGENTD_METRICS_H

#include <stdint.h>

#include "services.h"

enum ratls_agentd_refusal {
    RATLS_AGENTD_REFUSED_USER, /* no rule for it, or not for this service */
    RATLS_AGENTD_REFUSED_RATE,
    RATLS_AGENTD_REFUSED_QUEUE, /* too much waits, or too many connections are open */
    RATLS_AGENTD_REFUSED_DEADLINE,
    RATLS_AGENTD_REFUSED_MALFORMED,
    RATLS_AGENTD_REFUSALS,
};

#define RATLS_AGENTD_SECONDS_CLASSES 13

struct ratls_agentd_metrics {
    uint64_t refused[RATLS_AGENTD_REFUSALS];
    uint64_t seconds[RATLS_AGENTD_SECONDS_CLASSES]; /* of each class alone */
    uint64_t evidence;                              /* of all classes, and of what is slower */
    uint64_t evidence_us;
};

/* Evidence was given, so long after the question came. */
void ratls_agentd_metrics_evidence(struct ratls_agentd_metrics *metrics, uint64_t us);

/* All that the text is made of. */
struct ratls_agentd_figures {
    const struct ratls_agentd_metrics *metrics;
    const struct ratls_agentd_services *services;
    struct ratls_tpm_counts tpm;
    size_t waiting;
    size_t connections;
};

/* The caller frees *ret_text. It fits into the payload of an answer. */
RATLS_MUST_CHECK enum ratls_status
ratls_agentd_metrics_text(const struct ratls_agentd_figures *figures, char **ret_text,
                          size_t *ret_len, struct ratls_error *err);

/* Replaces a file by this text at once, so that nobody reads half of it. Anyone may read it. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_metrics_write(const char *path, const char *text,
                                                              size_t len, struct ratls_error *err);

#endif
