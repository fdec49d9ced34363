/*
 * A tls_world whose server demands evidence of its clients too, and a client that has some: a
 * machine of its own, with a TPM, a certificate and a name.
 */
#ifndef RATLS_TEST_MUTUAL_WORLD_H
#define RATLS_TEST_MUTUAL_WORLD_H

#include "tls_pair.h"

#define MUTUAL_NAME "client.example"

struct mutual_world {
    struct tls_world *base; /* its client and server contexts are not used here */
    EVP_PKEY *key;
    X509 *certificate; /* names MUTUAL_NAME */
    struct fake_tpm *tpm;
    struct ratls_attester *attester;
    struct ratls_policy *policy; /* for clients: the key of the TPM is pinned for MUTUAL_NAME */
    SSL_CTX *client;             /* verifies, attests, and has its certificate */
    SSL_CTX *server;             /* attests, demands, and wants a certificate of the CA */
    unsigned attested;           /* how often the client's attester was asked */
    struct ratls_attest_request asked; /* the last time */
    fake_tamper *tamper;               /* of the client's evidence; NULL: none */
    void *tamper_arg;
};

struct mutual_world *mutual_world_new(void);
void mutual_world_free(struct mutual_world *world);

/* Contexts of the same world, made as the name says; freed by the caller. */
SSL_CTX *mutual_client(struct mutual_world *world);
SSL_CTX *mutual_server(struct mutual_world *world);
/* A client that verifies the server and has a certificate, but attests to nobody. */
SSL_CTX *mutual_plain_client(struct mutual_world *world);
/* A server that attests and wants certificates, but demands no evidence. */
SSL_CTX *mutual_plain_server(struct mutual_world *world);

/* A certificate of the world's CA for the client's key; freed by the caller. */
X509 *mutual_certificate(const struct mutual_world *world, const char *names);

/* With TLS_NAME as the server's name. */
struct tls_pair *mutual_pair(SSL_CTX *client, SSL_CTX *server);

#endif
