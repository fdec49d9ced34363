/*
 * Connection: a TLS channel that stays attested as long as it is used (WIRE.md, 11).
 *
 * It owns an SSL of a context on which ratls_tls_verify() or ratls_tls_attest() was called, over
 * any BIO: a blocking socket, one that does not block, memory. Nothing that the program writes
 * leaves, and nothing that it reads is delivered, before this side has accepted the other, and
 * nothing after: when new evidence is refused, or did not come in time, the connection ends, and
 * what was queued is dropped. Calls of OpenSSL on the SSL itself move nothing.
 *
 * One thread at a time. Use read, write, or tick at least when ratls_connection_timeout_ms() says:
 * evidence is asked for, answered and appraised inside of them. It comes in order with the data: a
 * program that leaves data unread does not see the evidence behind it, and its lease ends.
 */
#ifndef RATLS_CONNECTION_H
#define RATLS_CONNECTION_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>
#include <ratls/report.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ratls_connection;

/* What became of a call. */
enum ratls_outcome {
    RATLS_DONE = 0,
    RATLS_WANT_READ,     /* again, with the same arguments, when the transport can be read */
    RATLS_WANT_WRITE,    /* or written */
    RATLS_WANT_ATTESTER, /* or ratls_connection_attester_fd() can be read */
    RATLS_CLOSED,        /* the other side closed in order: there is no more to read */
    RATLS_REFUSED,       /* this side refused the other: ratls_connection_report() says why */
    RATLS_LAPSED,        /* no new evidence came in time */
    RATLS_FAILED,        /* could not go on: ratls_connection_error() says why */
};

/* The name of an outcome, for example "want read". Never NULL. */
RATLS_API const char *ratls_outcome_name(enum ratls_outcome outcome);

enum ratls_connection_event {
    RATLS_EVENT_ACCEPTED, /* the first verdict about the other side: accepted */
    RATLS_EVENT_RENEWED,  /* new evidence of it was accepted: the lease is longer */
    RATLS_EVENT_ENDED,    /* refused, lapsed or failed: the connection is of no use any more */
};

/* Initialise with {0}. */
struct ratls_connection_options {
    /*
     * Called inside of calls of the connection: it may ask it (report, error, lease), and nothing
     * else. NULL: nobody is told.
     */
    void (*on_event)(void *arg, struct ratls_connection *connection,
                     enum ratls_connection_event event);
    void *arg;
    /*
     * Who verifies: the other side is to send evidence again when its measured state changes, and
     * at least so often, without being asked each time; in milliseconds, at most a day. 0: it is
     * asked each time. Without effect if the policy has no `renew`.
     */
    unsigned period_ms;
    /*
     * Who attests: evidence is sent when the measured state changes, also to a client that did not
     * ask for that. Only for clients whose policy takes it (freshness: epoch); others end the
     * connection.
     */
    bool pushes;
};

/*
 * The SSL has its BIO, its role (SSL_set_connect_state, SSL_set_accept_state) and its names
 * (SSL_set1_host, SNI), and has not begun its handshake. It is the connection's from then on; if
 * the call fails it stays the caller's. A socket that blocks is made one that does not, and calls
 * wait for it in poll(2), as long as its SO_RCVTIMEO or SO_SNDTIMEO say, so that evidence is
 * renewed, and the connection ends in time, while the other side is silent. RATLS_USAGE if the
 * context neither verifies nor attests. options may be NULL.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_connection_new(SSL *ssl, const struct ratls_connection_options *options,
                     struct ratls_connection **ret_connection, struct ratls_error *ret_error);

/* Frees the SSL too. Accepts NULL. */
RATLS_API void ratls_connection_free(struct ratls_connection *connection);

/*
 * RATLS_DONE: TLS is up and, if this side verifies, the other side's evidence was accepted. The
 * other calls do it too if it was not called.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_outcome
ratls_connection_handshake(struct ratls_connection *connection);

/* At least one byte, at most cap. */
RATLS_API RATLS_MUST_CHECK enum ratls_outcome
ratls_connection_read(struct ratls_connection *connection, void *out, size_t cap, size_t *ret_len);

/*
 * All bytes, or, where it cannot block, as many as go: RATLS_DONE with less than len in *ret_len.
 * After RATLS_WANT_... the next write must begin with the same bytes.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_outcome
ratls_connection_write(struct ratls_connection *connection, const void *in, size_t len,
                       size_t *ret_len);

/* Says that this side will write no more (close_notify). The other side may still be read. */
RATLS_API RATLS_MUST_CHECK enum ratls_outcome
ratls_connection_shutdown(struct ratls_connection *connection);

/*
 * What is due: asks for evidence, answers, appraises, ends a lease. Does not wait. RATLS_DONE: the
 * connection goes on.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_outcome
ratls_connection_tick(struct ratls_connection *connection);

/* Milliseconds until the next ratls_connection_tick() is due; 0: now; -1: no time is set. */
RATLS_API int ratls_connection_timeout_ms(const struct ratls_connection *connection);

/* What to poll(2) the transport for, beside what the program itself waits for: POLLIN, POLLOUT. */
RATLS_API short ratls_connection_events(const struct ratls_connection *connection);

/*
 * A descriptor that can be read when the attester of this side is done; then tick. -1: it is not
 * waited for.
 */
RATLS_API int ratls_connection_attester_fd(const struct ratls_connection *connection);

/* To ask it (version, cipher, certificate), not to move it. */
RATLS_API const SSL *ratls_connection_ssl(const struct ratls_connection *connection);

/* The last verdict about the other side, or NULL. Belongs to the connection; until its next call.
 */
RATLS_API const struct ratls_report *
ratls_connection_report(const struct ratls_connection *connection);

/* Why the connection failed or lapsed, or NULL. Belongs to the connection. */
RATLS_API const struct ratls_error *
ratls_connection_error(const struct ratls_connection *connection);

/* Milliseconds for which the last verdict still holds; 0: none does; -1: as long as the TLS. */
RATLS_API int64_t ratls_connection_lease_ms(const struct ratls_connection *connection);

/* How often evidence of the other side was accepted on this connection. */
RATLS_API uint64_t ratls_connection_verdicts(const struct ratls_connection *connection);

#ifdef __cplusplus
}
#endif
#endif
