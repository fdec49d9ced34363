/*
 * A hash table with a fixed pool of entries. The lock is held for lookups and copies only: never
 * while a key is made or freed, nor during any allocation or signature verification.
 */
#include "keys.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "quote_memory.h"

#define ENTRIES_MAX 1024
#define BUCKETS 1024 /* a power of 2 */
#define SERVERS_MAX 4
#define SERVER_LEN_MAX 255 /* RFC 1035, 3.1; of a longer one nothing is remembered */

/* A chain that was verified for a server. */
struct enrolment {
    uint8_t server[32]; /* SHA-256 of its name */
    uint8_t chain[32];
    int64_t until;
    bool used;
};

struct entry {
    struct entry *next; /* in its bucket */
    uint64_t last_use;
    EVP_PKEY *key; /* NULL: not made yet */
    struct enrolment enrolments[SERVERS_MAX];
    size_t next_enrolment; /* the one to replace next */
    struct ratls_tpm_counters counters;
    size_t name_len;
    uint8_t name[RATLS_TPM_NAME_MAX];
    bool accepted; /* a quote was, and counters are set */
    uint8_t id[RATLS_KEY_ID_LEN];
    size_t area_len; /* 0: not kept; then no request names the key */
    uint8_t area[RATLS_AREA_KNOWN_MAX];
};

struct ratls_key_cache {
    pthread_mutex_t lock;
    uint64_t uses;
    size_t count;
    struct ratls_quote_memory quotes;
    struct entry *buckets[BUCKETS];
    struct entry entries[ENTRIES_MAX];
};

struct ratls_key_cache *ratls_key_cache_new(void)
{
    struct ratls_key_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return NULL;
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        return NULL;
    }
    if (pthread_mutex_init(&cache->quotes.lock, NULL) != 0) {
        pthread_mutex_destroy(&cache->lock);
        free(cache);
        return NULL;
    }
    return cache;
}

void ratls_key_cache_free(struct ratls_key_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->count; i++)
        EVP_PKEY_free(cache->entries[i].key);
    pthread_mutex_destroy(&cache->quotes.lock);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

struct ratls_quote_memory *ratls_key_cache_quotes(struct ratls_key_cache *cache)
{
    return &cache->quotes;
}

/* A Name is an algorithm and a digest: its last bytes are spread evenly. */
static struct entry **find_bucket(struct ratls_key_cache *cache, struct ratls_slice name)
{
    size_t hash = (size_t)name.p[name.len - 2] << 8 | name.p[name.len - 1];
    return &cache->buckets[hash & (BUCKETS - 1)];
}

static bool is_name(struct ratls_slice name)
{
    return name.len > 2 && name.len <= RATLS_TPM_NAME_MAX;
}

/* NULL if there is none. Counts as a use. */
static struct entry *find_entry(struct ratls_key_cache *cache, struct ratls_slice name)
{
    if (!is_name(name))
        return NULL;
    for (struct entry *e = *find_bucket(cache, name); e; e = e->next)
        if (e->name_len == name.len && memcmp(e->name, name.p, name.len) == 0) {
            e->last_use = ++cache->uses;
            return e;
        }
    return NULL;
}

static void unlink_entry(struct ratls_key_cache *cache, struct entry *entry)
{
    struct entry **link = find_bucket(cache, (struct ratls_slice){entry->name, entry->name_len});
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
}

/* An unused entry, or that of the key which is missed least. */
static struct entry *take_entry(struct ratls_key_cache *cache)
{
    if (cache->count < ENTRIES_MAX)
        return &cache->entries[cache->count++];
    struct entry *victim = &cache->entries[0];
    for (size_t i = 1; i < ENTRIES_MAX; i++) {
        struct entry *e = &cache->entries[i];
        if (e->accepted == victim->accepted ? e->last_use < victim->last_use : victim->accepted)
            victim = e;
    }
    unlink_entry(cache, victim);
    return victim;
}

/* Finds or adds. The key of the entry that had to go for it, if any, is left to the caller. */
static struct entry *add_entry(struct ratls_key_cache *cache, struct ratls_slice name,
                               EVP_PKEY **ret_evicted)
{
    struct entry *entry = find_entry(cache, name);
    if (entry)
        return entry;
    entry = take_entry(cache);
    *ret_evicted = entry->key;
    struct entry **bucket = find_bucket(cache, name);
    *entry = (struct entry){.next = *bucket, .last_use = ++cache->uses, .name_len = name.len};
    memcpy(entry->name, name.p, name.len);
    *bucket = entry;
    return entry;
}

static EVP_PKEY *find_key(struct ratls_key_cache *cache, struct ratls_slice name)
{
    EVP_PKEY *key = NULL;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_entry(cache, name);
    if (entry && entry->key && EVP_PKEY_up_ref(entry->key) == 1)
        key = entry->key;
    pthread_mutex_unlock(&cache->lock);
    return key;
}

/* Remembers a key, unless another thread was faster. The cache takes its own reference. */
static void remember_key(struct ratls_key_cache *cache, struct ratls_slice name, EVP_PKEY *key)
{
    EVP_PKEY *evicted = NULL;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = add_entry(cache, name, &evicted);
    if (!entry->key && EVP_PKEY_up_ref(key) == 1)
        entry->key = key;
    pthread_mutex_unlock(&cache->lock);
    EVP_PKEY_free(evicted);
}

enum ratls_status ratls_key_cache_get(struct ratls_key_cache *cache,
                                      const struct ratls_tpm_public *area, struct ratls_slice name,
                                      EVP_PKEY **ret_key, struct ratls_error *err)
{
    if (!is_name(name))
        return ratls_fail(err, RATLS_USAGE, "the name of a key has %zu bytes", name.len);
    EVP_PKEY *key = find_key(cache, name);
    if (!key) {
        enum ratls_status status = ratls_public_key(area, &key, err);
        if (status != RATLS_OK)
            return status;
        remember_key(cache, name, key);
    }
    *ret_key = key;
    return RATLS_OK;
}

/* In lower case, as names of servers are: a certificate may have another case than a policy. */
static bool hash_server(const char *server, uint8_t out[static 32])
{
    char lower[SERVER_LEN_MAX];
    size_t len = server ? strlen(server) : 0;
    if (len > sizeof(lower))
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = server[i] >= 'A' && server[i] <= 'Z' ? (char)(server[i] - 'A' + 'a') : server[i];
    return ratls_sha256(ratls_slice(lower, len), out, NULL) == RATLS_OK;
}

static struct enrolment *find_enrolment(struct entry *entry, const uint8_t server[static 32])
{
    for (size_t i = 0; i < SERVERS_MAX; i++)
        if (entry->enrolments[i].used && memcmp(entry->enrolments[i].server, server, 32) == 0)
            return &entry->enrolments[i];
    return NULL;
}

bool ratls_key_cache_chain_known(struct ratls_key_cache *cache, struct ratls_slice name,
                                 const uint8_t *chain_sha256, const char *server, int64_t now)
{
    uint8_t hash[32];
    if (!hash_server(server, hash))
        return false;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_entry(cache, name);
    const struct enrolment *e = entry ? find_enrolment(entry, hash) : NULL;
    bool known = e && now < e->until && (!chain_sha256 || memcmp(e->chain, chain_sha256, 32) == 0);
    pthread_mutex_unlock(&cache->lock);
    return known;
}

static void put_enrolment(struct entry *entry, const struct enrolment *enrolment)
{
    struct enrolment *e = find_enrolment(entry, enrolment->server);
    if (!e) {
        e = &entry->enrolments[entry->next_enrolment];
        entry->next_enrolment = (entry->next_enrolment + 1) % SERVERS_MAX;
    }
    *e = *enrolment;
}

/* WIRE.md, 2: an id is the first bytes of SHA-256(Name). */
static void put_area(struct entry *entry, struct ratls_slice area, const uint8_t id[static 32])
{
    memcpy(entry->id, id, sizeof(entry->id));
    entry->area_len = area.len <= sizeof(entry->area) ? area.len : 0;
    if (entry->area_len != 0)
        memcpy(entry->area, area.p, area.len);
}

void ratls_key_cache_chain_verified(struct ratls_key_cache *cache, struct ratls_slice name,
                                    struct ratls_slice area, const uint8_t *chain_sha256,
                                    const char *server, int64_t until)
{
    struct enrolment enrolment = {.until = until, .used = true};
    uint8_t id[32];
    EVP_PKEY *evicted = NULL;
    if (!is_name(name) || !hash_server(server, enrolment.server) ||
        ratls_sha256(name, id, NULL) != RATLS_OK)
        return;
    if (chain_sha256)
        memcpy(enrolment.chain, chain_sha256, 32);
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = add_entry(cache, name, &evicted);
    put_enrolment(entry, &enrolment);
    put_area(entry, area, id);
    pthread_mutex_unlock(&cache->lock);
    EVP_PKEY_free(evicted);
}

bool ratls_key_cache_counters(struct ratls_key_cache *cache, struct ratls_slice name,
                              struct ratls_tpm_counters *ret_counters)
{
    pthread_mutex_lock(&cache->lock);
    const struct entry *entry = find_entry(cache, name);
    bool found = entry && entry->accepted;
    if (found)
        *ret_counters = entry->counters;
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* A reset counts resetCount up, a restart restartCount; the clock runs between them. */
bool ratls_tpm_counters_before(const struct ratls_tpm_counters *a,
                               const struct ratls_tpm_counters *b)
{
    if (a->reset_count != b->reset_count)
        return a->reset_count < b->reset_count;
    if (a->restart_count != b->restart_count)
        return a->restart_count < b->restart_count;
    return a->clock_ms < b->clock_ms;
}

void ratls_key_cache_seen(struct ratls_key_cache *cache, struct ratls_slice name,
                          const struct ratls_tpm_counters *counters)
{
    EVP_PKEY *evicted = NULL;
    if (!is_name(name))
        return;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = add_entry(cache, name, &evicted);
    if (!entry->accepted || ratls_tpm_counters_before(&entry->counters, counters))
        entry->counters = *counters;
    entry->accepted = true;
    pthread_mutex_unlock(&cache->lock);
    EVP_PKEY_free(evicted);
}

/* The entry's place among the at most max that were used last; best is sorted, the latest first. */
static size_t insert_latest(const struct entry **best, size_t count, size_t max,
                            const struct entry *entry)
{
    size_t i = count < max ? count++ : max - 1;
    if (best[i] && best[i]->last_use > entry->last_use)
        return count;
    for (; i > 0 && best[i - 1]->last_use < entry->last_use; i--)
        best[i] = best[i - 1];
    best[i] = entry;
    return count;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, RATLS_KEY_ID_LEN);
}

size_t ratls_key_cache_ids(struct ratls_key_cache *cache, const char *server, int64_t now,
                           uint8_t (*out)[RATLS_KEY_ID_LEN], size_t max)
{
    const struct entry *best[RATLS_KEY_IDS_MAX] = {NULL};
    uint8_t hash[32];
    size_t count = 0;
    max = max < RATLS_KEY_IDS_MAX ? max : RATLS_KEY_IDS_MAX;
    if (max == 0 || !hash_server(server, hash))
        return 0;
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < cache->count; i++) {
        const struct enrolment *e = find_enrolment(&cache->entries[i], hash);
        if (e && now < e->until && cache->entries[i].area_len != 0)
            count = insert_latest(best, count, max, &cache->entries[i]);
    }
    for (size_t i = 0; i < count; i++)
        memcpy(out[i], best[i]->id, RATLS_KEY_ID_LEN);
    pthread_mutex_unlock(&cache->lock);
    qsort(out, count, RATLS_KEY_ID_LEN, compare_ids);
    return count;
}

/* With the server: an id is short, and another key may have the same. */
enum ratls_status ratls_key_cache_named(struct ratls_key_cache *cache,
                                        const uint8_t id[static RATLS_KEY_ID_LEN],
                                        const char *server,
                                        uint8_t out[static RATLS_AREA_KNOWN_MAX], size_t *ret_len,
                                        struct ratls_error *err)
{
    uint8_t hash[32];
    struct entry *found = NULL;
    if (!hash_server(server, hash))
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; !found && i < cache->count; i++) {
        struct entry *entry = &cache->entries[i];
        if (entry->area_len != 0 && memcmp(entry->id, id, sizeof(entry->id)) == 0 &&
            find_enrolment(entry, hash))
            found = entry;
    }
    if (found)
        memcpy(out, found->area, found->area_len);
    *ret_len = found ? found->area_len : 0;
    pthread_mutex_unlock(&cache->lock);
    return RATLS_OK;
}
