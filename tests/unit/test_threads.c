/*
 * What is shared between threads, under load. Has its own main() instead of Criterion's, whose
 * arena cannot be had under ThreadSanitizer: configure with -fsanitize=thread to look for races.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "pki.h"
#include "quote_memory.h"

#define THREADS 4
#define ROUNDS 1500
#define SHARED 16 /* keys that all threads use */
#define MESSAGE "what a TPM says"

static atomic_uint mistakes;
static pthread_barrier_t start;
static struct ratls_key_cache *cache;
static struct ratls_tpm_public area;
static struct ratls_tpm_signature signature;
static uint8_t point[65], r[32], s[32];

static void expect(bool holds, const char *what, unsigned round)
{
    if (holds)
        return;
    atomic_fetch_add(&mistakes, 1);
    fprintf(stderr, "round %u: %s\n", round, what);
}

static void make_signature(EVP_PKEY *key)
{
    uint8_t der[80];
    size_t len = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    expect(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestSign(ctx, der, &len, (const uint8_t *)MESSAGE, strlen(MESSAGE)) == 1,
           "sign", 0);
    const uint8_t *p = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)len);
    expect(pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), r, 32) == 32 &&
               BN_bn2binpad(ECDSA_SIG_get0_s(pair), s, 32) == 32,
           "signature", 0);
    ECDSA_SIG_free(pair);
    EVP_MD_CTX_free(ctx);
    signature = (struct ratls_tpm_signature){
        .alg = RATLS_ALG_ECDSA, .hash = RATLS_ALG_SHA256, .r = {r, 32}, .s = {s, 32}};
}

static void make_area(EVP_PKEY *key)
{
    size_t len = 0;
    expect(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                           &len) == 1,
           "public key", 0);
    area = (struct ratls_tpm_public){.type = RATLS_ALG_ECC,
                                     .scheme = RATLS_ALG_ECDSA,
                                     .scheme_hash = RATLS_ALG_SHA256,
                                     .curve = RATLS_CURVE_P256,
                                     .x = {point + 1, 32},
                                     .y = {point + 33, 32}};
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
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    unsigned first[THREADS];
    EVP_PKEY *key = pki_key(PKI_P256);
    make_area(key);
    make_signature(key);
    cache = ratls_key_cache_new();
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
    EVP_PKEY_free(key);
    return atomic_load(&mistakes) == 0 ? 0 : 1;
}
