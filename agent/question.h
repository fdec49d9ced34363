/* A question that waits for the TPM, and then for its connection to take the answer. */
#ifndef RATLS_AGENTD_QUESTION_H
#define RATLS_AGENTD_QUESTION_H

#include <sys/queue.h>

#include "agent_message.h"
#include "attester_state.h"
#include "services.h"

struct ratls_agentd;
struct ratls_agentd_session;

struct ratls_agentd_question {
    struct ratls_agentd *agent;
    struct ratls_agentd_session *session;
    struct ratls_agentd_service *service;
    LIST_ENTRY(ratls_agentd_question) by_id;     /* of its session */
    TAILQ_ENTRY(ratls_agentd_question) by_agent; /* of all sessions, in the order they came */
    TAILQ_ENTRY(ratls_agentd_question) done;     /* in the inbox, then of its session */
    bool is_in_inbox;
    bool is_ready; /* its session has to send the answer */
    uint64_t id;
    unsigned deadline_ms;
    int64_t begun_us;
    struct ratls_attest_job *evidence; /* what is being made: one of the two */
    struct ratls_state_job *state;
};

LIST_HEAD(ratls_agentd_question_ids, ratls_agentd_question);
TAILQ_HEAD(ratls_agentd_question_list, ratls_agentd_question);

/* By CLOCK_MONOTONIC. */
int64_t ratls_agentd_now_us(void);
int64_t ratls_agentd_now_ms(void);

/*
 * Begins what was asked for; when it is done, the question comes to the agent's inbox. The session
 * owns it. What is allowed was looked at before.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_agentd_question_begin(struct ratls_agentd_session *session,
                            const struct ratls_agent_question *message,
                            struct ratls_agentd_service *service, struct ratls_error *err);
/* Whether its answer comes too late now. */
bool ratls_agentd_question_is_late(const struct ratls_agentd_question *question, int64_t now_ms);
/* Once it came out of the inbox. The caller frees *ret_payload with free(). */
RATLS_MUST_CHECK enum ratls_status
ratls_agentd_question_take(struct ratls_agentd_question *question, uint8_t **ret_payload,
                           size_t *ret_len, struct ratls_error *err);
/* At any time; it is forgotten everywhere. */
void ratls_agentd_question_free(struct ratls_agentd_question *question);

#endif
