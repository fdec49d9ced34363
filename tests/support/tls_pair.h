/*
 * A TLS client and a TLS server in one process, over memory: the test sees, and may change, every
 * byte between them. What fails in the set-up prints why and aborts; what a handshake does is kept
 * for the test to look at.
 */
#ifndef RATLS_TEST_TLS_PAIR_H
#define RATLS_TEST_TLS_PAIR_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include <ratls/tls.h>

#include "bytes.h"
#include "fake_policy.h"
#include "fake_tpm.h"

#define TLS_NAME "server.example"
#define TLS_EXTENSION 65300

/* A certification authority, a server with its TPM, a policy that accepts it, and the contexts. */
struct tls_world {
    EVP_PKEY *ca_key;
    X509 *ca;
    EVP_PKEY *key;
    X509 *certificate; /* names TLS_NAME and 192.0.2.1 */
    struct fake_tpm *tpm;
    struct ratls_attester *attester;
    struct ratls_policy *policy;
    SSL_CTX *client;                   /* verifies certificate (SSL_VERIFY_PEER) and evidence */
    SSL_CTX *server;                   /* attests */
    unsigned attested;                 /* how often the attester was asked */
    struct ratls_attest_request asked; /* the last time */
    fake_tamper *tamper;               /* may be set by the test; NULL: none */
    void *tamper_arg;
};

struct tls_world *tls_world_new(void);
void tls_world_free(struct tls_world *world);
/* Contexts of the same world to which nothing of ratls was added. */
SSL_CTX *tls_plain_client(const struct tls_world *world);
SSL_CTX *tls_plain_server(const struct tls_world *world);
/* Contexts that do what ratls_tls_verify() and ratls_tls_attest() make of them. */
SSL_CTX *tls_client(struct tls_world *world);
SSL_CTX *tls_server(struct tls_world *world);
/*
 * A server without an attester, with a key of its own, whose certificate has evidence about this
 * key; NULL: about its own.
 */
SSL_CTX *tls_certified_server(struct tls_world *world, EVP_PKEY *about);

struct tls_bytes {
    uint8_t *p;
    size_t len;
};

void tls_bytes_add(struct tls_bytes *bytes, const void *p, size_t len);
bool tls_bytes_contain(const struct tls_bytes *bytes, const char *text);

struct tls_side {
    SSL *ssl;
    BIO *wire;
    int done;       /* 1: handshake complete; 0: under way; -1: failed */
    int alert_sent; /* as in RFC 8446, 6; -1: none */
    int alert_received;
    unsigned long reason; /* the oldest entry of the error stack when it failed */
    char library[32];     /* and its words */
    char reason_text[160];
    char data[400];
    unsigned long last_reason; /* the newest entry */
    size_t stray_errors;       /* calls that did not fail and left something on the error stack */
    struct tls_bytes sent;     /* every byte that it put on the wire */
    struct tls_bytes received; /* application data that it decrypted */
};

/* Called for bytes on their way to the other side; may change them. */
typedef void tls_filter(bool from_client, uint8_t *p, size_t len, void *arg);

struct tls_pair;

/* Called before and after each call of OpenSSL that moves a side on. */
typedef void tls_around(struct tls_pair *pair, const struct tls_side *side, bool before, void *arg);

struct tls_pair {
    struct tls_side client;
    struct tls_side server;
    tls_filter *filter;
    void *filter_arg;
    tls_around *around;
    void *around_arg;
};

/* SSL_set_tlsext_host_name() casts const away: a function that does not change the name. */
bool tls_set_sni(SSL *ssl, const char *name);
/* With SNI and SSL_set1_host(name); name NULL: neither. */
struct tls_pair *tls_pair_new(SSL_CTX *client, SSL_CTX *server, const char *name);
void tls_pair_free(struct tls_pair *pair);
/* New SSLs, or the same after SSL_clear(), get a wire. */
void tls_pair_connect(struct tls_pair *pair);
/* The bytes that each side has written so far, to the other. */
void tls_pair_carry(struct tls_pair *pair);
/* One call on each side that is not done, and the bytes they wrote to the other. False: no more. */
bool tls_pair_step(struct tls_pair *pair);
/* Until nothing moves. True if both sides are done. Session tickets are read as well. */
bool tls_pair_handshake(struct tls_pair *pair);
/* The client writes; returns SSL_write()'s result. What arrived is in server.received. */
int tls_pair_write(struct tls_pair *pair, const char *text);

/* The first check that failed in the client's report, "" if none did or there is no report. */
struct ratls_finding tls_failure(const struct tls_pair *pair);
enum ratls_verdict tls_verdict(const struct tls_pair *pair, const char *check);

/* The data of an extension of a ClientHello (with its 4 bytes of head); p NULL if it has none. */
struct ratls_slice tls_hello_extension(struct ratls_slice hello, unsigned type);

/* A server that is no attester, but says in extension 65300 what the test wants. */
struct tls_raw {
    unsigned context;   /* SSL_EXT_TLS1_3_CERTIFICATE and others: the messages it goes in */
    size_t chain_index; /* the entry of the Certificate message; SIZE_MAX: every one */
    unsigned type;      /* 0: TLS_EXTENSION */
    const uint8_t *p;
    size_t len;
    uint8_t request[1100]; /* what the client asked */
    size_t request_len;
};

void tls_raw_add(SSL_CTX *server, struct tls_raw *raw);
/* The client's counterpart: sends raw->p in its ClientHello, and keeps what comes in request. */
void tls_raw_ask(SSL_CTX *client, struct tls_raw *raw);
/* What the world's client asks of such a server, in request. */
void tls_raw_record(struct tls_world *world, struct tls_raw *ret_raw);

#endif
