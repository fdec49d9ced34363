/*
 * The gate of a connection: a filter BIO between its SSL and the transport. Bytes pass only inside
 * of calls of the connection, and before a verdict only those of the handshake. Outside of them the
 * SSL is as if both sides had closed it. So who calls SSL_write() or SSL_read() on it by mistake
 * moves nothing, and leaves no record in it that would go out later.
 */
#ifndef RATLS_CONNECTION_GATE_H
#define RATLS_CONNECTION_GATE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ratls_gate {
    SSL *ssl;         /* borrowed */
    BIO *in, *out;    /* the filters; references */
    bool is_inside;   /* a call of the connection is going on */
    int shutdown;     /* what SSL_get_shutdown() is inside */
    bool is_accepted; /* what comes behind the handshake may pass */
    bool is_ending;   /* the last frame may pass, and close_notify */
    bool is_closed;   /* nothing passes any more */
    bool has_stopped; /* a record behind the handshake: it lies in the SSL, and must stay there */
    /*
     * While a server sends behind its own Finished (0.5-RTT), OpenSSL has a buffer of its own below
     * the SSL, and forgets what is in it when the client's Finished comes. So there the gate never
     * says "later": it keeps what the transport does not take, up to a flight and one record.
     */
    bool is_keeping;
    BIO *transport; /* of what is written; borrowed */
    uint8_t *kept;
    size_t kept_len, kept_cap;
};

/* Under the SSL's own BIOs. False if memory is short; then nothing has changed. */
bool ratls_gate_install(struct ratls_gate *gate, SSL *ssl);
/* Around each call of the connection. */
void ratls_gate_enter(struct ratls_gate *gate);
void ratls_gate_leave(struct ratls_gate *gate);
/* Before the SSL: who still has a reference to that one finds it shut for good. */
void ratls_gate_free(struct ratls_gate *gate);

/* Writes what was kept. True: nothing is left. False: later, or never; as the transport says. */
bool ratls_gate_flush(struct ratls_gate *gate);

#endif
