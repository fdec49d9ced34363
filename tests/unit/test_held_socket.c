/* Sockets that another process holds: seen, followed to a third one, and ended. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "held_socket.h"
#include "must.h"

struct scene {
    int ends[2]; /* of a connection; this process keeps the first alone */
    uint64_t inode;
    pid_t holder; /* of the second */
};

static pid_t start_holder(int fd_kept, int fd_closed)
{
    pid_t pid = fork();

    must(pid >= 0);
    if (pid > 0)
        return pid;
    close(fd_closed);
    while (pause() < 0)
        continue;
    _exit(fd_kept);
}

static void begin(struct scene *s)
{
    struct stat info;

    must(socketpair(AF_UNIX, SOCK_STREAM, 0, s->ends) == 0 && fstat(s->ends[1], &info) == 0);
    s->inode = info.st_ino;
    s->holder = start_holder(s->ends[1], s->ends[0]);
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    must(waitpid(pid, NULL, 0) == pid);
}

/* What the first end reads: -1 nothing yet, 0 the end. */
static ssize_t peek(const struct scene *s)
{
    char byte;

    return recv(s->ends[0], &byte, 1, MSG_DONTWAIT | MSG_PEEK);
}

Test(held_socket, is_ended)
{
    struct ratls_held_socket held;
    struct scene s;

    begin(&s);
    cr_assert(ratls_held_socket_begin(s.holder, s.ends[1], s.inode, &held));
    cr_assert_not(held.is_hidden);
    close(s.ends[1]);
    cr_assert(ratls_held_socket_alive(&held));
    cr_assert_eq(peek(&s), -1);
    if (!ratls_held_socket_end(&held) && (errno == EPERM || errno == ENOSYS))
        cr_skip_test("this machine does not let us: %s", strerror(errno));
    cr_assert_eq(peek(&s), 0);
    cr_assert(ratls_held_socket_alive(&held), "the program still has it open");
    stop(s.holder);
    cr_assert_not(ratls_held_socket_alive(&held));
    cr_assert_not(ratls_held_socket_end(&held));
    ratls_held_socket_clear(&held);
    close(s.ends[0]);
}

/* It forks, and ends: its child has the connection now. */
Test(held_socket, is_followed)
{
    struct ratls_held_socket held;
    struct scene s;
    pid_t next;

    begin(&s);
    cr_assert(ratls_held_socket_begin(s.holder, s.ends[1], s.inode, &held));
    next = start_holder(s.ends[1], s.ends[0]);
    close(s.ends[1]);
    stop(s.holder);
    cr_assert(ratls_held_socket_alive(&held));
    cr_assert_eq(held.pid, next);
    stop(next);
    cr_assert_not(ratls_held_socket_alive(&held));
    ratls_held_socket_clear(&held);
    close(s.ends[0]);
}

Test(held_socket, is_another)
{
    struct ratls_held_socket held;
    struct scene s;

    begin(&s);
    cr_assert_not(ratls_held_socket_begin(s.holder, s.ends[1], s.inode + 1, &held));
    cr_assert_not(ratls_held_socket_begin(s.holder, s.ends[1] + 100, s.inode, &held));
    cr_assert_not(ratls_held_socket_begin(0, s.ends[1], s.inode, &held));
    stop(s.holder);
    cr_assert_not(ratls_held_socket_begin(s.holder, s.ends[1], s.inode, &held));
    close(s.ends[0]);
    close(s.ends[1]);
}
