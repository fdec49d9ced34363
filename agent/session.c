#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "disposal.h"
#include "fail.h"
#include "log.h"
#include "session_send.h"

#define MESSAGES_AT_ONCE 32 /* then the others have their turn */

/* ---- its life ---- */

struct ratls_agentd_question_ids *ratls_agentd_session_ids(struct ratls_agentd_session *session,
                                                           uint64_t id)
{
    return &session->ids[id % RATLS_AGENTD_IDS];
}

static struct ratls_agentd_question *find_question(struct ratls_agentd_session *session,
                                                   uint64_t id)
{
    struct ratls_agentd_question *question;

    LIST_FOREACH(question, ratls_agentd_session_ids(session, id), by_id)
    {
        if (question->id == id)
            return question;
    }
    return NULL;
}

static void complain_of_files(const struct ratls_agentd_session *session)
{
    session->agent->metrics.refused[RATLS_AGENTD_REFUSED_MALFORMED]++;
    ratls_log(LOG_WARNING, "ended a connection of user %u: it passed a file",
              (unsigned)session->peer.uid);
}

/* Returns the length of a message, 0 if there is none now, -1 if the connection is over. */
static ssize_t receive(const struct ratls_agentd_session *session, uint8_t *out, size_t cap)
{
    ssize_t n;

    do
        n = session->takes_files ? ratls_agentd_receive_no_files(session->fd, out, cap)
                                 : recv(session->fd, out, cap, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n < 0 && session->takes_files && errno == EPERM)
        complain_of_files(session);
    return n <= 0 ? -1 : n; /* an empty message cannot be told from the end, and is none */
}

static bool read_messages(struct ratls_agentd_session *session)
{
    uint8_t message[RATLS_AGENT_QUESTION_MAX + 1]; /* one byte more tells that it is too long */

    for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
        ssize_t len;

        if (session->unsent != NULL)
            return true;
        len = receive(session, message, sizeof message);
        if (len < 0)
            return false;
        if (len == 0)
            return true;
        if (!ratls_agentd_session_hear(session, ratls_slice(message, (size_t)len)))
            return false;
    }
    return true;
}

static int handle(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct ratls_agentd_session *session = arg;

    (void)source;
    (void)fd;
    (void)events;
    if ((session->unsent != NULL && !ratls_agentd_session_flush(session)) ||
        !read_messages(session) || !ratls_agentd_session_flush(session))
        ratls_agentd_session_end(session);
    return 0;
}

/* Root, and who runs the agent: others would learn which services there are, and how busy. */
static bool may_look(const struct ratls_agentd_peer *peer)
{
    return peer->uid == 0 || peer->uid == geteuid();
}

bool ratls_agentd_is_stranger(const struct ratls_agentd *agent,
                              const struct ratls_agentd_peer *peer)
{
    return ratls_agentd_config_match(agent->config, peer) == NULL && !may_look(peer);
}

static void choose_rule(struct ratls_agentd_session *session)
{
    session->rule = ratls_agentd_config_match(session->agent->config, &session->peer);
    session->is_stranger = ratls_agentd_is_stranger(session->agent, &session->peer);
}

static void free_session(struct ratls_agentd_session *session)
{
    sd_event_source_disable_unref(session->source);
    ratls_agentd_close(session->agent, session->fd);
    ratls_agentd_peer_clear(&session->peer);
    free(session->unsent);
    free(session);
}

/* Where the default is too small for one answer, none could be sent. The kernel doubles it. */
static void make_room(int fd)
{
    const int wanted = RATLS_AGENT_ANSWER_MAX;
    int present = 0;
    socklen_t len = sizeof present;

    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &present, &len) != 0 || present < 2 * wanted)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
}

static enum ratls_status enter(struct ratls_agentd_session *session, struct ratls_error *err)
{
    struct ratls_agentd *agent = session->agent;
    int result;

    make_room(session->fd);
    result = sd_event_add_io(agent->event, &session->source, session->fd, EPOLLIN, handle, session);
    if (result < 0)
        return ratls_fail(err, RATLS_IO, "a connection: %s", strerror(-result));
    session->caller =
        ratls_agentd_callers_enter(&agent->callers, session->peer.uid, ratls_agentd_now_ms());
    return session->caller == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

enum ratls_status ratls_agentd_session_begin(struct ratls_agentd *agent, int fd,
                                             struct ratls_agentd_peer *peer,
                                             struct ratls_error *err)
{
    struct ratls_agentd_session *session = calloc(1, sizeof *session);
    enum ratls_status status;

    if (session == NULL) {
        ratls_agentd_close(agent, fd);
        ratls_agentd_peer_clear(peer);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    session->agent = agent;
    session->fd = fd;
    session->takes_files = ratls_agentd_takes_files(fd);
    session->peer = *peer;
    choose_rule(session);
    TAILQ_INIT(&session->ready);
    status = enter(session, err);
    if (status != RATLS_OK) {
        free_session(session);
        return status;
    }
    LIST_INSERT_HEAD(&agent->sessions, session, link);
    agent->session_count++;
    agent->stranger_count += session->is_stranger;
    return RATLS_OK;
}

void ratls_agentd_session_end(struct ratls_agentd_session *session)
{
    struct ratls_agentd *agent = session->agent;
    struct ratls_agentd_question *question;

    for (size_t i = 0; i < RATLS_AGENTD_IDS; i++)
        while ((question = LIST_FIRST(&session->ids[i])) != NULL)
            ratls_agentd_question_free(question);
    ratls_agentd_callers_leave(session->caller);
    LIST_REMOVE(session, link);
    if (session->is_to_flush)
        TAILQ_REMOVE(&agent->to_flush, session, to_flush);
    agent->session_count--;
    agent->stranger_count -= session->is_stranger;
    agent->blocked_count -= session->unsent != NULL;
    free_session(session);
}

/* ---- what is asked ---- */

/* One of the reasons in the metrics, and an answer. */
static bool refuse(struct ratls_agentd_session *session, uint64_t id,
                   enum ratls_agentd_refusal reason, const struct ratls_error *error)
{
    session->agent->metrics.refused[reason]++;
    return ratls_agentd_session_refuse(session, id, error);
}

static bool refuse_user(struct ratls_agentd_session *session, uint64_t id)
{
    struct ratls_error error = {.status = RATLS_OK};

    ratls_fail(&error, RATLS_USAGE,
               "user %u may ask the agent for nothing: add a rule for this user under clients in "
               "%.120s, and reload ratlsd",
               (unsigned)session->peer.uid, session->agent->config_path);
    ratls_log(LOG_WARNING, "refused a connection of user %u, for whom there is no rule",
              (unsigned)session->peer.uid);
    return refuse(session, id, RATLS_AGENTD_REFUSED_USER, &error);
}

/* Not counted: who had no answer for too long asks this to learn whether there are any again. */
static bool refuse_look(struct ratls_agentd_session *session, uint64_t id)
{
    struct ratls_error error = {.status = RATLS_OK};

    ratls_fail(&error, RATLS_USAGE, "what the agent counts is for root and for its own user");
    return ratls_agentd_session_refuse(session, id, &error);
}

static bool refuse_service(struct ratls_agentd_session *session,
                           const struct ratls_agent_question *message)
{
    struct ratls_error error = {.status = RATLS_OK};

    ratls_fail(&error, RATLS_USAGE,
               "user %u may not ask for the service \"%s\": it is not in the rule for this user in "
               "%.120s",
               (unsigned)session->peer.uid, message->service, session->agent->config_path);
    return refuse(session, message->id, RATLS_AGENTD_REFUSED_USER, &error);
}

/* Too much, of this user or of all: what, and which key of the configuration says so. */
static bool refuse_excess(struct ratls_agentd_session *session, uint64_t id,
                          enum ratls_agentd_refusal reason, const char *what, unsigned limit,
                          const char *key)
{
    struct ratls_error error = {.status = RATLS_OK};

    ratls_fail(&error, RATLS_LIMIT, "%s: %u are allowed (%s in %.120s); try again later", what,
               limit, key, session->agent->config_path);
    return refuse(session, id, reason, &error);
}

static bool ask_tpm(struct ratls_agentd_session *session,
                    const struct ratls_agent_question *message)
{
    struct ratls_agentd *agent = session->agent;
    const struct ratls_agentd_rule *rule = session->rule;
    struct ratls_agentd_service *service =
        ratls_agentd_services_find(&agent->services, rule, message->service);
    struct ratls_error error = {.status = RATLS_OK};

    if (service == NULL)
        return refuse_service(session, message);
    if (session->caller->waiting >= rule->waiting)
        return refuse_excess(session, message->id, RATLS_AGENTD_REFUSED_QUEUE,
                             "too many questions of this user wait for the TPM", rule->waiting,
                             "waiting");
    if (agent->waiting_count >= agent->config->queue)
        return refuse_excess(session, message->id, RATLS_AGENTD_REFUSED_QUEUE,
                             "too many questions wait for the TPM", agent->config->queue, "queue");
    if (!ratls_agentd_caller_take(session->caller, rule->rate, ratls_agentd_now_ms()))
        return refuse_excess(session, message->id, RATLS_AGENTD_REFUSED_RATE,
                             "this user asks too often in a second", rule->rate, "rate");
    error.status = ratls_agentd_question_begin(session, message, service, &error);
    if (error.status != RATLS_OK) {
        ratls_agentd_note(agent, &error);
        return ratls_agentd_session_refuse(session, message->id, &error);
    }
    ratls_agentd_wake(agent);
    return true;
}

static bool tell_status(struct ratls_agentd_session *session, uint64_t id)
{
    struct ratls_agent_answer answer = {.id = id};
    struct ratls_error error = {.status = RATLS_OK};
    char *text = NULL;
    size_t len = 0;
    bool goes_on;

    error.status = ratls_agentd_figures_text(session->agent, &text, &len, &error);
    if (error.status != RATLS_OK)
        return ratls_agentd_session_refuse(session, id, &error);
    answer.payload = ratls_slice(text, len);
    goes_on = ratls_agentd_session_send(session, &answer);
    free(text);
    return goes_on;
}

static bool answer_message(struct ratls_agentd_session *session,
                           const struct ratls_agent_question *message)
{
    struct ratls_error error = {.status = RATLS_OK};

    if (message->kind == RATLS_AGENT_STATUS && may_look(&session->peer))
        return tell_status(session, message->id);
    if (session->rule == NULL)
        return refuse_user(session, message->id);
    if (message->kind == RATLS_AGENT_STATUS)
        return refuse_look(session, message->id);
    if (session->agent->is_stopping) {
        ratls_fail(&error, RATLS_IO, "ratlsd is ending: ask again when it has begun anew");
        return ratls_agentd_session_refuse(session, message->id, &error);
    }
    return ask_tpm(session, message);
}

bool ratls_agentd_session_hear(struct ratls_agentd_session *session, struct ratls_slice message)
{
    struct ratls_agent_question read;
    struct ratls_agentd_question *present = NULL;
    bool is_good =
        message.len <= RATLS_AGENT_QUESTION_MAX && ratls_agent_question_read(message, &read);

    if (is_good)
        present = find_question(session, read.id);
    if (is_good && read.kind == RATLS_AGENT_CANCEL) {
        if (present != NULL)
            ratls_agentd_question_free(present);
        return true;
    }
    if (is_good && present == NULL)
        return answer_message(session, &read);
    session->agent->metrics.refused[RATLS_AGENTD_REFUSED_MALFORMED]++;
    ratls_log(LOG_WARNING, "ended a connection of user %u: %s", (unsigned)session->peer.uid,
              is_good ? "two questions of one number" : "a malformed question");
    return false;
}

/* ---- other rules ---- */

/* Who asked for what is allowed no more has to ask again, and learns then why not. */
bool ratls_agentd_session_take_rules(struct ratls_agentd_session *session)
{
    const bool had_rule = session->rule != NULL;
    struct ratls_agentd_question *question;

    session->agent->stranger_count -= session->is_stranger;
    choose_rule(session);
    session->agent->stranger_count += session->is_stranger;
    if (session->rule == NULL)
        return !had_rule;
    for (size_t i = 0; i < RATLS_AGENTD_IDS; i++)
        LIST_FOREACH(question, &session->ids[i], by_id)
        {
            if (ratls_agentd_services_find(&session->agent->services, session->rule,
                                           question->service->name) == NULL)
                return false;
        }
    return true;
}
