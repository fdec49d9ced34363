#include "tls_announce.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fail.h"
#include "tls_internal.h"

#define MS_PER_S 1000
#define WAIT_MS 5000 /* who watches has nothing to do but to look at one folder of /proc */

static bool is_terminated(const char *text, size_t cap)
{
    return memchr(text, '\0', cap) != NULL;
}

bool ratls_announcement_valid(const struct ratls_announcement *a)
{
    return a->magic == RATLS_ANNOUNCEMENT_MAGIC && a->len == sizeof *a && a->socket_count > 0 &&
           a->socket_count <= RATLS_SOCKETS_MAX && a->extension <= UINT16_MAX && a->peer.len > 0 &&
           a->peer.len <= sizeof a->peer.address && a->peer.own_len <= sizeof a->peer.own &&
           is_terminated(a->peer.device, sizeof a->peer.device) &&
           is_terminated(a->server_name, sizeof a->server_name) && a->machine.ak_name_len > 0 &&
           a->machine.ak_name_len <= sizeof a->machine.ak_name;
}

static enum ratls_status find_sockets(const SSL *ssl, struct ratls_announcement *a,
                                      struct ratls_error *err)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);
    const uint64_t tls_read = BIO_number_read(SSL_get_rbio(ssl)) - channel->read_before;
    struct ratls_sockets sockets;
    struct stat info;
    enum ratls_status status = ratls_peer_find_sockets(ssl, tls_read, &a->peer, &sockets, err);

    if (status != RATLS_OK)
        return status;
    if (sockets.count > RATLS_SOCKETS_MAX)
        return ratls_fail(err, RATLS_LIMIT, "more than %d handshakes at once", RATLS_SOCKETS_MAX);
    for (size_t i = 0; i < sockets.count; i++) {
        if (fstat(sockets.fds[i], &info) != 0)
            return ratls_fail(err, RATLS_IO, "a socket of the program: %s", strerror(errno));
        a->fds[i] = sockets.fds[i];
        a->inodes[i] = info.st_ino;
    }
    a->socket_count = (uint32_t)sockets.count;
    return RATLS_OK;
}

/* Not from now: somebody may have held the evidence back. UINT64_MAX: nobody knows. */
static uint64_t find_age_ms(const struct ratls_channel *channel)
{
    const struct ratls_accepted *accepted = &channel->report->accepted;
    const uint64_t age_ms = ratls_moment_age_ms(&channel->asked_at);
    const uint64_t more_ms = accepted->is_dated ? accepted->age_s * MS_PER_S : 0;

    return age_ms > UINT64_MAX - more_ms ? UINT64_MAX : age_ms + more_ms;
}

static enum ratls_status describe(const SSL *ssl, struct ratls_announcement *a,
                                  struct ratls_error *err)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);
    enum ratls_status status;

    memset(a, 0, sizeof *a); /* its gaps too: the bytes go to another process */
    a->magic = RATLS_ANNOUNCEMENT_MAGIC;
    a->len = sizeof *a;
    a->extension = ratls_tls_of(ssl)->extension;
    a->has_sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL;
    memcpy(a->server_name, channel->server_name, sizeof a->server_name);
    status = ratls_machine_of(ssl, &a->machine, err);
    if (status == RATLS_OK)
        a->age_ms = find_age_ms(channel);
    return status == RATLS_OK ? find_sockets(ssl, a, err) : status;
}

static enum ratls_status tell(const struct ratls_announcement *a, const char *path,
                              struct ratls_error *err)
{
    const int64_t deadline_ms = ratls_peer_now_ms() + WAIT_MS;
    struct ratls_peer watcher = {.len = sizeof(struct sockaddr_un)};
    struct sockaddr_un *address = (struct sockaddr_un *)&watcher.address;
    const struct ratls_slice bytes = {(const uint8_t *)a, sizeof *a};
    enum ratls_status status;
    uint8_t answer = 0;
    size_t len;
    int fd;

    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path)
        return ratls_fail(err, RATLS_USAGE, "%s: too long for a UNIX socket", path);
    memcpy(address->sun_path, path, strlen(path) + 1);
    status = ratls_peer_connect(&watcher, deadline_ms, &fd, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_peer_send(fd, bytes, deadline_ms, err);
    if (status == RATLS_OK)
        status = ratls_peer_receive(fd, &answer, 1, deadline_ms, &len, err);
    close(fd);
    if (status == RATLS_OK && answer != RATLS_ANNOUNCEMENT_TAKEN)
        status = ratls_fail(err, RATLS_IO, "it cannot be watched");
    return status;
}

enum ratls_status ratls_announce(const SSL *ssl, const char *path, struct ratls_error *err)
{
    const int own_errno = errno;
    struct ratls_announcement announcement;
    struct ratls_error reason = {0};
    enum ratls_status status = describe(ssl, &announcement, &reason);

    if (status == RATLS_OK)
        status = tell(&announcement, path, &reason);
    errno = own_errno;
    if (status != RATLS_OK)
        return ratls_fail(err, status,
                          "the server is attested, but the connection cannot be watched: %s",
                          reason.text);
    return RATLS_OK;
}
