/* ratlsd: what who is on the same machine may try, and how it is started without care. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_fixture.h"
#include "needs_root.h"

TestSuite(agent_hostile, .init = set_up, .fini = agent_tear_down, .timeout = 120);

#define STRANGER 20003u
#define LINGER_S 60
#define PASSRIGHTS 83 /* SO_PASSRIGHTS, which glibc does not have yet */

static uint8_t buffer[RATLS_AGENT_ANSWER_MAX];
static struct agent agent;

static void begin(void)
{
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
}

/* ---- files that are passed along ---- */

/* A TCP socket whose last close() waits: it has data that its peer does not take. */
static int make_lingering(int *ret_peer)
{
    const struct linger patience = {.l_onoff = 1, .l_linger = LINGER_S};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 1) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &len) == 0 &&
              connect(fd, (struct sockaddr *)&address, len) == 0);
    *ret_peer = accept(listener, NULL, NULL);
    while (send(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ;
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &patience, sizeof patience), 0);
    close(listener);
    return fd;
}

static ssize_t pass_file(int connection, int file)
{
    char control[CMSG_SPACE(sizeof file)] = {0};
    struct iovec bytes = {.iov_base = control, .iov_len = 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof file);
    memcpy(CMSG_DATA(header), &file, sizeof file);
    return sendmsg(connection, &message, MSG_NOSIGNAL);
}

static bool can_refuse_files(void)
{
    const int none = 0;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    bool can = setsockopt(fd, SOL_SOCKET, PASSRIGHTS, &none, sizeof none) == 0;

    close(fd);
    return can;
}

/* For this process and the agent: a kernel of before Linux 6.16, which knows no such option. */
static void forget_passrights(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PASSRIGHTS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof program / sizeof *program, program};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        cr_skip_test("no filter for system calls: %s", strerror(errno));
    cr_assert_not(can_refuse_files());
}

/* Where the kernel takes them, the agent neither reads such a message nor waits for its end. */
Test(agent_hostile, files_hold_nobody_up)
{
    const uint64_t start = now_ms();
    int peers[2], files[2], fd;

    forget_passrights();
    begin();
    fd = agent_connect_as(&agent, STRANGER, STRANGER, 0, NULL);
    files[0] = make_lingering(&peers[0]);
    cr_assert_eq(pass_file(fd, files[0]), 1);
    close(files[0]); /* only the agent has it now */
    agent_must_serve(&agent, 10, "shop");
    agent_wait_for_log(&agent, "ended a connection of user 20003: it passed a file");
    close(fd);
    agent_must_serve(&agent, 20, "shop");
    /* Behind an empty message, on a connection that ends. */
    fd = agent_connect_as(&agent, STRANGER, STRANGER, 0, NULL);
    files[1] = make_lingering(&peers[1]);
    cr_assert_eq(kill(agent.pid, SIGSTOP), 0); /* until both are there */
    cr_assert_eq(send(fd, "", 0, MSG_NOSIGNAL), 0);
    cr_assert_eq(pass_file(fd, files[1]), 1);
    close(files[1]);
    close(fd);
    cr_assert_eq(kill(agent.pid, SIGCONT), 0);
    agent_must_serve(&agent, 30, "shop");
    agent_await_figure(&agent, "ratls_connections", 1);
    cr_expect_lt(now_ms() - start, LINGER_S * 1000 / 2);
    agent_stop(&agent);
    cr_expect_lt(now_ms() - start, LINGER_S * 1000 / 2);
    close(peers[0]);
    close(peers[1]);
}

/* Whoever reads such a message closes the file that is in it, and waits as long as the sender of
 * the file wants. The kernel must not take it. */
Test(agent_hostile, no_files_are_taken)
{
    int fd, peer, file;
    ssize_t passed;

    begin();
    if (!can_refuse_files())
        cr_skip_test("this kernel is before Linux 6.16");
    fd = agent_connect_as(&agent, STRANGER, STRANGER, 0, NULL);
    file = make_lingering(&peer);
    passed = pass_file(fd, file);
    cr_expect(passed < 0 && errno == EPERM, "%zd", passed);
    if (passed > 0)
        close(file); /* only the agent has it now */
    agent_must_serve(&agent, 10, "shop");
    close(fd);
    agent_must_serve(&agent, 20, "shop");
    close(peer);
    agent_stop(&agent);
}

/* ---- who takes no answers ---- */

/* Asks as long as it is listened to. */
static void ask_without_end(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLOUT};

    for (uint64_t id = 0; id < 4000 && poll(&polled, 1, 2000) == 1; id++) {
        struct ratls_agent_question question = evidence_question(id, (uint8_t)id);
        uint8_t message[RATLS_AGENT_QUESTION_MAX];
        struct ratls_writer w = ratls_writer(message, sizeof message);

        question.deadline_ms = 1500;
        ratls_agent_question_write(&question, &w);
        if (send(fd, message, w.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            return;
    }
}

/* That is not the TPM's fault, and no alarm. */
Test(agent_hostile, who_takes_no_answers_does_not_accuse_the_tpm)
{
    int fd;

    begin();
    fd = agent_connect(&agent);
    ask_without_end(fd);
    assert_soon(agent_figure(&agent, "ratls_refused_total{reason=\"deadline\"}") > 0);
    agent_await_figure(&agent, "ratls_connections", 1); /* of who looks */
    cr_expect_not(agent_has_logged(&agent, "the TPM fails"));
    close(fd);
    agent_stop(&agent);
}

/* ---- started without care ---- */

static void start_by_hand(bool keeps_rights)
{
    char command[3 * PATH_LEN];

    snprintf(command, sizeof command, "exec %s --config %s <&- >&- 2>&-", RATLS_AGENT_PROGRAM,
             agent.config);
    agent.pid = fork();
    if (agent.pid == 0) {
        if (keeps_rights && prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) != 0)
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
}

static bool does_listen(void)
{
    int fd = agent_try_connect(&agent);

    cr_assert_eq(waitpid(agent.pid, NULL, WNOHANG), 0, "it does not begin");
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void begin_by_hand(bool keeps_rights)
{
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL); /* writes the configuration, and opens the folder */
    agent_stop(&agent);
    start_by_hand(keeps_rights);
    assert_soon(does_listen());
    agent_must_serve(&agent, 10, "shop");
}

/* Else the log would be written to whatever comes to have these numbers, a caller or the TPM. */
Test(agent_hostile, standard_streams_that_are_closed)
{
    begin_by_hand(false);
    for (int fd = 0; fd < 3; fd++) {
        char path[PATH_LEN];
        char target[PATH_LEN] = "";

        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)agent.pid, fd);
        cr_assert_gt(readlink(path, target, sizeof target - 1), 0);
        cr_expect_str_eq(target, "/dev/null", "%d is %s", fd, target);
    }
    agent_stop(&agent);
}

/* Others reach the socket all the same. */
Test(agent_hostile, strict_umask)
{
    const mode_t before = umask(077);
    struct ratls_agent_answer answer;
    int fd;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start(&agent, NULL, "clients: [{user: 20003, services: [shop]}]\n");
    umask(before);
    fd = agent_connect_as(&agent, STRANGER, STRANGER, 0, NULL);
    agent_send(fd, &(struct ratls_agent_question){.id = 1, .kind = RATLS_AGENT_STATUS});
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 1, RATLS_USAGE, "for root and for its own user");
    close(fd);
    agent_stop(&agent);
}

/* Where the kernel was told not to take them with the user id, as in some containers. */
Test(agent_hostile, capabilities_are_given_up)
{
    static const char *const sets[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
    char path[PATH_LEN], line[256];
    unsigned found = 0;
    FILE *in;

    begin_by_hand(true);
    snprintf(path, sizeof path, "/proc/%d/status", (int)agent.pid);
    in = fopen(path, "re");
    cr_assert_not_null(in);
    while (fgets(line, sizeof line, in) != NULL)
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
            if (strncmp(line, sets[i], strlen(sets[i])) == 0) {
                cr_expect_eq(strtoull(line + strlen(sets[i]), NULL, 16), 0, "%s", line);
                found++;
            }
    fclose(in);
    cr_expect_eq(found, sizeof sets / sizeof *sets);
    agent_stop(&agent);
}

/* ---- another who listens ---- */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    cr_assert(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
    return fd;
}

/* Answers the first who asks. */
static void answer_one(int listener, const char *text)
{
    const struct ratls_agent_answer answer = {.id = 1, .payload = ratls_slice(text, strlen(text))};
    struct ratls_writer w = ratls_writer(buffer, sizeof buffer);
    int fd = accept(listener, NULL, NULL);

    cr_assert_geq(fd, 0);
    cr_assert_gt(recv(fd, buffer, sizeof buffer, 0), 0);
    ratls_agent_answer_write(&answer, &w);
    cr_assert_eq(send(fd, w.p, w.len, MSG_NOSIGNAL), (ssize_t)w.len);
    close(fd);
}

/* Asks who listens there; *ret_output is what it prints. */
static pid_t start_status(const char *path, FILE **ret_output)
{
    int ends[2];
    pid_t pid;

    cr_assert_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        if (dup2(ends[1], STDOUT_FILENO) >= 0 && close(ends[0]) == 0 && close(ends[1]) == 0)
            execl(RATLS_AGENT_PROGRAM, "ratlsd", "--status", "--socket", path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *ret_output = fdopen(ends[0], "re");
    cr_assert_not_null(*ret_output);
    return pid;
}

/* What a terminal would obey is not printed. */
static void expect_status(const char *text, int expected)
{
    char path[PATH_LEN];
    FILE *output = NULL;
    int listener, status = 0;
    pid_t pid;

    snprintf(path, sizeof path, "%s/liar.sock", f.tpm.folder);
    listener = listen_at(path);
    pid = start_status(path, &output);
    answer_one(listener, text);
    while (fgets((char *)buffer, sizeof buffer, output) != NULL)
        cr_expect_null(strchr((char *)buffer, '\x1b'), "it printed an escape");
    fclose(output);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(WEXITSTATUS(status), expected, "%s", text);
    close(listener);
    cr_assert_eq(unlink(path), 0);
}

Test(agent_hostile, status_of_a_liar)
{
    expect_status("ratls_waiting 1\n", 0);
    expect_status("ratls_waiting 1\n\x1b]0;title\a\n", 3);
    expect_status("ratls_waiting \xff\n", 3);
}
