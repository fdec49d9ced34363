#include "question.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent.h"
#include "fail.h"
#include "session.h"

#define US_PER_S 1000000
#define US_PER_MS 1000
#define NS_PER_US 1000

int64_t ratls_agentd_now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / NS_PER_US;
}

int64_t ratls_agentd_now_ms(void)
{
    return ratls_agentd_now_us() / US_PER_MS;
}

/* By any thread. */
static void be_done(void *arg)
{
    struct ratls_agentd_question *question = arg;

    ratls_agentd_inbox_put(&question->agent->inbox, question);
}

static enum ratls_status begin_job(struct ratls_agentd_question *question,
                                   const struct ratls_agent_question *message,
                                   struct ratls_error *err)
{
    struct ratls_attester *attester = question->service->attester;

    if (message->kind == RATLS_AGENT_STATE)
        return ratls_state_begin(attester, &message->request.selection, be_done, question,
                                 &question->state, err);
    return attester->begin(attester, &message->request, be_done, question, &question->evidence,
                           err);
}

enum ratls_status ratls_agentd_question_begin(struct ratls_agentd_session *session,
                                              const struct ratls_agent_question *message,
                                              struct ratls_agentd_service *service,
                                              struct ratls_error *err)
{
    struct ratls_agentd_question *question = calloc(1, sizeof *question);
    enum ratls_status status;

    if (question == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    question->agent = session->agent;
    question->session = session;
    question->service = service;
    question->id = message->id;
    question->deadline_ms = message->deadline_ms;
    question->begun_us = ratls_agentd_now_us();
    status = begin_job(question, message, err);
    if (status != RATLS_OK) {
        free(question);
        return status;
    }
    LIST_INSERT_HEAD(ratls_agentd_session_ids(session, question->id), question, by_id);
    TAILQ_INSERT_TAIL(&question->agent->waiting, question, by_agent);
    question->agent->waiting_count++;
    session->caller->waiting++;
    return RATLS_OK;
}

/* By the next time that the agent looks. */
bool ratls_agentd_question_is_late(const struct ratls_agentd_question *question, int64_t now_ms)
{
    return now_ms + RATLS_AGENTD_TICK_MS >=
           question->begun_us / US_PER_MS + (int64_t)question->deadline_ms;
}

static enum ratls_status take_state(struct ratls_agentd_question *question, uint8_t **ret_payload,
                                    size_t *ret_len, struct ratls_error *err)
{
    struct ratls_state_job *job = question->state;
    uint8_t *payload = malloc(RATLS_AGENT_STATE_LEN);
    uint8_t digest[RATLS_MEASURED_LEN];
    enum ratls_status status;
    unsigned age_ms;

    if (payload == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    question->state = NULL;
    status = ratls_state_take(job, digest, &age_ms, err);
    if (status != RATLS_OK) {
        free(payload);
        return status;
    }
    ratls_agent_state_write(digest, age_ms, payload);
    *ret_payload = payload;
    *ret_len = RATLS_AGENT_STATE_LEN;
    return RATLS_OK;
}

enum ratls_status ratls_agentd_question_take(struct ratls_agentd_question *question,
                                             uint8_t **ret_payload, size_t *ret_len,
                                             struct ratls_error *err)
{
    struct ratls_attester *attester = question->service->attester;
    struct ratls_attest_job *job = question->evidence;
    enum ratls_status status;

    if (question->state != NULL)
        return take_state(question, ret_payload, ret_len, err);
    question->evidence = NULL;
    status = attester->take(attester, job, ret_payload, ret_len, err);
    if (status != RATLS_OK)
        return status;
    question->service->evidence++;
    ratls_agentd_metrics_evidence(&question->agent->metrics,
                                  (uint64_t)(ratls_agentd_now_us() - question->begun_us));
    return RATLS_OK;
}

/* Behind cancel nobody calls be_done() any more: then it may leave the inbox. */
void ratls_agentd_question_free(struct ratls_agentd_question *question)
{
    struct ratls_agentd *agent = question->agent;

    if (question->evidence != NULL)
        question->service->attester->cancel(question->service->attester, question->evidence);
    if (question->state != NULL)
        ratls_state_cancel(question->state);
    ratls_agentd_inbox_remove(&agent->inbox, question);
    if (question->is_ready)
        TAILQ_REMOVE(&question->session->ready, question, done);
    LIST_REMOVE(question, by_id);
    TAILQ_REMOVE(&agent->waiting, question, by_agent);
    agent->waiting_count--;
    question->session->caller->waiting--;
    free(question);
}
