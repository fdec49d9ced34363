/*
 * The man in the middle who has the server's TLS key: he ends the client's TLS with it, has a TLS
 * session of his own with the true server, and relays what may make the client believe that it
 * talks to that one. All he lacks is the machine's attestation key, and the secrets of sessions
 * that are not his.
 *
 * What fails in the set-up prints why and aborts; what becomes of the client is the test's.
 */
#ifndef RATLS_TEST_MITM_H
#define RATLS_TEST_MITM_H

#include "tls_pair.h"

#define MITM_SECRET "user=alice&password=swordfish"

struct mitm {
    struct tls_world *world;
    SSL_CTX *front; /* his own: with the leaked key, to the client, */
    SSL_CTX *back;  /* and to the server */
    SSL_CTX *server;
    struct tls_pair *to_client; /* the client is honest */
    struct tls_pair *to_server; /* the server is */
    struct tls_bytes request;   /* of the client's ClientHello */
    struct tls_bytes agreed;    /* of the server's EncryptedExtensions: its acknowledgement */
    struct tls_bytes evidence;  /* of its Certificate message */
    struct tls_bytes demand;    /* of the server's CertificateRequest */
    struct tls_bytes answer;    /* to it: the client's evidence */
    void (*reach)(struct mitm *mitm); /* his handshake with the server; a row may have its own */
    void *arg;
};

/* Between a client and this server, whose key and certificate he has. */
struct mitm *mitm_new(struct tls_world *world, SSL_CTX *server);
void mitm_free(struct mitm *mitm);

/*
 * A client connects, by the name of the server. He asks the server what the client asks him, while
 * it waits, and answers what the server answers. True if the client's handshake is complete.
 */
bool mitm_connect(struct mitm *mitm, SSL_CTX *client);
/* Likewise with a session that the client has from the true server. */
bool mitm_connect_again(struct mitm *mitm, SSL_CTX *client, SSL_SESSION *session);

/* He has the key of this client too, with which he answers when the server asks. */
void mitm_take_client(struct mitm *mitm, X509 *certificate, EVP_PKEY *key);
/* Likewise, with a client and a server that both attest. True if both handshakes are complete. */
bool mitm_connect_mutually(struct mitm *mitm, SSL_CTX *client);

/* The client sends its secret, if it still sends anything. True if he can read it. */
bool mitm_reads_secret(struct mitm *mitm);

#endif
