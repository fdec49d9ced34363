#include "agent_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 30000
#define RUNNING_MAX 4

/* ---- the process ---- */

/* The agent is another user then. */
static void open_folder(void)
{
    static const char *const sockets[] = {"tpm", "tpm.ctrl", "mux", "mux.ctrl"};
    char path[PATH_LEN];

    cr_assert_eq(chmod(f.tpm.folder, 0711), 0);
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        snprintf(path, sizeof path, "%s/%s", f.tpm.folder, sockets[i]);
        (void)!chmod(path, 0666);
    }
}

void agent_configure(struct agent *agent, const char *rest)
{
    FILE *out;

    snprintf(agent->socket, sizeof agent->socket, "%s/agent/sock", f.tpm.folder);
    snprintf(agent->config, sizeof agent->config, "%s/ratlsd.yaml", f.tpm.folder);
    snprintf(agent->log, sizeof agent->log, "%s/ratlsd.log", f.tpm.folder);
    out = fopen(agent->config, "we");
    cr_assert_not_null(out);
    fprintf(out, "state: %s\nsocket: %s\nsocket-mode: 0666\nboot-log: none\nima-list: none\n",
            f.state, agent->socket);
    if (agent->tcti != NULL)
        fprintf(out, "tcti: %s\n", agent->tcti);
    if (geteuid() == 0)
        fprintf(out, "user: " AGENT_USER "\n");
    fputs(rest, out);
    cr_assert_eq(fclose(out), 0);
    cr_assert_eq(chmod(agent->config, 0644), 0);
}

static void run_program(const struct agent *agent, pid_t parent)
{
    int fd = open(agent->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        getppid() != parent)
        _exit(127);
    execl(RATLS_AGENT_PROGRAM, "ratlsd", "--config", agent->config, (char *)NULL);
    _exit(127);
}

/* Those that run: a change of the user takes PR_SET_PDEATHSIG away. */
static pid_t running[RUNNING_MAX];

static void note_running(pid_t from, pid_t to)
{
    for (size_t i = 0; i < RUNNING_MAX; i++)
        if (running[i] == from) {
            running[i] = to;
            return;
        }
}

void agent_tear_down(void)
{
    for (size_t i = 0; i < RUNNING_MAX; i++)
        if (running[i] > 0 && waitpid(running[i], NULL, WNOHANG) == 0) {
            kill(running[i], SIGKILL);
            (void)waitpid(running[i], NULL, 0);
        }
    tear_down();
}

void agent_run(struct agent *agent)
{
    const uint64_t limit = now_ms() + WAIT_MS;
    const pid_t parent = getpid();
    int fd = -1;

    open_folder();
    agent->pid = fork();
    if (agent->pid == 0)
        run_program(agent, parent);
    note_running(0, agent->pid);
    while (fd < 0 && now_ms() < limit) {
        cr_assert_eq(waitpid(agent->pid, NULL, WNOHANG), 0, "ratlsd does not begin");
        fd = agent_try_connect(agent);
        if (fd < 0)
            sleep_ms(5);
    }
    cr_assert_geq(fd, 0, "nobody listens at %s", agent->socket);
    close(fd);
}

void agent_start(struct agent *agent, const char *tcti, const char *rest)
{
    *agent = (struct agent){.tcti = tcti};
    agent_configure(agent, rest);
    agent_run(agent);
}

void agent_start_simply(struct agent *agent, const char *tcti)
{
    char rest[PATH_LEN];

    snprintf(rest, sizeof rest, "clients: [{user: %u, services: [shop, bank]}]\n",
             (unsigned)getuid());
    agent_start(agent, tcti, rest);
}

void agent_start_over(struct agent *agent, struct tpm_mux *mux, const char *const *options)
{
    begin_over_mux(mux, options);
    agent_start_simply(agent, mux->tcti);
}

int agent_end(struct agent *agent, int signal)
{
    int status = 0;

    cr_assert_eq(kill(agent->pid, signal), 0);
    while (waitpid(agent->pid, &status, 0) < 0 && errno == EINTR)
        ;
    note_running(agent->pid, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void show_log(const struct agent *agent)
{
    char line[1024];
    FILE *in = fopen(agent->log, "re");

    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        fprintf(stderr, "  %s", line);
    if (in != NULL)
        fclose(in);
}

void agent_stop(struct agent *agent)
{
    int code = agent_end(agent, SIGTERM);

    if (code != 0)
        show_log(agent);
    cr_expect_eq(code, 0, "ratlsd ended with %d", code);
}

bool agent_has_logged(const struct agent *agent, const char *text)
{
    char line[1024];
    bool found = false;
    FILE *in = fopen(agent->log, "re");

    while (in != NULL && !found && fgets(line, sizeof line, in) != NULL)
        found = strstr(line, text) != NULL;
    if (in != NULL)
        fclose(in);
    return found;
}

void agent_wait_for_log(const struct agent *agent, const char *text)
{
    const uint64_t limit = now_ms() + WAIT_MS;

    while (!agent_has_logged(agent, text) && now_ms() < limit)
        sleep_ms(5);
    cr_assert(agent_has_logged(agent, text), "its log has no \"%s\"", text);
}

/* ---- who calls ---- */

int agent_try_connect(const struct agent *agent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, agent->socket, strlen(agent->socket) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

int agent_connect(const struct agent *agent)
{
    int fd = agent_try_connect(agent);

    cr_assert_geq(fd, 0, "nobody listens at %s", agent->socket);
    return fd;
}

struct ratls_agent_question evidence_question(uint64_t id, uint8_t seed)
{
    return (struct ratls_agent_question){.id = id,
                                         .kind = RATLS_AGENT_EVIDENCE,
                                         .deadline_ms = RATLS_AGENT_DEADLINE_MAX_MS,
                                         .request = new_request(seed)};
}

void name_service(struct ratls_agent_question *question, const char *service)
{
    memcpy(question->service, service, strlen(service) + 1);
}

void agent_send(int fd, const struct ratls_agent_question *question)
{
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(message, sizeof message);

    ratls_agent_question_write(question, &w);
    cr_assert(!w.failed);
    cr_assert_eq(send(fd, message, w.len, MSG_NOSIGNAL), (ssize_t)w.len);
}

bool agent_try_receive(int fd, struct ratls_agent_answer *ret, uint8_t *buffer, unsigned limit_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    ssize_t n;

    cr_assert_eq(poll(&polled, 1, (int)limit_ms), 1, "no answer for %u ms", limit_ms);
    n = recv(fd, buffer, RATLS_AGENT_ANSWER_MAX, 0);
    if (n <= 0)
        return false;
    cr_assert(ratls_agent_answer_read(ratls_slice(buffer, (size_t)n), ret));
    return true;
}

void agent_receive(int fd, struct ratls_agent_answer *ret, uint8_t *buffer)
{
    cr_assert(agent_try_receive(fd, ret, buffer, ANSWER_MS), "the agent ended the connection");
}

void assert_evidence(const struct ratls_agent_answer *answer, uint8_t seed, const char *service)
{
    const struct ratls_attest_request request = new_request(seed);
    struct sample *s = calloc(1, sizeof *s);

    cr_assert_not_null(s);
    cr_assert_eq(answer->status, RATLS_OK, "%.*s", (int)answer->text.len,
                 (const char *)answer->text.p);
    memcpy(s->bytes, answer->payload.p, answer->payload.len);
    s->len = answer->payload.len;
    cr_assert(is_sound(s, &request));
    cr_assert(ratls_slice_equal(s->statement.service, ratls_slice(service, strlen(service))));
    cr_assert(ratls_slice_equal(s->statement.binder, ratls_slice(request.binder, 32)));
    free(s);
}

void assert_refused(const struct ratls_agent_answer *answer, uint64_t id, enum ratls_status status,
                    const char *text)
{
    char words[RATLS_AGENT_TEXT_MAX + 1];

    snprintf(words, sizeof words, "%.*s", (int)answer->text.len, (const char *)answer->text.p);
    cr_assert_eq(answer->status, status, "%d: %s", answer->status, words);
    cr_assert_eq(answer->id, id);
    cr_assert_not_null(strstr(words, text), "\"%s\" has no \"%s\"", words, text);
}

void agent_must_serve(const struct agent *agent, uint8_t seed, const char *service)
{
    struct ratls_agent_question question = evidence_question(7, seed);
    uint8_t *buffer = malloc(RATLS_AGENT_ANSWER_MAX);
    struct ratls_agent_answer answer;
    int fd = agent_connect(agent);

    cr_assert_not_null(buffer);
    name_service(&question, service);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_evidence(&answer, seed, service);
    close(fd);
    free(buffer);
}

/* ---- what it counts ---- */

char *agent_status(const struct agent *agent)
{
    const struct ratls_agent_question question = {.id = 1, .kind = RATLS_AGENT_STATUS};
    uint8_t *buffer = malloc(RATLS_AGENT_ANSWER_MAX);
    struct ratls_agent_answer answer;
    int fd = agent_connect(agent);
    char *text;

    cr_assert_not_null(buffer);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    cr_assert_eq(answer.status, RATLS_OK);
    text = strndup((const char *)answer.payload.p, answer.payload.len);
    close(fd);
    free(buffer);
    return text;
}

static bool find_figure(const struct agent *agent, const char *series, double *ret)
{
    char *text = agent_status(agent);
    char line[256];
    const char *found;

    snprintf(line, sizeof line, "\n%s ", series);
    found = strstr(text, line);
    if (found != NULL)
        *ret = strtod(found + strlen(line), NULL);
    free(text);
    return found != NULL;
}

double agent_figure(const struct agent *agent, const char *series)
{
    double value = 0;

    cr_assert(find_figure(agent, series, &value), "no %s", series);
    return value;
}

void agent_await_figure(const struct agent *agent, const char *series, double value)
{
    const uint64_t limit = now_ms() + WAIT_MS;
    double present = agent_figure(agent, series);

    while (present != value && now_ms() < limit) {
        sleep_ms(10);
        present = agent_figure(agent, series);
    }
    cr_assert_eq(present, value, "%s is %f and not %f", series, present, value);
}

/* ---- other users ---- */

/* The kernel keeps the effective ids of the moment of connect(): unix(7), SO_PEERCRED. */
int agent_connect_as(const struct agent *agent, uid_t uid, gid_t gid, size_t group_count,
                     const gid_t *groups)
{
    int fd;

    cr_assert(setgroups(group_count, groups) == 0 && setegid(gid) == 0 && seteuid(uid) == 0);
    fd = agent_connect(agent);
    cr_assert(seteuid(0) == 0 && setegid(0) == 0 && setgroups(0, NULL) == 0);
    return fd;
}

size_t agent_memory_kib(const struct agent *agent)
{
    char path[PATH_LEN], line[256];
    size_t kib = 0;
    FILE *in;

    snprintf(path, sizeof path, "/proc/%d/status", (int)agent->pid);
    in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        if (sscanf(line, "VmHWM: %zu", &kib) == 1)
            break;
    if (in != NULL)
        fclose(in);
    cr_assert_gt(kib, 0);
    return kib;
}
