#include "ca_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "fail.h"
#include "service.h"

#define UNIX_PREFIX "unix:"
#define SOCKET_MODE 0660
#define HOST_MAX 64

static enum ratls_status begin_listening(int fd, struct ratls_error *err)
{
    return listen(fd, SOMAXCONN) == 0 ? RATLS_OK
                                      : ratls_fail(err, RATLS_IO, "listening: %s", strerror(errno));
}

/* ---- a path ---- */

static enum ratls_status find_group(const char *name, gid_t *ret_gid, struct ratls_error *err)
{
    const struct group *group = name == NULL ? NULL : getgrnam(name);

    if (name != NULL && group == NULL)
        return ratls_fail(err, RATLS_USAGE, "--group %s: there is no such group", name);
    *ret_gid = group == NULL ? (gid_t)-1 : group->gr_gid;
    return RATLS_OK;
}

static enum ratls_status open_path(const char *path, const char *group, int *ret_fd,
                                   struct ratls_unix_mark *ret_mark, struct ratls_error *err)
{
    struct ratls_unix_place place = {
        .path = path, .type = SOCK_STREAM, .gid_key = "--group", .mode = SOCKET_MODE};
    enum ratls_status status;

    if (path[0] != '/')
        return ratls_fail(err, RATLS_USAGE, "--listen unix:%s: write the whole path", path);
    status = find_group(group, &place.gid, err);
    if (status == RATLS_OK)
        status = ratls_unix_bind(&place, ret_fd, err);
    if (status == RATLS_OK)
        ratls_unix_mark(path, ret_mark);
    return status;
}

/* ---- an address ---- */

/* Host and port, of which both are numbers: a name may mean another address tomorrow. */
static bool split(const char *where, char host[static HOST_MAX], const char **ret_port)
{
    const bool is_v6 = where[0] == '[';
    const char *end = is_v6 ? strchr(where, ']') : strrchr(where, ':');
    size_t len;

    if (end == NULL || (is_v6 && end[1] != ':'))
        return false;
    *ret_port = is_v6 ? end + 2 : end + 1;
    where += is_v6;
    len = (size_t)(end - where);
    if (len == 0 || len >= HOST_MAX || (*ret_port)[0] == '\0')
        return false;
    memcpy(host, where, len);
    host[len] = '\0';
    return true;
}

static enum ratls_status bind_address(const struct addrinfo *found, const char *where, int *ret_fd,
                                      struct ratls_error *err)
{
    const int yes = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    enum ratls_status status = RATLS_OK;

    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0)
        status = ratls_fail(err, RATLS_IO, "--listen %s: %s", where, strerror(errno));
    /* Before anybody can connect. */
    if (status == RATLS_OK)
        status = ratls_service_check_listener(fd, err);
    if (status == RATLS_OK)
        *ret_fd = fd;
    else
        close(fd);
    return status;
}

static enum ratls_status open_address(const char *where, int *ret_fd, struct ratls_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HOST_MAX];
    const char *port;
    enum ratls_status status;

    if (!split(where, host, &port) || getaddrinfo(host, port, &hints, &found) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "--listen %s: write unix:/PATH, 127.0.0.1:PORT or [::1]:PORT", where);
    status = bind_address(found, where, ret_fd, err);
    freeaddrinfo(found);
    return status;
}

/* ---- systemd's ---- */

static enum ratls_status take_passed(int count, int *ret_fd, struct ratls_error *err)
{
    const int fd = SD_LISTEN_FDS_START;

    if (count > 1)
        return ratls_fail(err, RATLS_USAGE,
                          "systemd passed %d sockets: ratls-ca.socket must have one", count);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return ratls_fail(err, RATLS_IO, "the socket of systemd: %s", strerror(errno));
    *ret_fd = fd;
    return RATLS_OK;
}

enum ratls_status ratls_ca_listen(const char *where, const char *group, int *ret_fd,
                                  struct ratls_unix_mark *ret_mark, struct ratls_error *err)
{
    const int passed = sd_listen_fds(1);
    struct ratls_unix_mark mark = {.inode = 0};
    enum ratls_status status;
    int fd = -1;

    *ret_mark = mark;
    if (passed < 0)
        return ratls_fail(err, RATLS_IO, "sockets of systemd: %s", strerror(-passed));
    if (passed > 0 && (where != NULL || group != NULL))
        return ratls_fail(err, RATLS_USAGE,
                          "systemd passed a socket: place and group are in ratls-ca.socket, not in "
                          "--listen and --group");
    if (passed > 0)
        return take_passed(passed, ret_fd, err);
    if (where == NULL)
        where = RATLS_CA_LISTEN_DEFAULT;
    if (strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        status = open_path(where + strlen(UNIX_PREFIX), group, &fd, &mark, err);
    else if (group != NULL)
        status = ratls_fail(err, RATLS_USAGE, "--group is for a UNIX socket");
    else
        status = open_address(where, &fd, err);
    if (status == RATLS_OK)
        status = begin_listening(fd, err);
    if (status != RATLS_OK) {
        ratls_unix_remove(&mark);
        if (fd >= 0)
            close(fd);
        return status;
    }
    *ret_fd = fd;
    *ret_mark = mark;
    return RATLS_OK;
}
