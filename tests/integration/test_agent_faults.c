/* ratlsd: what it survives. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_fixture.h"

TestSuite(agent_faults, .init = set_up, .fini = agent_tear_down, .timeout = 240);

static uint8_t buffer[RATLS_AGENT_ANSWER_MAX];
static struct agent agent;

/* A TPM that hangs: an answer comes within the question's time, and service goes on by itself. */
Test(agent_faults, hanging_tpm)
{
    const char *const options[] = {"--hang", "--disarmed", NULL};
    struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    uint64_t start;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    tpm_mux_arm(&mux, true);
    question.deadline_ms = 500;
    start = now_ms();
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    cr_expect_leq(now_ms() - start, 500 + SLACK_MS);
    assert_refused(&answer, 1, RATLS_TPM, "no answer of the TPM within 500 ms");
    question.kind = RATLS_AGENT_STATE;
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 1, RATLS_TPM, "no answer of the TPM within 500 ms");
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"deadline\"}"), 2);
    cr_expect_eq(agent_figure(&agent, "ratls_waiting"), 0);
    agent_wait_for_log(&agent, "the TPM fails: no answer of the TPM within 500 ms");
    tpm_mux_arm(&mux, false);
    agent_must_serve(&agent, 20, "shop");
    agent_wait_for_log(&agent, "the TPM answers again");
    close(fd);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* No thread for the TPM: the question is refused, and the log says why. */
Test(agent_faults, no_thread)
{
    struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct rlimit limit;
    int fd;

    if (geteuid() != 0)
        cr_skip_test("who is not root would have no process either");
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
    limit.rlim_cur = 1; /* it counts for the user that the agent becomes, and not for root */
    cr_assert_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
    agent_start_simply(&agent, NULL);
    fd = agent_connect(&agent);
    for (unsigned i = 0; i < 2; i++) {
        agent_send(fd, &question);
        agent_receive(fd, &answer, buffer);
        assert_refused(&answer, 1, RATLS_TPM, "starting the thread of the TPM: ");
    }
    agent_wait_for_log(&agent, "the TPM fails: starting the thread of the TPM: ");
    close(fd);
    cr_expect_eq(agent_end(&agent, SIGKILL), -1); /* a sanitizer's end needs a thread */
}

/* Whether a question on this connection has this answer now. */
static bool is_answered(int fd, enum ratls_status status, const char *text)
{
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;

    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    return answer.status == status &&
           (*text == '\0' || memmem(answer.text.p, answer.text.len, text, strlen(text)) != NULL);
}

/* Longer than anybody waits: then who comes is told at once, until the TPM is there again. */
Test(agent_faults, tpm_hangs_for_long)
{
    const char *const options[] = {"--hang", "--disarmed", NULL};
    struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    uint64_t start;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    tpm_mux_arm(&mux, true);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 1, RATLS_TPM, "10000 ms");
    /* The TPM may have been asked a little later than it was waited for. */
    assert_soon(is_answered(fd, RATLS_TPM, "it hangs, or another program keeps it busy"));
    start = now_ms();
    cr_assert(is_answered(fd, RATLS_TPM, "it hangs, or another program keeps it busy"));
    cr_expect_lt(now_ms() - start, RATLS_AGENT_DEADLINE_MAX_MS, "who comes later does not wait");
    tpm_mux_arm(&mux, false);
    assert_soon(is_answered(fd, RATLS_OK, ""));
    agent_must_serve(&agent, 20, "shop");
    close(fd);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

Test(agent_faults, tpm_gone_and_back)
{
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    char socket[PATH_LEN];
    int fd;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
    fd = agent_connect(&agent);
    agent_must_serve(&agent, 1, "shop");
    cr_assert_eq(kill(f.tpm.pid, SIGKILL), 0);
    for (int i = 0; i < 3; i++) {
        agent_send(fd, &question);
        agent_receive(fd, &answer, buffer);
        assert_refused(&answer, 1, RATLS_TPM, "");
    }
    cr_expect_eq(agent_figure(&agent, "ratls_tpm_errors_total"), 3);
    cr_assert(swtpm_restart(&f.tpm));
    snprintf(socket, sizeof socket, "%s/tpm", f.tpm.folder);
    cr_assert_eq(chmod(socket, 0666), 0);
    snprintf(socket, sizeof socket, "%s/tpm.ctrl", f.tpm.folder);
    cr_assert_eq(chmod(socket, 0666), 0);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_evidence(&answer, 10, "shop");
    close(fd);
    agent_stop(&agent);
}

/* The socket that one leaves behind is no obstacle to the next; one that lives is. */
Test(agent_faults, killed_and_restarted)
{
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct agent other;
    int status = 0;
    int fd;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
    fd = agent_connect(&agent);
    other = agent;
    agent_run(&other); /* connects to the first */
    while (waitpid(other.pid, &status, 0) < 0 && errno == EINTR)
        ;
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    agent_wait_for_log(&other, "another ratlsd listens there already");
    cr_expect_eq(agent_end(&agent, SIGKILL), -1);
    cr_expect_not(agent_try_receive(fd, &answer, buffer, 1000), "the end is seen at once");
    close(fd);
    agent_run(&agent);
    fd = agent_connect(&agent);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_evidence(&answer, 10, "shop");
    close(fd);
    agent_stop(&agent);
}

static bool does_not_listen(void)
{
    int fd = agent_try_connect(&agent);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}

/* What waits is answered, new questions are not, and that is the end. */
Test(agent_faults, stopped_with_questions)
{
    const char *const options[] = {"--hang", NULL};
    struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    int status = 0;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    agent_send(fd, &question);
    agent_await_figure(&agent, "ratls_waiting", 1);
    cr_assert_eq(kill(agent.pid, SIGTERM), 0);
    assert_soon(does_not_listen());
    question = evidence_question(2, 20);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 2, RATLS_IO, "ratlsd is ending");
    tpm_mux_arm(&mux, false);
    agent_receive(fd, &answer, buffer);
    cr_expect_eq(answer.id, 1);
    assert_evidence(&answer, 10, "shop");
    cr_expect_not(agent_try_receive(fd, &answer, buffer, SLACK_MS));
    close(fd);
    while (waitpid(agent.pid, &status, 0) < 0 && errno == EINTR)
        ;
    cr_expect_eq(status, 0);
    tpm_mux_stop(&mux);
}

/* It does not wait for a TPM that hangs. */
Test(agent_faults, stopped_while_the_tpm_hangs)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct tpm_mux mux;
    uint64_t start;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    agent_send(fd, &question);
    agent_await_figure(&agent, "ratls_waiting", 1);
    start = now_ms();
    agent_stop(&agent);
    cr_expect_leq(now_ms() - start, 2000 + 1000 + SLACK_MS);
    close(fd);
    tpm_mux_stop(&mux);
}

/* Asks and does not read: it is no longer listened to, and then left. */
Test(agent_faults, caller_that_never_reads)
{
    struct ratls_agent_question question = {.id = 1, .kind = RATLS_AGENT_STATUS};
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(message, sizeof message);
    struct pollfd polled;
    unsigned sent = 0;
    size_t memory;
    int fd;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
    agent_must_serve(&agent, 10, "shop");
    memory = agent_memory_kib(&agent);
    fd = agent_connect(&agent);
    ratls_agent_question_write(&question, &w);
    polled = (struct pollfd){.fd = fd, .events = POLLOUT};
    while (poll(&polled, 1, 2000) == 1 && sent < 1000000) {
        if (send(fd, message, w.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            cr_assert_eq(errno, EAGAIN);
        else
            sent++;
    }
    cr_expect_lt(sent, 1000000, "all of it was taken");
    cr_expect_lt(agent_memory_kib(&agent), memory + 32 * 1024);
    agent_must_serve(&agent, 20, "shop");
    agent_wait_for_log(&agent, "it takes no answers");
    agent_must_serve(&agent, 30, "shop");
    close(fd);
    agent_stop(&agent);
}

#define CONNECTIONS 10000

/* How many did not end, as soon as they are no more than so many. */
static unsigned await_open(const int *fds, unsigned expected)
{
    const uint64_t limit = now_ms() + WAIT_MS;
    unsigned open = CONNECTIONS;

    while (open > expected && now_ms() < limit) {
        sleep_ms(100);
        open = 0;
        for (unsigned i = 0; i < CONNECTIONS; i++)
            open += recv(fds[i], buffer, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }
    return open;
}

/* Until a new connection is taken again. */
static void await_room(void)
{
    const struct ratls_agent_question question = {.id = 1, .kind = RATLS_AGENT_STATUS};
    const uint64_t limit = now_ms() + WAIT_MS;
    struct ratls_agent_answer answer;
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    bool has_room = false;

    while (!has_room && now_ms() < limit) {
        struct ratls_writer w = ratls_writer(message, sizeof message);
        int fd = agent_connect(&agent);

        ratls_agent_question_write(&question, &w);
        has_room = send(fd, message, w.len, MSG_NOSIGNAL) == (ssize_t)w.len &&
                   agent_try_receive(fd, &answer, buffer, SLACK_MS);
        close(fd);
    }
    cr_assert(has_room);
}

/* A user gets 1024 of them; the others end, and the agent goes on. */
Test(agent_faults, ten_thousand_connections)
{
    static int fds[CONNECTIONS];
    const struct rlimit files = {CONNECTIONS + 100, CONNECTIONS + 100};
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    size_t memory;

    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        cr_skip_test("so many files may not be opened: %s", strerror(errno));
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
    agent_must_serve(&agent, 10, "shop");
    memory = agent_memory_kib(&agent);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        fds[i] = agent_connect(&agent);
    agent_send(fds[0], &question); /* the first are kept */
    agent_receive(fds[0], &answer, buffer);
    assert_evidence(&answer, 10, "shop");
    cr_expect_eq(await_open(fds, 1024), 1024);
    cr_expect_lt(agent_memory_kib(&agent), memory + 64 * 1024);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    await_room();
    agent_must_serve(&agent, 30, "shop");
    agent_stop(&agent);
}

#define QUESTIONS 10000

/* A caller that asks and listens at the same time, as it must: else it would not be listened to. */
static void ask_many(int fd, unsigned count)
{
    struct ratls_agent_answer answer;
    unsigned sent = 0;
    unsigned answered = 0;

    while (answered < count) {
        struct pollfd polled = {.fd = fd, .events = POLLIN | (sent < count ? POLLOUT : 0)};

        cr_assert_eq(poll(&polled, 1, 30000), 1, "%u sent, %u answered", sent, answered);
        if ((polled.revents & POLLIN) != 0) {
            agent_receive(fd, &answer, buffer);
            cr_assert_eq(answer.status, RATLS_OK, "%.*s", (int)answer.text.len,
                         (const char *)answer.text.p);
            if (answered++ % 97 == 0)
                assert_evidence(&answer, (uint8_t)answer.id, "shop");
        } else {
            const struct ratls_agent_question question = evidence_question(sent, (uint8_t)sent);

            agent_send(fd, &question);
            sent++;
        }
    }
}

/* On one connection, while the TPM is slow: all are answered, each by its own. */
Test(agent_faults, ten_thousand_questions)
{
    const char *const options[] = {"--delay-ms", "500", NULL};
    struct tpm_mux mux;
    char rest[256];
    size_t memory;
    int fd;

    begin_over_mux(&mux, options);
    snprintf(rest, sizeof rest, "clients: [{user: %u, services: [shop], waiting: 16000}]\n",
             (unsigned)getuid());
    agent_start(&agent, mux.tcti, rest);
    agent_must_serve(&agent, 10, "shop");
    memory = agent_memory_kib(&agent);
    fd = agent_connect(&agent);
    ask_many(fd, QUESTIONS);
    fprintf(stderr, "%zu KiB, with %d questions %zu KiB\n", memory, QUESTIONS,
            agent_memory_kib(&agent));
    cr_expect_lt(agent_memory_kib(&agent), memory + QUESTIONS * 20ul);
    cr_expect_eq(agent_figure(&agent, "ratls_waiting"), 0);
    close(fd);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}
