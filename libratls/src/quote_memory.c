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

bool ratls_quote_memory_init(struct ratls_quote_memory *memory)
{
    return ratls_recent_init(&memory->recent, memory->places, RATLS_QUOTES_KNOWN_MAX) &&
           pthread_mutex_init(&memory->lock, NULL) == 0;
}

void ratls_quote_memory_clear(struct ratls_quote_memory *memory)
{
    pthread_mutex_destroy(&memory->lock);
}

bool ratls_quote_memory_knows(struct ratls_quote_memory *memory, const uint8_t sha256[static 32])
{
    bool is_known;

    pthread_mutex_lock(&memory->lock);
    is_known = ratls_recent_find(&memory->recent, ratls_slice(sha256, SHA256_LEN)) != NULL;
    pthread_mutex_unlock(&memory->lock);
    return is_known;
}

/* With the lock held, of one that is not there: an empty slot, or that of the one that goes. */
static struct ratls_quote_slot *take_slot(struct ratls_quote_memory *memory)
{
    struct ratls_recent_item *leaving = ratls_recent_make_room(&memory->recent);

    return leaving == NULL ? &memory->slots[memory->recent.count]
                           : RATLS_RING_MEMBER(leaving, struct ratls_quote_slot, item);
}

void ratls_quote_memory_seen(struct ratls_quote_memory *memory, const uint8_t sha256[static 32])
{
    struct ratls_quote_slot *slot;

    pthread_mutex_lock(&memory->lock);
    if (ratls_recent_find(&memory->recent, ratls_slice(sha256, SHA256_LEN)) == NULL) {
        slot = take_slot(memory);
        memcpy(slot->sha256, sha256, SHA256_LEN);
        slot->item.by_key.key = ratls_slice(slot->sha256, SHA256_LEN);
        ratls_recent_add(&memory->recent, &slot->item);
    }
    pthread_mutex_unlock(&memory->lock);
}
