/* TCP to a server that a person named. */
#ifndef RATLS_TOOL_CONNECT_H
#define RATLS_TOOL_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include <ratls/error.h>

#define RATLS_HOST_MAX 254 /* RFC 1035, 2.3.4, and the final NUL */
#define RATLS_PORT_MAX 6
#define RATLS_ENDPOINT_TEXT_MAX (RATLS_HOST_MAX + RATLS_PORT_MAX + 3)

struct ratls_endpoint {
    char host[RATLS_HOST_MAX]; /* without the brackets of an IPv6 address */
    char port[RATLS_PORT_MAX];
    bool is_address; /* the host is an IP address, which has no SNI (RFC 6066, 3) */
};

/* HOST:PORT, [IPv6]:PORT; without a port 443. */
RATLS_MUST_CHECK enum ratls_status ratls_endpoint_parse(const char *text,
                                                        struct ratls_endpoint *ret_endpoint,
                                                        struct ratls_error *err);

/* The same, as it is written: with the brackets that IPv6 needs. */
void ratls_endpoint_text(const struct ratls_endpoint *endpoint,
                         char out[static RATLS_ENDPOINT_TEXT_MAX]);

struct ratls_peer;

/* The address of a connection, as numbers. */
void ratls_endpoint_of_peer(const struct ratls_peer *peer, struct ratls_endpoint *ret_endpoint);

/* On the monotonic clock. */
int64_t ratls_deadline_ms(unsigned timeout_s);

/* False, with the reason in errno, if the socket is not ready before the deadline. */
bool ratls_wait(int fd, bool for_write, int64_t deadline_ms);

/*
 * A connected socket that does not block. Tries every address of the name until the deadline, a
 * time of ratls_deadline_ms(). The caller closes *ret_fd.
 */
RATLS_MUST_CHECK enum ratls_status ratls_connect(const struct ratls_endpoint *endpoint,
                                                 int64_t deadline_ms, int *ret_fd,
                                                 struct ratls_error *err);

#endif
