/*
 * Quotes whose signature was verified, of one policy file: a quote of a batch comes with each
 * handshake of it, one of an epoch with each handshake of the epoch. Bounded; has its own lock,
 * held for a look-up and nothing else.
 *
 * What is remembered is one fact: this key made this signature over these bytes. It stands for
 * nothing else: path, statement, PCRs and all other checks are made each time. Only quotes that
 * were part of evidence that was accepted as a whole get in: a stranger must not flush the others.
 */
#ifndef RATLS_QUOTE_MEMORY_H
#define RATLS_QUOTE_MEMORY_H

#include <pthread.h>

#include <ratls/error.h>

#include "recent.h"

#define RATLS_QUOTES_KNOWN_MAX 64 /* of as many processes of servers at a time; a power of 2 */

struct ratls_quote_memory {
    pthread_mutex_t lock;
    struct ratls_recent recent;
    struct ratls_index_item *places[RATLS_QUOTES_KNOWN_MAX];
    struct ratls_quote_slot {
        struct ratls_recent_item item;
        uint8_t sha256[32];
    } slots[RATLS_QUOTES_KNOWN_MAX];
};

/* It is all zeros. False: there is no lock, or there are no random bytes. */
RATLS_MUST_CHECK bool ratls_quote_memory_init(struct ratls_quote_memory *memory);
void ratls_quote_memory_clear(struct ratls_quote_memory *memory);

/*
 * What stands for a quote here: a hash of the key's Name, of what it signed, and of the signature,
 * each with its length before it, so that no two of them run into each other.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_quote_hash(struct ratls_slice ak_name, struct ratls_slice attest,
                 struct ratls_slice signature, uint8_t out[static 32], struct ratls_error *err);

bool ratls_quote_memory_knows(struct ratls_quote_memory *memory, const uint8_t sha256[static 32]);
/* The one that was not used for longest goes. */
void ratls_quote_memory_seen(struct ratls_quote_memory *memory, const uint8_t sha256[static 32]);

#endif
