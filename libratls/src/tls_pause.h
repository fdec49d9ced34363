/*
 * Evidence without holding up the thread: in a job of OpenSSL (ASYNC_start_job(3)), as with
 * SSL_MODE_ASYNC, the handshake pauses until the attester is done.
 */
#ifndef RATLS_TLS_PAUSE_H
#define RATLS_TLS_PAUSE_H

#include "channel.h"

struct ratls_pause;

/* As attester->attest(), which it calls where there is no job, or where it must not be paused. */
RATLS_MUST_CHECK enum ratls_status ratls_pause_attest(SSL *ssl, struct ratls_channel *channel,
                                                      struct ratls_attester *attester,
                                                      const struct ratls_attest_request *request,
                                                      uint8_t **ret_evidence, size_t *ret_len,
                                                      struct ratls_error *err);
/* At each request: that the next handshakes can be ended while they pause. */
void ratls_pause_expect(const struct ratls_channel *channel);
/* The channel is freed, with its SSL. A handshake that pauses is ended, and its job with it. */
void ratls_pause_leave(struct ratls_channel *channel);
/* Can be read when the handshake should be gone on with; -1: it does not pause. */
int ratls_pause_fd(const struct ratls_channel *channel);
/* That is being done: the program's data is gone, and so its callbacks must not be called. */
bool ratls_pause_is_ending(const struct ratls_channel *channel);

#endif
