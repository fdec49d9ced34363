/*
 * SHA-256 of the SubjectPublicKeyInfo of the certificates that a server shows: the same few in all
 * of its handshakes, and OpenSSL encodes the key anew each time it is asked. For any threads.
 */
#ifndef RATLS_SPKI_MEMORY_H
#define RATLS_SPKI_MEMORY_H

#include <openssl/x509.h>
#include <pthread.h>
#include <stdbool.h>

#include <ratls/error.h>

#define RATLS_SPKI_KEPT 4 /* certificates of one SSL_CTX: one for each kind of key */

struct ratls_spki_memory {
    pthread_mutex_t lock;
    size_t next; /* place */
    struct {
        X509 *certificate; /* a reference, so that no other can have its address; NULL: none */
        uint8_t sha256[32];
    } kept[RATLS_SPKI_KEPT];
};

RATLS_MUST_CHECK bool ratls_spki_memory_init(struct ratls_spki_memory *memory);
void ratls_spki_memory_clear(struct ratls_spki_memory *memory);

RATLS_MUST_CHECK enum ratls_status ratls_spki_memory_find(struct ratls_spki_memory *memory,
                                                          X509 *certificate, uint8_t out[static 32],
                                                          struct ratls_error *err);

#endif
