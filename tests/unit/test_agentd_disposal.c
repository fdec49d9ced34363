/* Connections on which files may wait: none is received, and none holds up who closes them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disposal.h"

#define SEEN_MAX 256 /* descriptors */

static int ours, theirs;
static bool sends_behind_the_look; /* what is looked at in vain, and comes then, has a file */

static void set_up(void)
{
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    ours = pair[0];
    theirs = pair[1];
}

static void tear_down(void)
{
    close(ours);
    close(theirs);
}

TestSuite(agentd_disposal, .init = set_up, .fini = tear_down);

static void send_file(size_t len)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    char bytes[] = "file";
    struct iovec part = {bytes, len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof theirs);
    memcpy(CMSG_DATA(header), &theirs, sizeof theirs);
    cr_assert_eq(sendmsg(theirs, &message, 0), (ssize_t)len);
}

/* In the place of the C library's: a message may come between any two calls. */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t n = syscall(SYS_recvmsg, fd, message, flags);
    const int cause = errno;

    if (n < 0 && sends_behind_the_look)
        send_file(4);
    errno = cause;
    return n;
}

/* Likewise: a child ends with how many descriptors it has then. */
void _exit(int code)
{
    int count = code;

    for (int fd = 0; fd < SEEN_MAX; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    for (;;)
        syscall(SYS_exit_group, count);
}

static void expect_none(int cause)
{
    uint8_t out[8];

    errno = 0;
    cr_expect_eq(ratls_agentd_receive_no_files(ours, out, sizeof out), -1);
    cr_expect_eq(errno, cause, "%s", strerror(errno));
}

Test(agentd_disposal, messages_are_received)
{
    uint8_t out[8];

    expect_none(EAGAIN);
    cr_assert_eq(send(theirs, "hello", 5, 0), 5);
    cr_expect_eq(ratls_agentd_receive_no_files(ours, out, sizeof out), 5);
    cr_expect_arr_eq(out, "hello", 5);
    expect_none(EAGAIN);
    shutdown(theirs, SHUT_WR);
    cr_expect_eq(ratls_agentd_receive_no_files(ours, out, sizeof out), 0);
}

Test(agentd_disposal, files_stay)
{
    send_file(4);
    expect_none(EPERM);
    expect_none(EPERM);
}

Test(agentd_disposal, files_of_an_empty_message_stay)
{
    send_file(0);
    expect_none(EPERM);
}

Test(agentd_disposal, a_file_that_comes_behind_the_look_stays)
{
    sends_behind_the_look = true;
    expect_none(EAGAIN);
    sends_behind_the_look = false;
    expect_none(EPERM);
}

/* The one that starts ratlsd was there before it. */
Test(agentd_disposal, connections_of_before_take_files)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof address;
    const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int calls[2], accepted[2];

    cr_assert_eq(bind(listener, (const struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    cr_assert_eq(listen(listener, 2), 0);
    for (int i = 0; i < 2; i++) {
        calls[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(calls[i], (const struct sockaddr *)&address, len), 0);
        ratls_agentd_refuse_files(listener);
    }
    for (int i = 0; i < 2; i++)
        accepted[i] = accept(listener, NULL, NULL);
    cr_expect(ratls_agentd_takes_files(accepted[0]));
    cr_expect_eq(ratls_agentd_takes_files(accepted[1]), ratls_agentd_takes_files(listener));
    for (int i = 0; i < 2; i++) {
        close(calls[i]);
        close(accepted[i]);
    }
    close(listener);
}

/* The child keeps the connection, and what it waits at: no lock and no other socket. */
Test(agentd_disposal, a_child_keeps_nothing_else)
{
    int others[] = {dup(ours), dup(theirs), fcntl(ours, F_DUPFD_CLOEXEC, SEEN_MAX / 2)};
    int status = 0;
    char byte;

    ratls_agentd_dispose(fcntl(ours, F_DUPFD_CLOEXEC, SEEN_MAX / 4));
    cr_expect_eq(recv(theirs, &byte, 1, 0), 0, "the other side sees the end");
    cr_assert_geq(wait(&status), 0);
    cr_expect(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 2);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        close(others[i]);
}
