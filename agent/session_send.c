#include "session_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent.h"
#include "fail.h"

#define TELLING_MS 500 /* a shorter deadline says more of who asked than of the TPM */
#define STUCK_MS RATLS_AGENT_DEADLINE_MAX_MS /* by then no answer is worth anything any more */

/* Listens to one who takes answers, and else waits until it does. */
static void listen_or_wait(const struct ratls_agentd_session *session)
{
    if (session->source != NULL)
        sd_event_source_set_io_events(session->source,
                                      session->unsent == NULL ? EPOLLIN : EPOLLOUT);
}

static bool keep_unsent(struct ratls_agentd_session *session, struct ratls_slice message)
{
    session->unsent = malloc(message.len);
    if (session->unsent == NULL)
        return false;
    memcpy(session->unsent, message.p, message.len);
    session->unsent_len = message.len;
    session->blocked_ms = ratls_agentd_now_ms();
    session->agent->blocked_count++;
    listen_or_wait(session);
    ratls_agentd_wake(session->agent);
    return true;
}

/* False: the connection is over. A packet is sent whole or not at all. */
static bool try_send(const struct ratls_agentd_session *session, struct ratls_slice message,
                     bool *ret_sent)
{
    ssize_t n;

    do
        n = send(session->fd, message.p, message.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    *ret_sent = n >= 0;
    return n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
}

bool ratls_agentd_session_send(struct ratls_agentd_session *session,
                               const struct ratls_agent_answer *answer)
{
    struct ratls_writer w = ratls_writer(session->agent->scratch, sizeof session->agent->scratch);
    struct ratls_slice message;
    bool sent = false;

    ratls_agent_answer_write(answer, &w);
    message = ratls_writer_slice(&w);
    if (w.failed || !try_send(session, message, &sent))
        return false;
    return sent || keep_unsent(session, message);
}

bool ratls_agentd_session_refuse(struct ratls_agentd_session *session, uint64_t id,
                                 const struct ratls_error *error)
{
    const char *text = error->text[0] == '\0' ? ratls_status_name(error->status) : error->text;
    const struct ratls_agent_answer answer = {
        .id = id,
        .status = error->status == RATLS_OK ? RATLS_MEMORY : error->status,
        .text = ratls_slice(text, strlen(text)),
    };

    return ratls_agentd_session_send(session, &answer);
}

static bool send_unsent(struct ratls_agentd_session *session)
{
    bool sent = false;

    if (session->unsent == NULL)
        return true;
    if (!try_send(session, ratls_slice(session->unsent, session->unsent_len), &sent))
        return false;
    if (!sent)
        return true;
    free(session->unsent);
    session->unsent = NULL;
    session->agent->blocked_count--;
    listen_or_wait(session);
    return true;
}

/* The evidence is made only now: of what waits for a slow reader there is no copy. */
static bool answer_question(struct ratls_agentd_session *session,
                            struct ratls_agentd_question *question)
{
    struct ratls_error error = {.status = RATLS_OK};
    struct ratls_agent_answer answer = {.id = question->id};
    uint8_t *payload = NULL;
    size_t len = 0;
    bool goes_on;

    error.status = ratls_agentd_question_take(question, &payload, &len, &error);
    ratls_agentd_question_free(question);
    ratls_agentd_note(session->agent, &error);
    if (error.status != RATLS_OK)
        return ratls_agentd_session_refuse(session, answer.id, &error);
    answer.payload = ratls_slice(payload, len);
    goes_on = ratls_agentd_session_send(session, &answer);
    free(payload);
    return goes_on;
}

bool ratls_agentd_session_flush(struct ratls_agentd_session *session)
{
    struct ratls_agentd_question *question;

    if (!send_unsent(session))
        return false;
    while (session->unsent == NULL && (question = TAILQ_FIRST(&session->ready)) != NULL)
        if (!answer_question(session, question))
            return false;
    return true;
}

bool ratls_agentd_session_be_late(struct ratls_agentd_session *session,
                                  struct ratls_agentd_question *question)
{
    const uint64_t id = question->id;
    const unsigned deadline_ms = question->deadline_ms;
    const bool is_of_caller = question->is_ready; /* who did not take what was there */
    struct ratls_error error = {.status = RATLS_OK};

    session->agent->metrics.refused[RATLS_AGENTD_REFUSED_DEADLINE]++;
    ratls_agentd_question_free(question);
    ratls_fail(
        &error, RATLS_TPM,
        "no answer of the TPM within %u ms: it hangs, or is too busy; `ratlsd --status` says "
        "how many questions wait",
        deadline_ms);
    if (deadline_ms >= TELLING_MS && !is_of_caller)
        ratls_agentd_note(session->agent, &error);
    if (session->unsent != NULL)
        return false; /* it would not take this answer in time either */
    return ratls_agentd_session_refuse(session, id, &error);
}

bool ratls_agentd_session_is_stuck(const struct ratls_agentd_session *session, int64_t now_ms)
{
    return session->unsent != NULL && now_ms - session->blocked_ms > STUCK_MS;
}
