#include "epoch_memory.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64 /* epochs of as many processes of servers */
#define SHA256_LEN 32

struct slot {
    uint64_t last_use; /* 0: empty */
    uint8_t sha256[SHA256_LEN];
    struct ratls_token token; /* of tokens */
    EVP_PKEY *key;            /* of keys; owned */
};

struct ratls_epoch_memory {
    pthread_mutex_t lock;
    uint64_t uses;
    struct slot tokens[SLOTS];
    struct slot keys[SLOTS];
};

struct ratls_epoch_memory *ratls_epoch_memory_new(void)
{
    struct ratls_epoch_memory *memory = calloc(1, sizeof *memory);

    if (memory != NULL && pthread_mutex_init(&memory->lock, NULL) != 0) {
        free(memory);
        return NULL;
    }
    return memory;
}

void ratls_epoch_memory_free(struct ratls_epoch_memory *memory)
{
    if (memory == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        EVP_PKEY_free(memory->keys[i].key);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

/* With the lock held; NULL if there is none. Counts as a use. */
static struct slot *find_slot(struct ratls_epoch_memory *memory, struct slot *slots,
                              const uint8_t *sha256)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].last_use != 0 && memcmp(slots[i].sha256, sha256, SHA256_LEN) == 0) {
            slots[i].last_use = ++memory->uses;
            return &slots[i];
        }
    return NULL;
}

/* With the lock held: that one, an empty one, or the one that was not used for longest. */
static struct slot *take_slot(struct ratls_epoch_memory *memory, struct slot *slots,
                              const uint8_t *sha256)
{
    struct slot *slot = find_slot(memory, slots, sha256);

    if (slot != NULL)
        return slot;
    slot = &slots[0];
    for (size_t i = 1; i < SLOTS; i++)
        if (slots[i].last_use < slot->last_use)
            slot = &slots[i];
    slot->last_use = ++memory->uses;
    memcpy(slot->sha256, sha256, SHA256_LEN);
    return slot;
}

bool ratls_epoch_memory_token(struct ratls_epoch_memory *memory, const uint8_t sha256[static 32],
                              struct ratls_token *ret_token)
{
    const struct slot *slot;

    pthread_mutex_lock(&memory->lock);
    slot = find_slot(memory, memory->tokens, sha256);
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
    slot = find_slot(memory, memory->keys, sha256);
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
    take_slot(memory, memory->tokens, seen->token_sha256)->token = seen->token;
    slot = take_slot(memory, memory->keys, seen->key_sha256);
    if (slot->key != seen->key && EVP_PKEY_up_ref(seen->key) == 1) {
        before = slot->key;
        slot->key = seen->key;
    }
    pthread_mutex_unlock(&memory->lock);
    EVP_PKEY_free(before);
}
