#include "disposal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* Linux 6.16; glibc does not have it yet. The number is that of asm-generic/socket.h. */
#if !defined SO_PASSRIGHTS && SO_PEERGROUPS == 59
#define SO_PASSRIGHTS 83
#endif

void ratls_agentd_refuse_files(int listener)
{
#ifdef SO_PASSRIGHTS
    const int none = 0;

    (void)setsockopt(listener, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof none);
#else
    (void)listener;
#endif
}

/* A connection has what was set when its other end called connect(), and not when it is accepted.
 */
bool ratls_agentd_takes_files(int fd)
{
#ifdef SO_PASSRIGHTS
    int takes = 1;
    socklen_t len = sizeof takes;

    return getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &takes, &len) != 0 || takes != 0;
#else
    (void)fd;
    return true;
#endif
}

/*
 * A look takes nothing out, and the files stay with the message: there is no room for them here,
 * which the kernel tells. Where there is nothing to look at, nothing is received: a message that
 * comes in between was not looked at.
 */
ssize_t ratls_agentd_receive_no_files(int fd, uint8_t *out, size_t cap)
{
    char byte;
    struct iovec room = {.iov_base = &byte, .iov_len = sizeof byte};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};

    if (recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT) < 0)
        return -1;
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        errno = EPERM;
        return -1;
    }
    return recv(fd, out, cap, MSG_DONTWAIT);
}

/*
 * Of all that the parent has open, a child that waits must keep nothing else: the parent's socket
 * and lock would not be free for the next ratlsd, nor other connections at their end.
 */
static void close_all_but(unsigned a, unsigned b)
{
    const unsigned low = a < b ? a : b;
    const unsigned high = a < b ? b : a;

    if (low > 0)
        (void)close_range(0, low - 1, 0);
    if (high - low > 1)
        (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, UINT_MAX, 0);
}

/*
 * A process that ends does not linger (inet_release() of the kernel); and if it waits for something
 * else, nobody waits for it. It must be the last to have the connection: so it waits until the
 * other end of the pipe is closed, by this process behind its own close().
 */
static bool leave_to_child(int fd)
{
    int told[2];
    char byte;
    pid_t child;

    if (pipe(told) != 0)
        return false;
    child = fork();
    if (child == 0) {
        close_all_but((unsigned)fd, (unsigned)told[0]);
        (void)!read(told[0], &byte, sizeof byte);
        _exit(0);
    }
    close(told[0]);
    if (child > 0)
        close(fd);
    close(told[1]);
    return child > 0;
}

void ratls_agentd_dispose(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
    if (!leave_to_child(fd))
        ratls_log(LOG_WARNING,
                  "a connection stays open until ratlsd ends: no process to "
                  "close it: %s",
                  strerror(errno));
}
