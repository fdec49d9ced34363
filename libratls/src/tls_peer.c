#include "tls_peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* newer than <netinet/tcp.h>, and not together with it */
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

#define SOCKETS_FOLDER "/proc/self/fd"
#define MS_PER_S 1000
#define NS_PER_MS 1000000

static bool read_option(int fd, int name, int *ret)
{
    socklen_t len = sizeof *ret;

    return getsockopt(fd, SOL_SOCKET, name, ret, &len) == 0;
}

/* The address without its port: that is the first socket's. False: of no family that routes. */
static bool clear_port(struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        ((struct sockaddr_in *)address)->sin_port = 0;
    else if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = 0;
    return address->ss_family == AF_INET || address->ss_family == AF_INET6;
}

/* A kernel, or a sandbox, that does not say has nothing of that kind. */
static void read_way(int fd, struct ratls_peer *peer)
{
    socklen_t len = sizeof peer->own;

    if (getsockname(fd, (struct sockaddr *)&peer->own, &len) == 0 && clear_port(&peer->own))
        peer->own_len = len;
    len = sizeof peer->device; /* the kernel writes a NUL, and wants room for the longest name */
    if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, peer->device, &len) != 0)
        peer->device[0] = '\0';
    if (!read_option(fd, SO_MARK, &peer->mark))
        peer->mark = 0;
}

/* Sets errno. */
static bool take_way(int fd, const struct ratls_peer *peer)
{
    const int on = 1;

    if (peer->mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &peer->mark, sizeof peer->mark) != 0)
        return false;
    if (peer->device[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, peer->device,
                                              (socklen_t)strlen(peer->device)) != 0)
        return false;
    if (peer->own_len == 0)
        return true;
    /* Only connect() takes a port, and it may take one that another destination has in use. */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (const struct sockaddr *)&peer->own, peer->own_len) == 0;
}

bool ratls_peer_of_socket(int fd, struct ratls_peer *ret_peer)
{
    struct ratls_peer peer = {.len = sizeof peer.address};
    int type;

    if (!read_option(fd, SO_TYPE, &type) || type != SOCK_STREAM ||
        !read_option(fd, SO_PROTOCOL, &peer.protocol) ||
        getpeername(fd, (struct sockaddr *)&peer.address, &peer.len) != 0)
        return false;
    /* The other end of socketpair(), or a UNIX socket that was not bound. */
    if (peer.len <= sizeof peer.address.ss_family || peer.len > sizeof peer.address)
        return false;
    read_way(fd, &peer);
    *ret_peer = peer;
    return true;
}

static bool read_received(int fd, uint64_t *ret)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return false;
    *ret = info.tcpi_bytes_received;
    return true;
}

/* How much this process has read from a TCP connection since its begin. False: not known. */
static bool count_read(int fd, uint64_t *ret)
{
    uint64_t before;
    uint64_t received;
    int waiting;

    if (!read_received(fd, &received))
        return false;
    do { /* bytes may arrive between the two questions */
        before = received;
        if (ioctl(fd, SIOCINQ, &waiting) != 0 || !read_received(fd, &received))
            return false;
    } while (received != before);
    *ret = received - (uint64_t)waiting;
    return true;
}

static enum ratls_status check_shown(int fd, uint64_t tls_read, const struct ratls_peer *peer,
                                     struct ratls_error *err)
{
    uint64_t count;

    if (peer->protocol == IPPROTO_TCP && count_read(fd, &count) && count != tls_read)
        return ratls_fail(err, RATLS_USAGE,
                          "the connection did not begin with TLS (a proxy, or STARTTLS)");
    return RATLS_OK;
}

static bool is_same_address(const struct ratls_peer *a, const struct ratls_peer *b)
{
    return a->len == b->len && memcmp(&a->address, &b->address, a->len) == 0;
}

/* Looks at one socket of the process. False if it makes the answer ambiguous. */
static bool consider(int fd, uint64_t tls_read, struct ratls_peer *found,
                     struct ratls_sockets *sockets)
{
    struct ratls_peer peer;
    uint64_t count;

    if (!ratls_peer_of_socket(fd, &peer) || peer.protocol != IPPROTO_TCP ||
        !count_read(fd, &count) || count != tls_read)
        return true;
    if (found->len != 0 && !is_same_address(found, &peer))
        return false;
    if (sockets->count < RATLS_SOCKETS_MAX)
        sockets->fds[sockets->count] = fd;
    sockets->count++;
    *found = peer;
    return true;
}

static enum ratls_status search(uint64_t tls_read, struct ratls_peer *ret_peer,
                                struct ratls_sockets *ret_sockets, struct ratls_error *err)
{
    struct ratls_peer found = {.len = 0};
    struct ratls_sockets sockets = {.count = 0};
    DIR *folder = opendir(SOCKETS_FOLDER);
    bool is_clear = true;
    struct dirent *entry;

    if (folder == NULL)
        return ratls_fail(err, RATLS_USAGE, "the program does not show its socket, and %s: %s",
                          SOCKETS_FOLDER, strerror(errno));
    while (is_clear && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            is_clear = consider((int)strtol(entry->d_name, NULL, 10), tls_read, &found, &sockets);
    }
    closedir(folder);
    if (!is_clear)
        return ratls_fail(err, RATLS_USAGE,
                          "the program does not show which of its sockets it is on");
    if (found.len == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "the program does not show a socket on which TLS began");
    *ret_peer = found;
    *ret_sockets = sockets;
    return RATLS_OK;
}

enum ratls_status ratls_peer_find(const SSL *ssl, uint64_t tls_read, struct ratls_peer *ret_peer,
                                  struct ratls_error *err)
{
    struct ratls_sockets sockets;

    return ratls_peer_find_sockets(ssl, tls_read, ret_peer, &sockets, err);
}

enum ratls_status ratls_peer_find_sockets(const SSL *ssl, uint64_t tls_read,
                                          struct ratls_peer *ret_peer,
                                          struct ratls_sockets *ret_sockets,
                                          struct ratls_error *err)
{
    const int fd = SSL_get_fd(ssl);
    struct ratls_peer peer;
    enum ratls_status status;

    if (fd < 0)
        return search(tls_read, ret_peer, ret_sockets, err);
    if (!ratls_peer_of_socket(fd, &peer))
        return ratls_fail(err, RATLS_USAGE, "the other end of the socket has no address");
    status = check_shown(fd, tls_read, &peer, err);
    if (status != RATLS_OK)
        return status;
    *ret_peer = peer;
    *ret_sockets = (struct ratls_sockets){.fds = {fd}, .count = 1};
    return RATLS_OK;
}

int64_t ratls_peer_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static enum ratls_status fail_io(struct ratls_error *err, const char *what)
{
    return ratls_fail(err, RATLS_IO, "%s: %s", what, strerror(errno));
}

/* Sets errno if the socket is not ready before the deadline. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd ready = {.fd = fd, .events = events};
    int64_t left_ms;
    int count;

    do {
        left_ms = deadline_ms - ratls_peer_now_ms();
        count = poll(&ready, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (count < 0 && errno == EINTR);
    if (count == 0)
        errno = ETIMEDOUT;
    return count > 0;
}

/* A UNIX socket that has a queue too long says EAGAIN: that is a failure like any other. */
static bool begin_connect(int fd, const struct ratls_peer *peer, int64_t deadline_ms)
{
    int reason = 0;

    if (connect(fd, (const struct sockaddr *)&peer->address, peer->len) == 0)
        return true;
    if ((errno != EINPROGRESS && errno != EINTR) || !wait_for(fd, POLLOUT, deadline_ms) ||
        !read_option(fd, SO_ERROR, &reason))
        return false;
    errno = reason;
    return reason == 0;
}

/* Never 0 to 2: what a program prints that has closed these must not go to a server. */
static int new_socket(const struct ratls_peer *peer)
{
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(peer->address.ss_family, type, peer->protocol);
    int reason, higher;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    reason = errno;
    close(fd);
    errno = reason;
    return higher;
}

enum ratls_status ratls_peer_connect(const struct ratls_peer *peer, int64_t deadline_ms,
                                     int *ret_fd, struct ratls_error *err)
{
    int fd = new_socket(peer);
    enum ratls_status status;

    if (fd < 0)
        return fail_io(err, "cannot make a socket");
    if (!take_way(fd, peer))
        status = fail_io(err, "cannot bind a socket as the program's socket is");
    else if (!begin_connect(fd, peer, deadline_ms))
        status = fail_io(err, "cannot connect");
    else
        status = RATLS_OK;
    if (status == RATLS_OK)
        *ret_fd = fd;
    else
        close(fd);
    return status;
}

static bool may_try_again(int fd, short events, int64_t deadline_ms)
{
    if (errno == EINTR)
        return true;
    return (errno == EAGAIN || errno == EWOULDBLOCK) && wait_for(fd, events, deadline_ms);
}

enum ratls_status ratls_peer_send(int fd, struct ratls_slice bytes, int64_t deadline_ms,
                                  struct ratls_error *err)
{
    struct ratls_reader r = ratls_reader(bytes);

    while (r.rest.len > 0) {
        ssize_t count = send(fd, r.rest.p, r.rest.len, MSG_NOSIGNAL);

        if (count >= 0)
            ratls_read_bytes(&r, (size_t)count);
        else if (!may_try_again(fd, POLLOUT, deadline_ms))
            return fail_io(err, "cannot send");
    }
    return RATLS_OK;
}

enum ratls_status ratls_peer_receive(int fd, uint8_t *out, size_t cap, int64_t deadline_ms,
                                     size_t *ret_len, struct ratls_error *err)
{
    ssize_t count;

    if (ratls_peer_now_ms() >= deadline_ms) { /* one that trickles is never waited for */
        errno = ETIMEDOUT;
        return fail_io(err, "no answer");
    }
    do
        count = recv(fd, out, cap, 0);
    while (count < 0 && may_try_again(fd, POLLIN, deadline_ms));
    if (count < 0)
        return fail_io(err, "no answer");
    if (count == 0)
        return ratls_fail(err, RATLS_IO, "the server closed the connection");
    *ret_len = (size_t)count;
    return RATLS_OK;
}
