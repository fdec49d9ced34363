#include "held_socket.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_LEN 64
#define LINK_MAX 64

enum look { SAME, OTHER, DENIED };

static enum look look_at(pid_t pid, int fd, uint64_t inode)
{
    char path[PATH_MAX_LEN];
    char seen[LINK_MAX];
    char wanted[LINK_MAX];
    ssize_t len;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    snprintf(wanted, sizeof wanted, "socket:[%" PRIu64 "]", inode);
    len = readlink(path, seen, sizeof seen - 1);
    if (len < 0)
        return errno == EACCES || errno == EPERM ? DENIED : OTHER;
    seen[len] = '\0';
    return strcmp(seen, wanted) == 0 ? SAME : OTHER;
}

bool ratls_held_socket_begin(pid_t pid, int fd, uint64_t inode, struct ratls_held_socket *ret)
{
    const enum look seen = look_at(pid, fd, inode);
    struct ratls_held_socket held = {
        .pid = pid, .fd = fd, .inode = inode, .is_hidden = seen == DENIED};

    if (seen == OTHER)
        return false;
    held.pidfd = pidfd_open(pid, 0);
    if (held.pidfd < 0)
        return false;
    *ret = held;
    return true;
}

void ratls_held_socket_clear(struct ratls_held_socket *socket)
{
    close(socket->pidfd);
    socket->pidfd = -1;
}

/* A name in /proc that is a number; -1 for another. */
static int read_number(const char *name)
{
    char *end = NULL;
    const long number = strtol(name, &end, 10);

    if (name[0] < '0' || name[0] > '9' || *end != '\0' || number > INT_MAX)
        return -1;
    return (int)number;
}

/* Which of its descriptors the socket is; -1 if none. */
static int find_in_process(pid_t pid, uint64_t inode)
{
    char path[PATH_MAX_LEN];
    struct dirent *entry;
    DIR *folder;
    int found = -1;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    if (folder == NULL)
        return -1;
    while (found < 0 && (entry = readdir(folder)) != NULL) {
        const int fd = read_number(entry->d_name);

        if (fd >= 0 && look_at(pid, fd, inode) == SAME)
            found = fd;
    }
    closedir(folder);
    return found;
}

/* The first of all processes that has it. */
static bool find_holder(struct ratls_held_socket *socket)
{
    DIR *folder = opendir("/proc");
    struct ratls_held_socket found;
    struct dirent *entry;
    bool done = false;

    while (folder != NULL && !done && (entry = readdir(folder)) != NULL) {
        const pid_t pid = read_number(entry->d_name);
        const int fd = pid > 0 && pid != getpid() ? find_in_process(pid, socket->inode) : -1;

        done = fd >= 0 && ratls_held_socket_begin(pid, fd, socket->inode, &found);
    }
    if (folder != NULL)
        closedir(folder);
    if (!done)
        return false;
    ratls_held_socket_clear(socket);
    *socket = found;
    return true;
}

static bool is_running(const struct ratls_held_socket *socket)
{
    struct pollfd end = {.fd = socket->pidfd, .events = POLLIN};

    return poll(&end, 1, 0) == 0;
}

bool ratls_held_socket_alive(struct ratls_held_socket *socket)
{
    if (socket->is_hidden)
        return is_running(socket);
    /* A process that has ended has no files: then the number may be another's already. */
    if (is_running(socket) && look_at(socket->pid, socket->fd, socket->inode) == SAME)
        return true;
    return find_holder(socket);
}

/* Its own inode decides, for the process may have closed the socket and opened another since. */
static int take(const struct ratls_held_socket *socket)
{
    const int fd = pidfd_getfd(socket->pidfd, socket->fd, 0);
    struct stat info;

    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_ino == socket->inode)
        return fd;
    close(fd);
    errno = EBADF;
    return -1;
}

bool ratls_held_socket_end(const struct ratls_held_socket *socket)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    const int fd = take(socket);
    bool done;

    if (fd < 0)
        return false;
    /* Of TCP a reset: nothing that the program has written so far leaves any more. */
    done = connect(fd, &none, sizeof none) == 0;
    done = shutdown(fd, SHUT_RDWR) == 0 || done || errno == ENOTCONN;
    close(fd);
    return done;
}

void ratls_held_socket_signal(const struct ratls_held_socket *socket, int signal)
{
    (void)pidfd_send_signal(socket->pidfd, signal, NULL, 0);
}
