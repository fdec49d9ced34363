#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "disposal.h"
#include "fail.h"

#define FOLDER_MODE 0755
#define LOCK_MODE 0600
#define PATIENCE_S 10
#define PATH_LEN (sizeof((struct sockaddr_un *)NULL)->sun_path + sizeof ".lock")

static enum ratls_status fail_file(const char *path, struct ratls_error *err)
{
    return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
}

/* ---- systemd's ---- */

static enum ratls_status take_passed(int count, int *ret_fd, struct ratls_error *err)
{
    const int fd = SD_LISTEN_FDS_START;

    if (count > 1)
        return ratls_fail(err, RATLS_USAGE,
                          "systemd passed %d sockets: ratlsd.socket must have one", count);
    if (sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
        return ratls_fail(err, RATLS_USAGE,
                          "systemd passed a socket of another kind: ratlsd.socket must have "
                          "ListenSequentialPacket=");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return ratls_fail(err, RATLS_IO, "the socket of systemd: %s", strerror(errno));
    ratls_agentd_refuse_files(fd);
    *ret_fd = fd;
    return RATLS_OK;
}

/* ---- its own ---- */

static bool set_address(const char *path, struct sockaddr_un *ret_address)
{
    size_t len = strlen(path);

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len >= sizeof ret_address->sun_path)
        return false;
    memcpy(ret_address->sun_path, path, len + 1);
    return true;
}

static enum ratls_status fail_connect(const char *path, int cause, struct ratls_error *err)
{
    switch (cause) {
    case ENOENT:
    case ECONNREFUSED:
        return ratls_fail(err, RATLS_IO,
                          "%s: no ratlsd listens there: start it, or name its socket with --socket",
                          path);
    case EACCES:
        return ratls_fail(err, RATLS_IO,
                          "%s: permission denied: only root and the agent's own user see what it "
                          "counts",
                          path);
    case EPROTOTYPE:
        return ratls_fail(err, RATLS_IO, "%s: a socket, but not of ratlsd", path);
    default:
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(cause));
    }
}

enum ratls_status ratls_agentd_connect(const char *path, int *ret_fd, struct ratls_error *err)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address;
    enum ratls_status status;
    int fd;

    if (!set_address(path, &address))
        return ratls_fail(err, RATLS_USAGE, "%.64s...: too long for a socket", path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "socket: %s", strerror(errno));
    /* connect() waits where as many wait already as may (unix(7)). */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        *ret_fd = fd;
        return RATLS_OK;
    }
    status = fail_connect(path, errno, err);
    close(fd);
    return status;
}

/* Whatever the umask is, of an administrator or a unit: the callers are other users. */
static bool make_readable(const char *folder)
{
    const mode_t before = umask(0);
    const bool is_made = mkdir(folder, FOLDER_MODE) == 0;
    const int cause = errno;

    umask(before);
    errno = cause;
    return is_made;
}

/* Who may write to the folder could put a socket of his own there. */
static enum ratls_status make_folder(const char *path, struct ratls_error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_LEN];
    struct stat info;

    (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (!make_readable(folder) && errno != EEXIST)
        return fail_file(folder, err);
    if (stat(folder, &info) != 0)
        return fail_file(folder, err);
    if ((info.st_uid != 0 && info.st_uid != geteuid()) || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: another user could put his own socket into this folder: take one "
                          "to which only root may write, such as /run/ratls",
                          folder);
    return RATLS_OK;
}

/* Held while the process lives, so that two of them do not take each other's socket away. */
static enum ratls_status lock_path(const char *path, struct ratls_error *err)
{
    char name[PATH_LEN];
    int fd;

    (void)snprintf(name, sizeof name, "%s.lock", path);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (fd < 0)
        return fail_file(name, err);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return RATLS_OK;
    close(fd);
    return ratls_fail(err, RATLS_USAGE, "%s: another ratlsd listens there already", path);
}

/* Only one that refuses is: one that is busy is not. */
static bool is_stale(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_refused = fd >= 0 && set_address(path, &address) &&
                      connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
                      errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return is_refused;
}

/* A socket that nobody listens on is left of one that is gone; anything else is not ours. */
static enum ratls_status remove_stale(const char *path, struct ratls_error *err)
{
    struct stat info;

    if (lstat(path, &info) != 0)
        return errno == ENOENT ? RATLS_OK : fail_file(path, err);
    if (!S_ISSOCK(info.st_mode))
        return ratls_fail(err, RATLS_USAGE, "%s: there is a file that is no socket", path);
    if (!is_stale(path))
        return ratls_fail(err, RATLS_USAGE, "%s: another program listens there already", path);
    return unlink(path) == 0 ? RATLS_OK : fail_file(path, err);
}

/* The rules decide what a user gets; who may connect at all, the file's group. */
static enum ratls_status give_rights(const struct ratls_agentd_config *config,
                                     struct ratls_error *err)
{
    struct stat info;

    if (stat(config->socket, &info) != 0)
        return fail_file(config->socket, err);
    if (info.st_gid != config->socket_gid &&
        chown(config->socket, (uid_t)-1, config->socket_gid) != 0)
        return ratls_fail(err, errno == EPERM ? RATLS_USAGE : RATLS_IO,
                          "%s: giving it the group %u (socket-group): %s", config->socket,
                          (unsigned)config->socket_gid, strerror(errno));
    return chmod(config->socket, config->socket_mode) == 0 ? RATLS_OK
                                                           : fail_file(config->socket, err);
}

static enum ratls_status bind_socket(const struct ratls_agentd_config *config, int *ret_fd,
                                     struct ratls_error *err)
{
    const char *path = config->socket;
    struct sockaddr_un address;
    enum ratls_status status = RATLS_OK;
    int fd;

    if (!set_address(path, &address))
        return ratls_fail(err, RATLS_USAGE, "%.64s...: too long for a socket", path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "socket: %s", strerror(errno));
    ratls_agentd_refuse_files(fd); /* before there is a connection */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        status = fail_file(path, err);
    if (status == RATLS_OK)
        status = give_rights(config, err);
    if (status == RATLS_OK && listen(fd, SOMAXCONN) != 0)
        status = fail_file(path, err);
    if (status == RATLS_OK)
        *ret_fd = fd;
    else
        close(fd);
    return status;
}

static enum ratls_status open_own(const struct ratls_agentd_config *config, int *ret_fd,
                                  struct ratls_error *err)
{
    enum ratls_status status = make_folder(config->socket, err);

    if (status == RATLS_OK)
        status = lock_path(config->socket, err);
    if (status == RATLS_OK)
        status = remove_stale(config->socket, err);
    return status == RATLS_OK ? bind_socket(config, ret_fd, err) : status;
}

enum ratls_status ratls_agentd_listen(const struct ratls_agentd_config *config, int *ret_fd,
                                      struct ratls_error *err)
{
    const int passed = sd_listen_fds(1);

    if (passed < 0)
        return ratls_fail(err, RATLS_IO, "sockets of systemd: %s", strerror(-passed));
    return passed > 0 ? take_passed(passed, ret_fd, err) : open_own(config, ret_fd, err);
}
