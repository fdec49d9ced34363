/* Waiting as a blocking socket would, without one. */
#ifndef RATLS_CONNECTION_WAIT_H
#define RATLS_CONNECTION_WAIT_H

#include <openssl/ssl.h>

#include <ratls/connection.h>

/* The transport of a program that expects its calls to block. */
struct ratls_wait {
    bool blocks; /* false: the others are of no use */
    int fd;      /* what is read from, */
    int out_fd;  /* and written to: the same, but for pipes */
    int read_timeout_ms; /* SO_RCVTIMEO, SO_SNDTIMEO; -1: none */
    int write_timeout_ms;
};

/*
 * Looks at the socket or pipe below the SSL, if there is one that blocks, and makes it one that
 * does not. RATLS_IO if that fails.
 */
RATLS_MUST_CHECK enum ratls_status ratls_wait_begin(struct ratls_wait *wait, const SSL *ssl,
                                                    struct ratls_error *err);
void ratls_wait_end(const struct ratls_wait *wait); /* as it was */

/* Until when a call that began now may wait for this outcome; RATLS_NEVER: as long as it takes. */
int64_t ratls_wait_deadline(const struct ratls_wait *wait, enum ratls_outcome wanted);

/*
 * Waits for what the connection waits for, at most until its next tick. False: the deadline is
 * past.
 */
bool ratls_wait_for(const struct ratls_wait *wait, const struct ratls_connection *connection,
                    enum ratls_outcome wanted, int64_t deadline_ms);

#endif
