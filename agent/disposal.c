#include "disposal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* A look takes nothing out, and the files stay with the message: there is no room for them here,
 * which the kernel tells. */
bool ratls_agentd_has_files(int fd)
{
    char byte;
    struct iovec room = {.iov_base = &byte, .iov_len = sizeof byte};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
    ssize_t n;

    do
        n = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n >= 0 && (message.msg_flags & MSG_CTRUNC) != 0;
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
        close(told[1]);
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
        ratls_agentd_log(LOG_WARNING, "a connection stays open until ratlsd ends: no process to "
                                      "close it: %s",
                         strerror(errno));
}
