#include "fake_agent.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "must.h"

#define CONNECTIONS_MAX 256
#define BACKLOG 64
#define TICK_NS 1000000L /* how often a deaf one looks whether it should go on */

struct connection {
    struct fake_agent *agent;
    int fd;
    pthread_t thread;
};

struct fake_agent_parts {
    int listener;
    pthread_t thread; /* takes connections */
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* of what follows */
    size_t count;
    struct connection connections[CONNECTIONS_MAX];
    uint8_t *kept; /* evidence, for FAKE_AGENT_REPLAYS */
    size_t kept_len;
};

static void send_bytes(int fd, const uint8_t *bytes, size_t len)
{
    (void)!send(fd, bytes, len, MSG_NOSIGNAL); /* whoever asked may be gone */
}

static void send_answer(int fd, const struct ratls_agent_answer *answer)
{
    uint8_t *out = malloc(RATLS_AGENT_ANSWER_MAX);
    struct ratls_writer w = ratls_writer(out, RATLS_AGENT_ANSWER_MAX);

    must(out != NULL);
    ratls_agent_answer_write(answer, &w);
    must(!w.failed);
    send_bytes(fd, out, w.len);
    free(out);
}

/* The first evidence is kept, and comes again if that is the mood. */
static struct ratls_slice keep_first(struct fake_agent *agent, struct ratls_slice evidence)
{
    struct fake_agent_parts *parts = agent->parts;
    struct ratls_slice kept;

    pthread_mutex_lock(&parts->lock);
    if (parts->kept == NULL) {
        parts->kept = malloc(evidence.len);
        must(parts->kept != NULL);
        memcpy(parts->kept, evidence.p, evidence.len);
        parts->kept_len = evidence.len;
    }
    kept = ratls_slice(parts->kept, parts->kept_len);
    pthread_mutex_unlock(&parts->lock);
    return atomic_load(&agent->mood) == FAKE_AGENT_REPLAYS ? kept : evidence;
}

static void answer_well(struct fake_agent *agent, int fd,
                        const struct ratls_agent_question *question)
{
    struct ratls_agent_answer answer = {.id = question->id};
    struct ratls_error error = {0};
    uint8_t digest[RATLS_MEASURED_LEN];
    uint8_t state[RATLS_AGENT_STATE_LEN];
    uint8_t *evidence = NULL;
    size_t len = 0;

    if (question->kind == RATLS_AGENT_STATE) {
        answer.status =
            agent->attester->state(agent->attester, &question->request.selection, digest, &error);
        ratls_agent_state_write(digest, atomic_load(&agent->state_age_ms), state);
        answer.payload = ratls_slice(state, sizeof state);
    } else {
        answer.status =
            agent->attester->attest(agent->attester, &question->request, &evidence, &len, &error);
        if (answer.status == RATLS_OK)
            answer.payload = keep_first(agent, ratls_slice(evidence, len));
    }
    if (answer.status != RATLS_OK) {
        answer.payload = ratls_slice(NULL, 0);
        answer.text = ratls_slice(error.text, strlen(error.text));
    }
    send_answer(fd, &answer);
    free(evidence);
}

static void answer_badly(enum fake_agent_mood mood, int fd,
                         const struct ratls_agent_question *question)
{
    static const uint8_t long_bytes[RATLS_AGENT_ANSWER_MAX + 1];
    struct ratls_agent_answer answer = {.id = question->id};

    switch (mood) {
    case FAKE_AGENT_REFUSES:
        answer.status = RATLS_LIMIT;
        answer.text = ratls_slice(FAKE_AGENT_REASON, strlen(FAKE_AGENT_REASON));
        send_answer(fd, &answer);
        break;
    case FAKE_AGENT_LEAVES:
        shutdown(fd, SHUT_RDWR);
        break;
    case FAKE_AGENT_BABBLES:
        send_bytes(fd, (const uint8_t *)"hello", 5);
        break;
    case FAKE_AGENT_EMPTY:
        send_bytes(fd, long_bytes, 0);
        break;
    case FAKE_AGENT_TOO_LONG:
        send_bytes(fd, long_bytes, sizeof long_bytes);
        break;
    case FAKE_AGENT_CURT:
        answer.payload = ratls_slice("x", 1);
        send_answer(fd, &answer);
        break;
    default:
        break;
    }
}

/* As ratlsd does for who may not know what it counts. */
static void answer_probe(struct fake_agent *agent, int fd,
                         const struct ratls_agent_question *question)
{
    const enum fake_agent_mood mood = atomic_load(&agent->mood);

    atomic_fetch_add(&agent->probes, 1);
    answer_badly(mood == FAKE_AGENT_GOOD ? FAKE_AGENT_REFUSES : mood, fd, question);
}

static void answer_question(struct fake_agent *agent, int fd,
                            const struct ratls_agent_question *question)
{
    enum fake_agent_mood mood = atomic_load(&agent->mood);
    struct ratls_agent_question astray = *question;

    switch (mood) {
    case FAKE_AGENT_ASTRAY:
        astray.id += 1000;
        answer_well(agent, fd, &astray);
        answer_well(agent, fd, question);
        answer_well(agent, fd, question);
        break;
    case FAKE_AGENT_GOOD:
    case FAKE_AGENT_REPLAYS:
        answer_well(agent, fd, question);
        break;
    default:
        answer_badly(mood, fd, question);
        break;
    }
}

static bool is_stopping(const struct fake_agent *agent)
{
    return atomic_load(&agent->parts->is_stopping);
}

static void wait_while_deaf(const struct fake_agent *agent)
{
    const struct timespec tick = {0, TICK_NS};

    while (atomic_load(&agent->mood) == FAKE_AGENT_DEAF && !is_stopping(agent))
        nanosleep(&tick, NULL);
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct fake_agent *agent = connection->agent;
    uint8_t in[RATLS_AGENT_QUESTION_MAX + 1];
    struct ratls_agent_question question;
    ssize_t n;

    for (;;) {
        wait_while_deaf(agent);
        n = recv(connection->fd, in, sizeof in, 0);
        if (n <= 0 || is_stopping(agent))
            break;
        wait_while_deaf(agent);
        if (!ratls_agent_question_read(ratls_slice(in, (size_t)n), &question)) {
            atomic_fetch_add(&agent->malformed, 1);
            break;
        }
        if (question.kind == RATLS_AGENT_CANCEL) {
            atomic_fetch_add(&agent->cancels, 1);
            continue;
        }
        if (question.kind == RATLS_AGENT_STATUS) {
            answer_probe(agent, connection->fd, &question);
            continue;
        }
        pthread_mutex_lock(&agent->parts->lock);
        agent->last_asked = question;
        pthread_mutex_unlock(&agent->parts->lock);
        atomic_fetch_add(&agent->questions, 1);
        answer_question(agent, connection->fd, &question);
    }
    shutdown(connection->fd, SHUT_RDWR);
    atomic_fetch_add(&agent->ends, 1);
    return NULL;
}

static void *listen_for_askers(void *arg)
{
    struct fake_agent *agent = arg;
    struct fake_agent_parts *parts = agent->parts;

    for (;;) {
        int fd = accept4(parts->listener, NULL, NULL, SOCK_CLOEXEC);
        struct connection *connection;

        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&parts->lock);
        must(parts->count < CONNECTIONS_MAX);
        connection = &parts->connections[parts->count++];
        *connection = (struct connection){.agent = agent, .fd = fd};
        atomic_fetch_add(&agent->connections, 1); /* before who asks is answered */
        must(pthread_create(&connection->thread, NULL, serve, connection) == 0);
        pthread_mutex_unlock(&parts->lock);
    }
}

void fake_agent_start(struct fake_agent *agent, const char *path, struct ratls_attester *attester)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct fake_agent_parts *parts = calloc(1, sizeof *parts);

    must(parts != NULL && strlen(path) < sizeof address.sun_path);
    *agent = (struct fake_agent){.path = path, .attester = attester, .parts = parts};
    must(pthread_mutex_init(&parts->lock, NULL) == 0);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    parts->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    must(parts->listener >= 0);
    must(bind(parts->listener, (const struct sockaddr *)&address, sizeof address) == 0);
    must(listen(parts->listener, BACKLOG) == 0);
    must(pthread_create(&parts->thread, NULL, listen_for_askers, agent) == 0);
}

void fake_agent_stop(struct fake_agent *agent)
{
    struct fake_agent_parts *parts = agent->parts;

    atomic_store(&parts->is_stopping, true);
    shutdown(parts->listener, SHUT_RDWR);
    pthread_join(parts->thread, NULL);
    for (size_t i = 0; i < parts->count; i++)
        shutdown(parts->connections[i].fd, SHUT_RDWR);
    for (size_t i = 0; i < parts->count; i++) {
        pthread_join(parts->connections[i].thread, NULL);
        close(parts->connections[i].fd);
    }
    close(parts->listener);
    unlink(agent->path);
    pthread_mutex_destroy(&parts->lock);
    free(parts->kept);
    free(parts);
}
