/* A client and a server in one thread, over memory, with the CPU time of each side. */
#ifndef RATLS_BENCH_PAIR_H
#define RATLS_BENCH_PAIR_H

#include <openssl/ssl.h>

struct pair_cost {
    double client_us;
    double server_us;
    size_t to_client; /* bytes on the wire */
    size_t to_server;
};

/* One full handshake; adds to *cost. Ends the program, with the reason, if it fails. */
void pair_handshake(SSL_CTX *client, SSL_CTX *server, const char *name, struct pair_cost *cost);
/* The client of one that is complete, and its server; the caller frees both. */
SSL *pair_keep(SSL_CTX *client, SSL_CTX *server, const char *name, SSL **ret_server);
/* The same of a handshake that the client refuses at the server's first flight. */
void pair_refusal(SSL_CTX *client, SSL_CTX *server, const char *name, struct pair_cost *cost);

/* A session that can be resumed, of a full handshake; the caller frees it. */
SSL_SESSION *pair_session(SSL_CTX *client, SSL_CTX *server, const char *name);
/* One handshake that resumes it; adds to *cost. Ends the program if it is a full one. */
void pair_resume(SSL_CTX *client, SSL_CTX *server, const char *name, SSL_SESSION *session,
                 struct pair_cost *cost);

#endif
