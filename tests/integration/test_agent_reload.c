/* ratlsd: its configuration read again, its own rights, and what it says of itself. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_fixture.h"
#include "tls_key_scene.h"

TestSuite(agent_reload, .init = set_up, .fini = agent_tear_down, .timeout = 120);

static uint8_t buffer[RATLS_AGENT_ANSWER_MAX];
static struct agent agent;

static void reload(const char *rest, const char *expected)
{
    agent_configure(&agent, rest);
    cr_assert_eq(kill(agent.pid, SIGHUP), 0);
    agent_wait_for_log(&agent, expected);
}

static void begin(const char *rest)
{
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start(&agent, NULL, rest);
}

/* Text with %u for who runs the test. */
static const char *of_us(const char *format)
{
    static char rest[512];

    snprintf(rest, sizeof rest, format, (unsigned)getuid());
    return rest;
}

/* A service more, one less, on connections that are there already. */
Test(agent_reload, other_services)
{
    struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    int fd;

    begin(of_us("clients: [{user: %u, services: [shop]}]\n"));
    fd = agent_connect(&agent);
    name_service(&question, "mint");
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 1, RATLS_USAGE, "may not ask for the service \"mint\"");
    reload(of_us("clients: [{user: %u, services: [mint]}]\n"), "configuration was read again");
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_evidence(&answer, 10, "mint");
    name_service(&question, "shop");
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 1, RATLS_USAGE, "may not ask for the service \"shop\"");
    close(fd);
    agent_stop(&agent);
}

/* What is wrong changes nothing, and is said with its place. */
Test(agent_reload, wrong_configuration)
{
    begin(of_us("clients: [{user: %u, services: [shop]}]\n"));
    agent_must_serve(&agent, 10, "shop");
    reload("clients: [{user: no-such-user, services: [shop]}]\n",
           "clients[0].user: no user of the name no-such-user on this machine; the configuration "
           "stays as it was");
    agent_must_serve(&agent, 20, "shop");
    reload("clients: []\n", "an empty list");
    agent_must_serve(&agent, 30, "shop");
    agent_stop(&agent);
}

/* A user whose rule is gone: the connection ends, with what waits on it. */
Test(agent_reload, user_that_is_gone)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    agent_send(fd, &question);
    agent_await_figure(&agent, "ratls_waiting", 1);
    reload("clients: [{user: 20009, services: [shop]}]\n", "configuration was read again");
    cr_expect_not(agent_try_receive(fd, &answer, buffer, SLACK_MS));
    close(fd);
    tpm_mux_arm(&mux, false);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* What was opened with other rights is not opened again. */
Test(agent_reload, what_needs_a_restart)
{
    begin(of_us("clients: [{user: %u, services: [shop]}]\n"));
    reload(of_us("epoch: /nowhere/token\nclients: [{user: %u, services: [shop]}]\n"),
           "epoch was changed: that counts after a restart");
    agent_must_serve(&agent, 10, "shop");
    agent_stop(&agent);
}

/* The value of a line of /proc/PID/status. */
static void read_process(const char *key, char out[static 128])
{
    char path[PATH_LEN], line[256];
    FILE *in;

    snprintf(path, sizeof path, "/proc/%d/status", (int)agent.pid);
    in = fopen(path, "re");
    cr_assert_not_null(in);
    out[0] = '\0';
    while (fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            snprintf(out, 128, "%.120s", line + strlen(key));
    fclose(in);
}

/* Of root nothing is left, and nothing comes back. */
Test(agent_reload, rights)
{
    unsigned ids[4];
    char line[128];

    begin(of_us("clients: [{user: %u, services: [shop]}]\n"));
    agent_wait_for_log(&agent, "serving"); /* it listens before, and answers nobody */
    read_process("NoNewPrivs:", line);
    cr_expect_eq(strtol(line, NULL, 10), 1);
    for (unsigned k = 0; k < 2; k++) {
        read_process(k == 0 ? "Uid:" : "Gid:", line);
        cr_assert_eq(sscanf(line, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]), 4);
        for (unsigned i = 0; i < 4; i++)
            cr_expect_neq(ids[i], 0, "%s", line);
    }
    read_process("CapEff:", line);
    cr_expect_eq(strtoull(line, NULL, 16), 0);
    read_process("CapPrm:", line);
    cr_expect_eq(strtoull(line, NULL, 16), 0);
    agent_stop(&agent);
}

/* Exit code and words of one that must not begin. */
static void assert_not_begun(const char *expected)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        int fd = open(agent.log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd < 0 || dup2(fd, 2) < 0)
            _exit(127);
        execl(RATLS_AGENT_PROGRAM, "ratlsd", "--config", agent.config, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    agent_wait_for_log(&agent, expected);
}

static void write_config(const char *text)
{
    FILE *out = fopen(agent.config, "we");

    cr_assert_not_null(out);
    fprintf(out, "state: %s\nsocket: %s\nboot-log: none\nima-list: none\n%s", f.state, agent.socket,
            text);
    cr_assert_eq(fclose(out), 0);
}

static void expect_rights(const char *rest, gid_t gid, mode_t mode)
{
    struct stat info;

    write_config(rest);
    agent_run(&agent);
    cr_assert_eq(stat(agent.socket, &info), 0);
    cr_expect_eq(info.st_gid, gid);
    cr_expect_eq(info.st_mode & 0777, mode, "%o", (unsigned)info.st_mode);
    agent_stop(&agent);
}

/* Who may connect at all, where systemd makes no socket. */
Test(agent_reload, rights_of_the_socket)
{
    const char *const clients = "clients: [{user: 0, services: [shop]}]\n";
    const struct passwd *user = getpwnam(AGENT_USER);
    char rest[PATH_LEN];

    if (geteuid() != 0)
        cr_skip_test("only root gives files to groups");
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_configure(&agent, "");
    cr_assert_not_null(user);
    snprintf(rest, sizeof rest, "user: " AGENT_USER "\n%s", clients);
    expect_rights(rest, user->pw_gid, 0660);
    snprintf(rest, sizeof rest, "user: " AGENT_USER "\nsocket-group: 20007\n%s", clients);
    expect_rights(rest, 20007, 0660);
    snprintf(rest, sizeof rest, "user: " AGENT_USER "\nsocket-mode: 0666\n%s", clients);
    expect_rights(rest, user->pw_gid, 0666);
}

Test(agent_reload, refuses_to_begin)
{
    char folder[PATH_LEN];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_configure(&agent, of_us("clients: [{user: %u, services: [shop]}]\n"));
    if (geteuid() == 0) {
        write_config("clients: [{user: 0, services: [shop]}]\n");
        assert_not_begun("ratlsd does not run as root: say `user: NAME`");
        write_config("user: root\nclients: [{user: 0, services: [shop]}]\n");
        assert_not_begun("user: root is root");
    }
    write_config("user: no-such-user\nclients: [{user: 0, services: [shop]}]\n");
    assert_not_begun("ratlsd.yaml:5:7: user: no user of the name no-such-user on this machine; "
                     "`useradd --system");
    agent_configure(&agent, of_us("clients: [{user: %u, services: [shop]}]\n"));
    snprintf(folder, sizeof folder, "%s/agent", f.tpm.folder);
    cr_assert_eq(mkdir(folder, 0755), 0);
    cr_assert_eq(chmod(folder, 0777), 0);
    assert_not_begun("another user could put his own socket into this folder");
    cr_assert_eq(chmod(folder, 0775), 0);
    assert_not_begun("another user could put his own socket into this folder");
    cr_assert_eq(chmod(folder, 0755), 0);
    cr_assert_eq(close(open(agent.socket, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    assert_not_begun("there is a file that is no socket");
}

/* Item 10 of the evidence that the agent gives for a session with this TLS key. */
static size_t expect_proof(uint64_t id, const uint8_t spki[32])
{
    struct ratls_agent_question question = evidence_question(id, 10);
    static uint8_t bytes[RATLS_AGENT_ANSWER_MAX];
    struct ratls_agent_answer answer;
    struct ratls_evidence evidence;
    int fd = agent_connect(&agent);

    question.request.offers = RATLS_OFFER_TLS_KEY;
    memcpy(question.request.spki_sha256, spki, 32);
    agent_send(fd, &question);
    agent_receive(fd, &answer, bytes);
    close(fd);
    cr_assert_eq(answer.status, RATLS_OK);
    cr_assert(ratls_evidence_read(answer.payload, &evidence));
    if (evidence.tls_key.len > 0)
        expect_good(evidence.tls_key, spki);
    return evidence.tls_key.len;
}

/* The agent has the proofs, too; as the attestation key, what is new counts after a restart. */
Test(agent_reload, a_new_key_for_tls)
{
    struct ratls_tls_key key;
    uint8_t old[32], new[32];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    make_tls_key("old.key");
    read_tls_key("old.key", &key, old);
    agent_start_simply(&agent, NULL);
    cr_expect_gt(expect_proof(1, old), 0);
    make_tls_key("new.key");
    read_tls_key("new.key", &key, new);
    cr_expect_eq(expect_proof(2, new), 0, "it came behind the start");
    agent_stop(&agent);
    agent_start_simply(&agent, NULL);
    cr_expect_gt(expect_proof(3, new), 0);
    cr_expect_gt(expect_proof(4, old), 0);
    agent_stop(&agent);
}
