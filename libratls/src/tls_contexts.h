/* The contexts of the process that have our extension. */
#ifndef RATLS_TLS_CONTEXTS_H
#define RATLS_TLS_CONTEXTS_H

#include <openssl/ssl.h>

struct ratls_tls;

/* Once for each, when all but its settings is there; removed when it is freed. */
void ratls_tls_contexts_add(SSL_CTX *ctx, struct ratls_tls *tls);
void ratls_tls_contexts_remove(struct ratls_tls *tls); /* accepts one that was never added */

/*
 * Our info callback is in each that may serve from now on, whatever the program has set since. A
 * handshake may begin with another context than the one with which it is asked for evidence:
 * HAProxy has one for the beginning, and changes it before anything else of ours is called.
 */
void ratls_tls_contexts_watch(void);

/* Likewise the callback for sessions that the program keeps, in each that attests. */
void ratls_tls_contexts_watch_sessions(void);

/* Likewise our keylog callback in each that demands evidence of clients. */
void ratls_tls_contexts_guard(void);

#endif
