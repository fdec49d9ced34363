#include "acceptor.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disposal.h"
#include "log.h"

#define SESSIONS_MAX 4096      /* a process has one, however many connections it serves itself */
#define SESSIONS_PER_USER 1024 /* workers of a server */
#define STRANGERS_MAX 16       /* they only learn that there is no rule for them */
#define OTHER_FILES 64         /* logs, the TPM, what libraries open */
#define ACCEPTS_AT_ONCE 64     /* then the others have their turn */

size_t ratls_agentd_session_max(void)
{
    const rlim_t wanted = SESSIONS_MAX + OTHER_FILES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return SESSIONS_MAX;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* a sandbox may forbid it */
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted)
        return SESSIONS_MAX;
    return limit.rlim_cur > 2 * OTHER_FILES ? (size_t)limit.rlim_cur - OTHER_FILES : OTHER_FILES;
}

/* NULL if there is room for one more connection of this peer. */
static const char *find_excess(struct ratls_agentd *agent, const struct ratls_agentd_peer *peer)
{
    const struct ratls_agentd_caller *caller =
        ratls_agentd_callers_find(&agent->callers, peer->uid);

    if (agent->session_count >= agent->session_max)
        return "too many connections are open";
    if (caller != NULL && caller->connections >= SESSIONS_PER_USER)
        return "too many connections of this user are open";
    if (ratls_agentd_is_stranger(agent, peer) && agent->stranger_count >= STRANGERS_MAX)
        return "there is no rule for this user, and others are being told so";
    return NULL;
}

static void begin_session(struct ratls_agentd *agent, int fd)
{
    struct ratls_agentd_peer peer = {.group_count = 0};
    struct ratls_error error = {.status = RATLS_OK};
    const char *excess;

    if (ratls_agentd_peer_read(fd, &peer, &error) != RATLS_OK) {
        ratls_log(LOG_WARNING, "%s", error.text);
        ratls_agentd_close(agent, fd);
        return;
    }
    excess = find_excess(agent, &peer);
    if (excess != NULL) {
        agent->metrics.refused[RATLS_AGENTD_REFUSED_QUEUE]++;
        ratls_log(LOG_WARNING, "closed a connection of user %u: %s", (unsigned)peer.uid, excess);
        ratls_agentd_peer_clear(&peer);
        ratls_agentd_close(agent, fd);
        return;
    }
    if (ratls_agentd_session_begin(agent, fd, &peer, &error) != RATLS_OK)
        ratls_log(LOG_WARNING, "%s", error.text);
}

/* The connection stays in the queue, so that the listener would be readable all the time. */
static void pause_listener(struct ratls_agentd *agent)
{
    ratls_log(LOG_WARNING, "no connection can be accepted: %s", strerror(errno));
    (void)sd_event_source_set_enabled(agent->listener_source, SD_EVENT_OFF);
    agent->is_listener_paused = true;
    ratls_agentd_wake(agent);
}

static int handle(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct ratls_agentd *agent = arg;

    (void)source;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (connection >= 0) {
            begin_session(agent, connection);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            pause_listener(agent);
            return 0;
        }
    }
    return 0;
}

int ratls_agentd_add_listener(struct ratls_agentd *agent)
{
    return sd_event_add_io(agent->event, &agent->listener_source, agent->listener, EPOLLIN, handle,
                           agent);
}

void ratls_agentd_resume_listener(struct ratls_agentd *agent)
{
    if (!agent->is_listener_paused || agent->listener_source == NULL)
        return;
    agent->is_listener_paused = false;
    (void)sd_event_source_set_enabled(agent->listener_source, SD_EVENT_ON);
}

void ratls_agentd_stop_listener(struct ratls_agentd *agent)
{
    agent->listener_source = sd_event_source_disable_unref(agent->listener_source);
    agent->is_listener_paused = false;
    /* Connections that nobody accepted may have files, too: the end of the process closes it. */
    if (agent->listener >= 0 && !ratls_agentd_takes_files(agent->listener))
        close(agent->listener);
    agent->listener = -1;
}
