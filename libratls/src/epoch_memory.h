/*
 * What was verified for an epoch, of one policy file: its time stamp, and its key. Both come again
 * with each handshake of the epoch, as does its quote (quote_memory.h). Bounded; has its own lock.
 *
 * Only what was part of evidence that was accepted as a whole gets in: a stranger must not flush
 * the others.
 */
#ifndef RATLS_EPOCH_MEMORY_H
#define RATLS_EPOCH_MEMORY_H

#include "token.h"

struct ratls_epoch_memory;

struct ratls_epoch_memory *ratls_epoch_memory_new(void);         /* NULL if memory is short */
void ratls_epoch_memory_free(struct ratls_epoch_memory *memory); /* accepts NULL */

/* By the SHA-256 of the token. */
bool ratls_epoch_memory_token(struct ratls_epoch_memory *memory, const uint8_t sha256[static 32],
                              struct ratls_token *ret_token);
/* By the SHA-256 of its SubjectPublicKeyInfo. The caller frees it with EVP_PKEY_free(); or NULL. */
EVP_PKEY *ratls_epoch_memory_key(struct ratls_epoch_memory *memory,
                                 const uint8_t sha256[static 32]);

/* Of one evidence. Takes a reference of the key. */
struct ratls_epoch_seen {
    uint8_t token_sha256[32];
    struct ratls_token token;
    uint8_t key_sha256[32];
    EVP_PKEY *key;
};

void ratls_epoch_memory_seen(struct ratls_epoch_memory *memory,
                             const struct ratls_epoch_seen *seen);

#endif
