#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "acceptor.h"
#include "disposal.h"
#include "fail.h"
#include "log.h"
#include "reload.h"

#define STOP_MS 2000 /* longest wait for answers, once it is to end */
#define US_PER_MS 1000
#define METRICS_US (15 * 1000 * (uint64_t)US_PER_MS)

/* ---- what it has ---- */

enum ratls_status ratls_agentd_init(struct ratls_agentd *agent, struct ratls_error *err)
{
    LIST_INIT(&agent->callers);
    LIST_INIT(&agent->sessions);
    TAILQ_INIT(&agent->waiting);
    TAILQ_INIT(&agent->to_flush);
    return ratls_agentd_inbox_init(&agent->inbox, err);
}

void ratls_agentd_clear(struct ratls_agentd *agent)
{
    struct ratls_agentd_session *session;

    while ((session = LIST_FIRST(&agent->sessions)) != NULL)
        ratls_agentd_session_end(session);
    ratls_agentd_callers_free(&agent->callers);
    ratls_agentd_services_clear(&agent->services);
    ratls_agentd_inbox_clear(&agent->inbox);
    ratls_agentd_config_free(agent->config);
    agent->config = NULL;
}

/* At the end of the process the kernel does it, and does not wait. */
void ratls_agentd_close(const struct ratls_agentd *agent, int fd)
{
    if (!ratls_agentd_takes_files(fd))
        close(fd);
    else if (!agent->is_stopping)
        ratls_agentd_dispose(fd);
}

enum ratls_status ratls_agentd_figures_text(const struct ratls_agentd *agent, char **ret_text,
                                            size_t *ret_len, struct ratls_error *err)
{
    struct ratls_agentd_figures figures = {.metrics = &agent->metrics,
                                           .services = &agent->services,
                                           .waiting = agent->waiting_count,
                                           .connections = agent->session_count};

    ratls_tpm_attester_counts(agent->services.first, &figures.tpm);
    return ratls_agentd_metrics_text(&figures, ret_text, ret_len, err);
}

/* ---- answers ---- */

/* Evidence of an epoch, and logs alone, are given also while the TPM fails. */
static uint64_t count_done(const struct ratls_agentd *agent)
{
    struct ratls_tpm_counts counts;

    ratls_tpm_attester_counts(agent->services.first, &counts);
    return counts.quotes + counts.states;
}

void ratls_agentd_note(struct ratls_agentd *agent, const struct ratls_error *outcome)
{
    if (outcome->status == RATLS_TPM && !agent->is_failing) {
        ratls_log(LOG_ERR, "the TPM fails: %s", outcome->text);
        agent->is_failing = true;
        agent->done_before = count_done(agent);
    } else if (outcome->status == RATLS_OK && agent->is_failing &&
               count_done(agent) > agent->done_before) {
        ratls_log(LOG_NOTICE, "the TPM answers again");
        agent->is_failing = false;
    } else if (outcome->status == RATLS_IO || outcome->status == RATLS_MEMORY ||
               outcome->status == RATLS_CRYPTO) {
        ratls_log(LOG_WARNING, "a question has no answer: %s", outcome->text);
    }
}

/* First all of them, then each session once: a session that ends takes its questions along. */
void ratls_agentd_deliver(struct ratls_agentd *agent)
{
    struct ratls_agentd_question_list done = TAILQ_HEAD_INITIALIZER(done);
    struct ratls_agentd_question *question;
    struct ratls_agentd_session *session;

    ratls_agentd_inbox_take(&agent->inbox, &done);
    while ((question = TAILQ_FIRST(&done)) != NULL) {
        session = question->session;
        TAILQ_REMOVE(&done, question, done);
        TAILQ_INSERT_TAIL(&session->ready, question, done);
        question->is_ready = true;
        if (!session->is_to_flush)
            TAILQ_INSERT_TAIL(&agent->to_flush, session, to_flush);
        session->is_to_flush = true;
    }
    while ((session = TAILQ_FIRST(&agent->to_flush)) != NULL) {
        TAILQ_REMOVE(&agent->to_flush, session, to_flush);
        session->is_to_flush = false;
        if (!ratls_agentd_session_flush(session))
            ratls_agentd_session_end(session);
    }
}

static int handle_inbox(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source;
    (void)fd;
    (void)events;
    ratls_agentd_deliver(arg);
    return 0;
}

/* ---- time ---- */

static bool is_to_end(const struct ratls_agentd_session *session, int64_t now_ms)
{
    if (ratls_agentd_session_is_stuck(session, now_ms))
        ratls_log(LOG_NOTICE, "ended a connection of user %u: it takes no answers",
                  (unsigned)session->peer.uid);
    else if (!session->is_over)
        return false;
    return true;
}

static void end_sessions(struct ratls_agentd *agent, int64_t now_ms)
{
    struct ratls_agentd_session *session = LIST_FIRST(&agent->sessions);

    while (session != NULL) {
        struct ratls_agentd_session *next = LIST_NEXT(session, link);

        if (is_to_end(session, now_ms))
            ratls_agentd_session_end(session);
        session = next;
    }
}

/* A session that ends takes others of the list along: so it is only noted. */
static void answer_late(struct ratls_agentd *agent, int64_t now_ms)
{
    struct ratls_agentd_question *question = TAILQ_FIRST(&agent->waiting);
    bool some_over = agent->blocked_count > 0;

    while (question != NULL) {
        struct ratls_agentd_question *next = TAILQ_NEXT(question, by_agent);
        struct ratls_agentd_session *session = question->session;

        if (!session->is_over && ratls_agentd_question_is_late(question, now_ms)) {
            session->is_over = !ratls_agentd_session_be_late(session, question);
            some_over = some_over || session->is_over;
        }
        question = next;
    }
    if (some_over)
        end_sessions(agent, now_ms);
}

static bool is_needed(const struct ratls_agentd *agent)
{
    return agent->waiting_count > 0 || agent->blocked_count > 0 || agent->is_listener_paused ||
           agent->is_stopping;
}

static void set_tick(struct ratls_agentd *agent)
{
    agent->is_ticking = is_needed(agent);
    if (agent->tick == NULL || !agent->is_ticking)
        return;
    (void)sd_event_source_set_time_relative(agent->tick,
                                            RATLS_AGENTD_TICK_MS * (uint64_t)US_PER_MS);
    (void)sd_event_source_set_enabled(agent->tick, SD_EVENT_ONESHOT);
}

void ratls_agentd_wake(struct ratls_agentd *agent)
{
    if (!agent->is_ticking)
        set_tick(agent);
}

static int handle_tick(sd_event_source *source, uint64_t us, void *arg)
{
    struct ratls_agentd *agent = arg;
    const int64_t now_ms = ratls_agentd_now_ms();

    (void)source;
    (void)us;
    answer_late(agent, now_ms);
    ratls_agentd_resume_listener(agent);
    if (agent->is_stopping &&
        (agent->stop_ms <= now_ms || (agent->waiting_count == 0 && agent->blocked_count == 0)))
        (void)sd_event_exit(agent->event, 0);
    set_tick(agent);
    return 0;
}

static enum ratls_status write_metrics(const struct ratls_agentd *agent, struct ratls_error *err)
{
    char *text = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_agentd_figures_text(agent, &text, &len, err);

    if (status == RATLS_OK)
        status = ratls_agentd_metrics_write(agent->config->metrics, text, len, err);
    free(text);
    return status;
}

static int handle_metrics(sd_event_source *source, uint64_t us, void *arg)
{
    struct ratls_agentd *agent = arg;
    struct ratls_error error = {.status = RATLS_OK};
    (void)us;
    if (agent->config->metrics != NULL)
        error.status = write_metrics(agent, &error);
    if (error.status != RATLS_OK && !agent->is_unwritten)
        ratls_log(LOG_WARNING, "metrics are not written: %s", error.text);
    agent->is_unwritten = error.status != RATLS_OK;
    (void)sd_event_source_set_time_relative(source, METRICS_US);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

/* ---- signals ---- */

static int handle_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    struct ratls_agentd *agent = arg;

    (void)source;
    (void)info;
    if (agent->is_stopping)
        return 0;
    (void)sd_notify(0, "STOPPING=1");
    agent->is_stopping = true;
    agent->stop_ms = ratls_agentd_now_ms() + STOP_MS;
    ratls_agentd_stop_listener(agent);
    ratls_agentd_wake(agent);
    return 0;
}

static int handle_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    (void)source;
    (void)info;
    ratls_agentd_reload(arg);
    return 0;
}

/* ---- the loop ---- */

static int add_sources(struct ratls_agentd *agent)
{
    sd_event *event = agent->event;
    int result = sd_event_add_signal(event, NULL, SIGTERM, handle_stop, agent);

    if (result >= 0)
        result = sd_event_add_signal(event, NULL, SIGINT, handle_stop, agent);
    if (result >= 0)
        result = sd_event_add_signal(event, NULL, SIGHUP, handle_reload, agent);
    if (result >= 0)
        result = sd_event_add_io(event, NULL, agent->inbox.fd, EPOLLIN, handle_inbox, agent);
    if (result >= 0)
        result = sd_event_add_time_relative(event, &agent->tick, CLOCK_MONOTONIC, 0, US_PER_MS,
                                            handle_tick, agent);
    if (result >= 0)
        result =
            sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 0, 0, handle_metrics, agent);
    if (result >= 0)
        result = ratls_agentd_add_listener(agent);
    if (result >= 0)
        result = sd_event_set_watchdog(event, 1);
    return result;
}

static enum ratls_status loop(struct ratls_agentd *agent, struct ratls_error *err)
{
    int result = sd_event_new(&agent->event);

    if (result >= 0)
        result = add_sources(agent);
    if (result >= 0) {
        (void)sd_notify(0, "READY=1");
        ratls_log(LOG_INFO, "serving");
        result = sd_event_loop(agent->event);
    }
    return result < 0 ? ratls_fail(err, RATLS_IO, "the event loop: %s", strerror(-result))
                      : RATLS_OK;
}

enum ratls_status ratls_agentd_run(struct ratls_agentd *agent, struct ratls_error *err)
{
    enum ratls_status status = loop(agent, err);

    ratls_agentd_stop_listener(agent);
    ratls_agentd_clear(agent);
    agent->tick = sd_event_source_disable_unref(agent->tick);
    agent->event = sd_event_unref(agent->event);
    return status;
}
