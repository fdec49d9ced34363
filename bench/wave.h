/*
 * Many handshakes at once in one thread, over memory, as a server with an event loop has them: who
 * waits for the TPM pauses (SSL_MODE_ASYNC), and shares its quote with the others of the wave.
 */
#ifndef RATLS_BENCH_WAVE_H
#define RATLS_BENCH_WAVE_H

#include <openssl/ssl.h>
#include <stddef.h>

#define WAVE 64

struct wave_side {
    double us;      /* CPU time of this thread */
    ptrdiff_t heap; /* what the connections hold when all are there */
};

struct wave_cost {
    struct wave_side client, server;
    size_t (*heap)(void); /* what is on the heap now; NULL: nobody counts */
};

/* WAVE full handshakes; adds to *cost. Ends the program, with the reason, if one fails. */
void wave_run(SSL_CTX *client, SSL_CTX *server, const char *name, struct wave_cost *cost);

#endif
