#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "tls_peer.h"

#define PORT_DEFAULT "443"
#define MS_PER_S 1000

static bool copy_part(char *out, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static bool is_port(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    unsigned long value = 0;

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    for (; *text != '\0'; text++)
        value = 10 * value + (unsigned long)(*text - '0');
    return value >= 1 && value <= UINT16_MAX;
}

/* The parts of "host:port", "[host]:port", "host"; a bare IPv6 address has no port. */
static bool split(const char *text, struct ratls_endpoint *ret)
{
    const char *colon = strchr(text, ':');
    const char *port = PORT_DEFAULT;
    size_t len = strlen(text);

    if (strchr(text, '/') != NULL) /* a URL */
        return false;
    if (text[0] == '[') {
        const char *close = strchr(text, ']');

        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return false;
        if (close[1] == ':')
            port = close + 2;
        text++;
        len = (size_t)(close - text);
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        port = colon + 1;
        len = (size_t)(colon - text);
    }
    return is_port(port) && copy_part(ret->host, sizeof ret->host, text, len) &&
           copy_part(ret->port, sizeof ret->port, port, strlen(port));
}

enum ratls_status ratls_endpoint_parse(const char *text, struct ratls_endpoint *ret_endpoint,
                                       struct ratls_error *err)
{
    struct ratls_endpoint endpoint = {.is_address = false};
    uint8_t address[sizeof(struct in6_addr)];

    if (!split(text, &endpoint))
        return ratls_fail(err, RATLS_USAGE,
                          "'%s' is no server; write HOST:PORT, for example bank.example:443 or "
                          "[::1]:443",
                          text);
    endpoint.is_address = inet_pton(AF_INET, endpoint.host, address) == 1 ||
                          inet_pton(AF_INET6, endpoint.host, address) == 1;
    *ret_endpoint = endpoint;
    return RATLS_OK;
}

void ratls_endpoint_text(const struct ratls_endpoint *endpoint,
                         char out[static RATLS_ENDPOINT_TEXT_MAX])
{
    const bool is_ipv6 = strchr(endpoint->host, ':') != NULL;

    if (endpoint->port[0] == '\0')
        snprintf(out, RATLS_ENDPOINT_TEXT_MAX, "%s", endpoint->host);
    else
        snprintf(out, RATLS_ENDPOINT_TEXT_MAX, is_ipv6 ? "[%s]:%s" : "%s:%s", endpoint->host,
                 endpoint->port);
}

void ratls_endpoint_of_peer(const struct ratls_peer *peer, struct ratls_endpoint *ret_endpoint)
{
    struct ratls_endpoint endpoint = {.is_address = true};

    if (getnameinfo((const struct sockaddr *)&peer->address, peer->len, endpoint.host,
                    sizeof endpoint.host, endpoint.port, sizeof endpoint.port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0 ||
        peer->address.ss_family == AF_UNIX)
        endpoint = (struct ratls_endpoint){.host = "a UNIX socket"};
    *ret_endpoint = endpoint;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

int64_t ratls_deadline_ms(unsigned timeout_s)
{
    return now_ms() + (int64_t)timeout_s * MS_PER_S;
}

bool ratls_wait(int fd, bool for_write, int64_t deadline_ms)
{
    struct pollfd ready = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};
    int count;

    do {
        const int64_t left_ms = deadline_ms - now_ms();

        count = poll(&ready, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (count < 0 && errno == EINTR);
    if (count == 0)
        errno = ETIMEDOUT;
    return count > 0;
}

/* Waits until a connect() that is under way is over; sets errno. */
static bool finish_connect(int fd, int64_t deadline_ms)
{
    socklen_t len = sizeof errno;
    int reason = 0;

    if (!ratls_wait(fd, true, deadline_ms))
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) != 0)
        return false;
    errno = reason;
    return reason == 0;
}

/* A socket connected to one address, or -1 and errno. */
static int connect_address(const struct addrinfo *address, int64_t deadline_ms)
{
    int reason;
    int fd;

    fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                address->ai_protocol);
    if (fd < 0)
        return -1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    if (errno == EINPROGRESS && finish_connect(fd, deadline_ms))
        return fd;
    reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

enum ratls_status ratls_connect(const struct ratls_endpoint *endpoint, int64_t deadline_ms,
                                int *ret_fd, struct ratls_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    char text[RATLS_ENDPOINT_TEXT_MAX];
    int fd = -1;
    int failure;

    failure = getaddrinfo(endpoint->host, endpoint->port, &hints, &addresses);
    if (failure != 0)
        return ratls_fail(err, RATLS_IO, "cannot find %s: %s", endpoint->host,
                          failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure));
    for (const struct addrinfo *a = addresses; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_address(a, deadline_ms);
    failure = errno;
    freeaddrinfo(addresses);
    ratls_endpoint_text(endpoint, text);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "cannot connect to %s: %s", text, strerror(failure));
    *ret_fd = fd;
    return RATLS_OK;
}
