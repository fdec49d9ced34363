/*
 * What is shared between threads, under load. Has its own main() instead of Criterion's, whose
 * arena cannot be had under ThreadSanitizer: configure with -fsanitize=thread to look for races.
 */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "epoch_memory.h"
#include "keys.h"
#include "pki.h"
#include "quote_memory.h"
#include "tpm_p256.h"

#define THREADS 4
#define ROUNDS 1500
#define SHARED 16 /* keys that all threads use */
#define MESSAGE "what a TPM says"

static atomic_uint mistakes;
static pthread_barrier_t start;
static struct ratls_key_cache *cache;
static struct ratls_epoch_memory *epochs;
static EVP_PKEY *key_of_epochs;
static struct ratls_tpm_public area;
static struct ratls_tpm_signature signature;
static uint8_t point[TPM_P256_POINT], r[32], s[32];

static void expect(bool holds, const char *what, unsigned round)
{
    if (holds)
        return;
    atomic_fetch_add(&mistakes, 1);
    fprintf(stderr, "round %u: %s\n", round, what);
}

static void use_key(struct ratls_slice name, unsigned round)
{
    bool valid = false;
    EVP_PKEY *key = NULL;
    expect(ratls_key_cache_get(cache, &area, name, &key, NULL) == RATLS_OK, "get", round);
    expect(ratls_verify(key, &area, &signature, ratls_slice(MESSAGE, strlen(MESSAGE)), &valid,
                        NULL) == RATLS_OK &&
               valid,
           "verify", round);
    EVP_PKEY_free(key);
}

static void use_memory(struct ratls_slice name, unsigned round)
{
    static const uint8_t chain[32] = {1};
    uint8_t ids[4][RATLS_KEY_ID_LEN];
    uint8_t named[RATLS_AREA_KNOWN_MAX], hash[32];
    size_t len = 0;
    struct ratls_tpm_counters counters = {1, 0, round}, got = {0};
    ratls_key_cache_seen(cache, name, &counters);
    ratls_key_cache_chain_verified(cache, name, name, chain, "a", 100);
    expect(ratls_key_cache_chain_known(cache, name, chain, "a", 50), "chain", round);
    expect(ratls_key_cache_counters(cache, name, &got) && got.clock_ms >= round, "counters", round);
    expect(ratls_key_cache_ids(cache, "a", 50, ids, 4) > 0, "ids", round);
    expect(ratls_sha256(name, hash, NULL) == RATLS_OK &&
               ratls_key_cache_named(cache, hash, "a", named, &len, NULL) == RATLS_OK &&
               ratls_slice_equal(ratls_slice(named, len), name),
           "named", round);
    ratls_quote_memory_seen(ratls_key_cache_quotes(cache), name.p);
    /* One that no thread has seen, near the others. */
    expect(!ratls_quote_memory_knows(ratls_key_cache_quotes(cache), name.p + 1), "quote", round);
}

/* Of one server each: more than are kept, so that keys and servers of other threads have to go. */
static void flood_memory(struct ratls_slice name, unsigned number)
{
    const struct ratls_tpm_counters counters = {1, 0, 0};
    char server[32];
    snprintf(server, sizeof(server), "server-%u", number);
    ratls_key_cache_seen(cache, name, &counters);
    ratls_key_cache_chain_verified(cache, name, name, NULL, server, 100);
}

static void use_epoch(struct ratls_slice name, unsigned number, unsigned round)
{
    struct ratls_epoch_seen seen = {.token = {.time = number}, .key = key_of_epochs};
    struct ratls_token token;
    memcpy(seen.token_sha256, name.p + 2, 32);
    memcpy(seen.key_sha256, name.p + 2, 32);
    ratls_epoch_memory_seen(epochs, &seen);
    if (ratls_epoch_memory_token(epochs, seen.token_sha256, &token))
        expect(token.time == number, "token", round);
    EVP_PKEY *key = ratls_epoch_memory_key(epochs, seen.key_sha256);
    expect(!key || key == key_of_epochs, "key of an epoch", round);
    EVP_PKEY_free(key);
}

/* Every thread uses the same few keys and floods the cache with its own. */
static void *work(void *arg)
{
    unsigned first = *(const unsigned *)arg;
    pthread_barrier_wait(&start);
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool shared = round % 2 == 1;
        unsigned number = shared ? round % SHARED : first + round;
        uint8_t name[34] = {0x00, 0x0b};
        memcpy(name + 30, &number, sizeof(number));
        use_key(ratls_slice(name, sizeof(name)), round);
        if (shared)
            use_memory(ratls_slice(name, sizeof(name)), round);
        else
            flood_memory(ratls_slice(name, sizeof(name)), number);
        use_epoch(ratls_slice(name, sizeof(name)), number, round);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    unsigned first[THREADS];
    EVP_PKEY *key = pki_key(PKI_P256);
    area = tpm_p256_area(key, point);
    signature = tpm_p256_sign(key, MESSAGE, r, s);
    cache = ratls_key_cache_new();
    epochs = ratls_epoch_memory_new();
    key_of_epochs = key;
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        first[i] = 100000 * (i + 1);
        if (pthread_create(&threads[i], NULL, work, &first[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    ratls_key_cache_free(cache);
    ratls_epoch_memory_free(epochs);
    EVP_PKEY_free(key);
    return atomic_load(&mistakes) == 0 ? 0 : 1;
}
