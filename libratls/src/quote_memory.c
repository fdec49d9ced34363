#include "quote_memory.h"

#include <string.h>

#include "crypto.h"

#define SHA256_LEN 32
#define HEAD_LEN 6 /* three lengths */

enum ratls_status ratls_quote_hash(struct ratls_slice ak_name, struct ratls_slice attest,
                                   struct ratls_slice signature, uint8_t out[static 32],
                                   struct ratls_error *err)
{
    uint8_t head[HEAD_LEN];
    struct ratls_writer w = ratls_writer(head, sizeof head);
    const struct ratls_slice parts[] = {ratls_slice(head, sizeof head), ak_name, attest, signature};

    ratls_write_u16(&w, (uint16_t)ak_name.len);
    ratls_write_u16(&w, (uint16_t)attest.len);
    ratls_write_u16(&w, (uint16_t)signature.len);
    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, out, err);
}

/* With the lock held; NULL if there is none. Counts as a use. */
static struct ratls_quote_slot *find_slot(struct ratls_quote_memory *memory, const uint8_t *sha256)
{
    for (size_t i = 0; i < RATLS_QUOTES_KNOWN_MAX; i++) {
        struct ratls_quote_slot *slot = &memory->slots[i];

        if (slot->last_use != 0 && memcmp(slot->sha256, sha256, SHA256_LEN) == 0) {
            slot->last_use = ++memory->uses;
            return slot;
        }
    }
    return NULL;
}

bool ratls_quote_memory_knows(struct ratls_quote_memory *memory, const uint8_t sha256[static 32])
{
    bool is_known;

    pthread_mutex_lock(&memory->lock);
    is_known = find_slot(memory, sha256) != NULL;
    pthread_mutex_unlock(&memory->lock);
    return is_known;
}

void ratls_quote_memory_seen(struct ratls_quote_memory *memory, const uint8_t sha256[static 32])
{
    struct ratls_quote_slot *slot = &memory->slots[0];

    pthread_mutex_lock(&memory->lock);
    if (find_slot(memory, sha256) == NULL) {
        for (size_t i = 1; i < RATLS_QUOTES_KNOWN_MAX; i++)
            if (memory->slots[i].last_use < slot->last_use)
                slot = &memory->slots[i];
        slot->last_use = ++memory->uses;
        memcpy(slot->sha256, sha256, SHA256_LEN);
    }
    pthread_mutex_unlock(&memory->lock);
}
