/* ratlsd: all that one process has, and its loop. */
#ifndef RATLS_AGENTD_AGENT_H
#define RATLS_AGENTD_AGENT_H

#include "inbox.h"
#include "metrics.h"
#include "session.h"

#define RATLS_AGENTD_TICK_MS 20 /* how precise deadlines are */

struct ratls_agentd {
    sd_event *event;
    const char *config_path;
    struct ratls_agentd_config *config; /* owned */
    struct ratls_agentd_services services;
    struct ratls_agentd_callers callers;
    struct ratls_agentd_metrics metrics;
    struct ratls_agentd_inbox inbox;
    struct ratls_agentd_question_list waiting; /* for an answer, of all sessions */
    size_t waiting_count;
    struct ratls_agentd_session_list sessions;
    size_t session_count;
    size_t stranger_count; /* sessions for which there is nothing */
    size_t blocked_count;  /* sessions with an answer that is not taken */
    size_t session_max;    /* as file descriptors allow */
    struct ratls_agentd_session_queue to_flush;
    int listener;
    sd_event_source *listener_source;
    bool is_listener_paused; /* until the next tick: there was no room for a connection */
    sd_event_source *tick;
    bool is_ticking;
    bool is_failing;      /* the TPM: that was logged, and not yet that it answers again */
    uint64_t done_before; /* what it had done by then */
    bool is_unwritten; /* the metrics: the file could not be written */
    bool is_stopping;
    int64_t stop_ms; /* by then it ends */
    uint8_t scratch[RATLS_AGENT_ANSWER_MAX];
};

/*
 * Serves until SIGTERM or SIGINT. The configuration, services.first and the listening socket are
 * the agent's then, and are freed with it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_run(struct ratls_agentd *agent,
                                                    struct ratls_error *err);

/* Makes what needs no system, and frees it: for the above, and for tests of sessions. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_init(struct ratls_agentd *agent,
                                                     struct ratls_error *err);
void ratls_agentd_clear(struct ratls_agentd *agent);

/* A connection of a caller, as one of its own does not end: disposal.h. */
void ratls_agentd_close(const struct ratls_agentd *agent, int fd);

/* There is something with a deadline: see to it that somebody looks. */
void ratls_agentd_wake(struct ratls_agentd *agent);
/* Sends the answers of questions that are done. */
void ratls_agentd_deliver(struct ratls_agentd *agent);

/*
 * What came of a question. Of the TPM the first failure is logged, and when it is over; of the
 * machine, such as want of memory, each. What is the caller's mistake is not.
 */
void ratls_agentd_note(struct ratls_agentd *agent, const struct ratls_error *outcome);

/* The metrics as they are now; the caller frees *ret_text. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_figures_text(const struct ratls_agentd *agent,
                                                             char **ret_text, size_t *ret_len,
                                                             struct ratls_error *err);

#endif
