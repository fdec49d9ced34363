#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "disposal.h"
#include "fail.h"
#include "unix_place.h"

#define PATIENCE_S 10

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

    if (!ratls_unix_address(path, &address))
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

static enum ratls_status open_own(const struct ratls_agentd_config *config, int *ret_fd,
                                  struct ratls_error *err)
{
    const struct ratls_unix_place place = {.path = config->socket,
                                           .type = SOCK_SEQPACKET,
                                           .gid = config->socket_gid,
                                           .gid_key = "socket-group",
                                           .mode = config->socket_mode};
    enum ratls_status status;
    int fd = -1;

    status = ratls_unix_bind(&place, &fd, err);
    if (status != RATLS_OK)
        return status;
    ratls_agentd_refuse_files(fd); /* before there is a connection */
    if (listen(fd, SOMAXCONN) != 0) {
        status = ratls_fail(err, RATLS_IO, "%s: %s", config->socket, strerror(errno));
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return RATLS_OK;
}

enum ratls_status ratls_agentd_listen(const struct ratls_agentd_config *config, int *ret_fd,
                                      struct ratls_error *err)
{
    const int passed = sd_listen_fds(1);

    if (passed < 0)
        return ratls_fail(err, RATLS_IO, "sockets of systemd: %s", strerror(-passed));
    return passed > 0 ? take_passed(passed, ret_fd, err) : open_own(config, ret_fd, err);
}
