#include "agent_socket.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent_access.h"
#include "fail.h"

#define ROOT 0

/* Whether this user alone may write to the folder. */
static bool is_folder_of(const char *path, uid_t user)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == user &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/*
 * Whether root gave the user the folder in which the socket lies, as systemd does with
 * RuntimeDirectory=: nobody else can have put a socket there, or the folder itself. path is written
 * to.
 */
static bool is_place_of(char *path, uid_t user)
{
    uid_t owner = user;
    char *slash;

    while ((slash = strrchr(path, '/')) != NULL) {
        *slash = '\0';
        if (!is_folder_of(slash == path ? "/" : path, owner))
            return false;
        owner = ROOT;
    }
    return true;
}

/* By the name that was given and by where it leads: the folder of a link chooses as well. */
static bool is_trusted_place(const char *path, uid_t user)
{
    char name[RATLS_AGENT_PATH_MAX + 1];
    char *real = realpath(path, NULL);
    bool is_trusted;

    memcpy(name, path, strlen(path) + 1);
    is_trusted = real != NULL && is_place_of(real, user) && is_place_of(name, user);
    free(real);
    return is_trusted;
}

/*
 * Who may listen there. A liar gains little: clients refuse what he makes up. But he could keep
 * this process from attesting, and say of a machine that it has not changed.
 */
static enum ratls_status check_listener(int fd, const char *path, struct ratls_error *err)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (peer.uid == ROOT || peer.uid == geteuid() || is_trusted_place(path, peer.uid))
        return RATLS_OK;
    return ratls_fail(err, RATLS_USAGE,
                      "%s: who listens there is user %u, neither root nor the only one who may "
                      "write to this folder: not taken for the agent",
                      path, (unsigned)peer.uid);
}

static enum ratls_status fail_connect(const char *path, int error, struct ratls_error *err)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        return ratls_fail(err, RATLS_IO, "no agent listens at %s: start ratlsd", path);
    case EACCES:
    case EPERM:
        return ratls_agent_fail_access(path, err);
    case EAGAIN:
        return ratls_fail(err, RATLS_IO, "the agent at %s is too busy to take a connection", path);
    case EPROTOTYPE:
        return ratls_fail(err, RATLS_USAGE, "%s: a socket, but not of an agent", path);
    default:
        return ratls_fail(err, RATLS_IO, "connecting to the agent at %s: %s", path,
                          strerror(error));
    }
}

enum ratls_status ratls_agent_connect(const char *path, int *ret_fd, struct ratls_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    enum ratls_status status;
    int fd;

    if (strlen(path) > RATLS_AGENT_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: longer than %d bytes", path, RATLS_AGENT_PATH_MAX);
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "no socket: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        status = fail_connect(path, errno, err);
    else
        status = check_listener(fd, path, err);
    if (status == RATLS_OK)
        *ret_fd = fd;
    else
        close(fd);
    return status;
}
