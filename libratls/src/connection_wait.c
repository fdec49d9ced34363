#include "connection_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "connection_clock.h"
#include "fail.h"

#define US_PER_MS 1000

static int get_timeout_ms(int fd, int option)
{
    struct timeval timeout = {0};
    socklen_t len = sizeof timeout;
    int64_t ms;

    if (getsockopt(fd, SOL_SOCKET, option, &timeout, &len) != 0)
        return -1;
    ms = (int64_t)timeout.tv_sec * RATLS_MS_PER_S + timeout.tv_usec / US_PER_MS;
    if (ms > INT_MAX || (timeout.tv_sec == 0 && timeout.tv_usec == 0))
        return -1;
    return ms == 0 ? 1 : (int)ms;
}

static bool is_blocking(int fd)
{
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

    return flags != -1 && (flags & O_NONBLOCK) == 0;
}

static bool set_blocking(int fd, bool blocks)
{
    int flags = fcntl(fd, F_GETFL);

    return flags != -1 &&
           fcntl(fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0;
}

enum ratls_status ratls_wait_begin(struct ratls_wait *wait, const SSL *ssl, struct ratls_error *err)
{
    *wait = (struct ratls_wait){.fd = SSL_get_rfd(ssl), .out_fd = SSL_get_wfd(ssl)};
    if (!is_blocking(wait->fd) || !is_blocking(wait->out_fd))
        return RATLS_OK;
    if (!set_blocking(wait->fd, false) || !set_blocking(wait->out_fd, false))
        return ratls_fail(err, RATLS_IO, "the socket stays one that blocks: %s", strerror(errno));
    wait->blocks = true;
    wait->read_timeout_ms = get_timeout_ms(wait->fd, SO_RCVTIMEO);
    wait->write_timeout_ms = get_timeout_ms(wait->out_fd, SO_SNDTIMEO);
    return RATLS_OK;
}

void ratls_wait_end(const struct ratls_wait *wait)
{
    if (!wait->blocks)
        return;
    (void)set_blocking(wait->fd, true);
    (void)set_blocking(wait->out_fd, true);
}

int64_t ratls_wait_deadline(const struct ratls_wait *wait, enum ratls_outcome wanted)
{
    int timeout_ms = wanted == RATLS_WANT_READ    ? wait->read_timeout_ms
                     : wanted == RATLS_WANT_WRITE ? wait->write_timeout_ms
                                                  : -1;

    return timeout_ms < 0 ? RATLS_NEVER : ratls_clock_ms() + timeout_ms;
}

static int sooner(int a_ms, int b_ms)
{
    if (a_ms < 0)
        return b_ms;
    return b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

bool ratls_wait_for(const struct ratls_wait *wait, const struct ratls_connection *connection,
                    enum ratls_outcome wanted, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms == RATLS_NEVER ? -1 : deadline_ms - ratls_clock_ms();
    short events = ratls_connection_events(connection);
    struct pollfd polled[] = {
        {.fd = wait->fd, .events = (short)(events & POLLIN)},
        {.fd = wait->out_fd, .events = (short)(events & POLLOUT)},
        {.fd = ratls_connection_attester_fd(connection), .events = POLLIN},
    };

    if (deadline_ms != RATLS_NEVER && left_ms <= 0)
        return false;
    if (wanted == RATLS_WANT_READ)
        polled[0].events = POLLIN;
    if (wanted == RATLS_WANT_WRITE)
        polled[1].events = POLLOUT;
    for (size_t i = 0; i < 2; i++) {
        if (polled[i].events == 0)
            polled[i].fd = -1; /* it would come back at once when the other side is gone */
    }
    /* An error of poll() is none of the connection: the call that follows it has its own. */
    (void)poll(polled, sizeof polled / sizeof *polled,
               sooner((int)left_ms, ratls_connection_timeout_ms(connection)));
    return true;
}
