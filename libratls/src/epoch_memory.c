#include "epoch_memory.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "recent.h"

#define SLOTS 64 /* epochs of as many processes of servers; a power of 2 */
#define SHA256_LEN 32

struct slot {
    struct ratls_recent_item item;
    uint8_t sha256[SHA256_LEN];
    struct ratls_token token; /* of tokens */
    EVP_PKEY *key;            /* of keys; owned */
};

struct table {
    struct ratls_recent recent;
    struct ratls_index_item *places[SLOTS];
    struct slot slots[SLOTS];
};

struct ratls_epoch_memory {
    pthread_mutex_t lock;
    struct table tokens;
    struct table keys;
};

static bool init_table(struct table *table)
{
    return ratls_recent_init(&table->recent, table->places, SLOTS);
}

struct ratls_epoch_memory *ratls_epoch_memory_new(void)
{
    struct ratls_epoch_memory *memory = calloc(1, sizeof *memory);

    if (memory != NULL && init_table(&memory->tokens) && init_table(&memory->keys) &&
        pthread_mutex_init(&memory->lock, NULL) == 0)
        return memory;
    free(memory);
    return NULL;
}

void ratls_epoch_memory_free(struct ratls_epoch_memory *memory)
{
    if (memory == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        EVP_PKEY_free(memory->keys.slots[i].key);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

/* With the lock held; NULL if there is none. */
static struct slot *find_slot(struct table *table, const uint8_t *sha256)
{
    struct ratls_recent_item *item =
        ratls_recent_find(&table->recent, ratls_slice(sha256, SHA256_LEN));

    return item == NULL ? NULL : RATLS_RING_MEMBER(item, struct slot, item);
}

/* With the lock held: that one, an empty one, or the one that was not used for longest. */
static struct slot *take_slot(struct table *table, const uint8_t *sha256)
{
    struct slot *slot = find_slot(table, sha256);
    struct ratls_recent_item *leaving;

    if (slot != NULL)
        return slot;
    leaving = ratls_recent_make_room(&table->recent);
    slot = leaving == NULL ? &table->slots[table->recent.count]
                           : RATLS_RING_MEMBER(leaving, struct slot, item);
    memcpy(slot->sha256, sha256, SHA256_LEN);
    slot->item.by_key.key = ratls_slice(slot->sha256, SHA256_LEN);
    ratls_recent_add(&table->recent, &slot->item);
    return slot;
}

bool ratls_epoch_memory_token(struct ratls_epoch_memory *memory, const uint8_t sha256[static 32],
                              struct ratls_token *ret_token)
{
    const struct slot *slot;

    pthread_mutex_lock(&memory->lock);
    slot = find_slot(&memory->tokens, sha256);
    if (slot != NULL)
        *ret_token = slot->token;
    pthread_mutex_unlock(&memory->lock);
    return slot != NULL;
}

EVP_PKEY *ratls_epoch_memory_key(struct ratls_epoch_memory *memory, const uint8_t sha256[static 32])
{
    const struct slot *slot;
    EVP_PKEY *key = NULL;

    pthread_mutex_lock(&memory->lock);
    slot = find_slot(&memory->keys, sha256);
    if (slot != NULL && slot->key != NULL && EVP_PKEY_up_ref(slot->key) == 1)
        key = slot->key;
    pthread_mutex_unlock(&memory->lock);
    return key;
}

void ratls_epoch_memory_seen(struct ratls_epoch_memory *memory, const struct ratls_epoch_seen *seen)
{
    EVP_PKEY *before = NULL;
    struct slot *slot;

    pthread_mutex_lock(&memory->lock);
    take_slot(&memory->tokens, seen->token_sha256)->token = seen->token;
    slot = take_slot(&memory->keys, seen->key_sha256);
    if (slot->key != seen->key) { /* perhaps that of the one that had to go */
        before = slot->key;
        slot->key = EVP_PKEY_up_ref(seen->key) == 1 ? seen->key : NULL;
    }
    pthread_mutex_unlock(&memory->lock);
    EVP_PKEY_free(before);
}
