/*
 * Entries are found by the key's Name, and made when needed. The lock is held for look-ups and
 * copies only: never while a key is made or freed, nor during any allocation or signature
 * verification.
 */
#include "keys.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "enrolments.h"
#include "fail.h"
#include "quote_memory.h"

#define ENTRIES_MAX 1024   /* a power of 2 */
#define SERVER_LEN_MAX 255 /* RFC 1035, 3.1; of a longer one nothing is remembered */

struct entry {
    struct ratls_recent_item item; /* kept: a quote was accepted, and counters are set */
    EVP_PKEY *key;                 /* NULL: not made yet */
    struct ratls_enrolments enrolments;
    struct ratls_tpm_counters counters;
    struct ratls_tpm_counters kept; /* by the ledger, as of then */
    int64_t kept_ms;
    bool was_kept;
    uint8_t *area; /* of its length in bytes; NULL: no request names the key */
    size_t area_len;
    uint8_t name[RATLS_TPM_NAME_MAX];
};

struct ratls_key_cache {
    pthread_mutex_t lock;
    struct ratls_recent entries;
    struct ratls_index_item *places[ENTRIES_MAX];
    struct ratls_enrolled enrolled;
    struct ratls_quote_memory quotes;
};

static bool init_cache(struct ratls_key_cache *cache)
{
    if (!ratls_recent_init(&cache->entries, cache->places, ENTRIES_MAX) ||
        !ratls_enrolled_init(&cache->enrolled) || !ratls_quote_memory_init(&cache->quotes))
        return false;
    if (pthread_mutex_init(&cache->lock, NULL) == 0)
        return true;
    ratls_quote_memory_clear(&cache->quotes);
    return false;
}

struct ratls_key_cache *ratls_key_cache_new(void)
{
    struct ratls_key_cache *cache = calloc(1, sizeof(*cache));
    if (cache && init_cache(cache))
        return cache;
    free(cache);
    return NULL;
}

static struct entry *entry_of(struct ratls_recent_item *item)
{
    return item ? RATLS_RING_MEMBER(item, struct entry, item) : NULL;
}

static void free_entry(struct entry *entry)
{
    if (!entry)
        return;
    EVP_PKEY_free(entry->key);
    free(entry->area);
    free(entry);
}

void ratls_key_cache_free(struct ratls_key_cache *cache)
{
    struct ratls_recent_item *item;
    if (!cache)
        return;
    while ((item = ratls_recent_take(&cache->entries)))
        free_entry(entry_of(item));
    ratls_enrolled_clear(&cache->enrolled);
    ratls_quote_memory_clear(&cache->quotes);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

struct ratls_quote_memory *ratls_key_cache_quotes(struct ratls_key_cache *cache)
{
    return &cache->quotes;
}

static bool is_name(struct ratls_slice name)
{
    return name.len > 2 && name.len <= RATLS_TPM_NAME_MAX;
}

/* With the lock held; NULL if there is none. Counts as a use. */
static struct entry *find_entry(struct ratls_key_cache *cache, struct ratls_slice name)
{
    return is_name(name) ? entry_of(ratls_recent_find(&cache->entries, name)) : NULL;
}

/* NULL if memory is short. */
static struct entry *make_entry(struct ratls_slice name)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    memcpy(entry->name, name.p, name.len);
    entry->item.by_key.key = ratls_slice(entry->name, name.len);
    return entry;
}

/* With the lock held. Returns the one that has to go for it, or NULL. */
static struct entry *add_entry(struct ratls_key_cache *cache, struct entry *entry)
{
    struct entry *leaving = entry_of(ratls_recent_make_room(&cache->entries));
    if (leaving)
        ratls_enrolments_leave(&cache->enrolled, &leaving->enrolments);
    ratls_recent_add(&cache->entries, &entry->item);
    return leaving;
}

/*
 * Finds or adds, with the lock held, but not all the time. NULL if memory is short: then the key is
 * not remembered. *ret_leaving, if it is set, is to be freed without the lock.
 */
static struct entry *hold_entry(struct ratls_key_cache *cache, struct ratls_slice name,
                                struct entry **ret_leaving)
{
    struct entry *entry = find_entry(cache, name);
    if (entry)
        return entry;
    pthread_mutex_unlock(&cache->lock);
    struct entry *made = make_entry(name);
    pthread_mutex_lock(&cache->lock);
    entry = find_entry(cache, name); /* another thread may have been faster */
    if (entry || !made) {
        *ret_leaving = made;
        return entry;
    }
    *ret_leaving = add_entry(cache, made);
    return made;
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
    struct entry *leaving = NULL;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = hold_entry(cache, name, &leaving);
    if (entry && !entry->key && EVP_PKEY_up_ref(key) == 1)
        entry->key = key;
    pthread_mutex_unlock(&cache->lock);
    free_entry(leaving);
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

int64_t ratls_key_cache_chain_until(struct ratls_key_cache *cache, struct ratls_slice name,
                                    const uint8_t *chain_sha256, const char *server, int64_t now)
{
    uint8_t hash[32];
    if (!hash_server(server, hash))
        return 0;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_entry(cache, name);
    struct ratls_enrolment *e = entry ? ratls_enrolments_find(&entry->enrolments, hash) : NULL;
    bool known = e && now < e->until && (!chain_sha256 || memcmp(e->chain, chain_sha256, 32) == 0);
    int64_t until = known ? e->until : 0;
    if (known)
        ratls_enrolment_use(e);
    pthread_mutex_unlock(&cache->lock);
    return until;
}

/* What may be needed with the lock held, made without it. NULL: it is not needed, or not there. */
struct spare {
    uint8_t *area;
    struct ratls_enrolled_server *server;
};

static struct spare make_spare(struct ratls_slice area, const uint8_t server[static 32])
{
    struct spare spare = {NULL, NULL};
    if (area.len == 0 || area.len > RATLS_AREA_KNOWN_MAX)
        return spare;
    spare.area = malloc(area.len);
    spare.server = calloc(1, sizeof(*spare.server));
    if (spare.area)
        memcpy(spare.area, area.p, area.len);
    if (spare.server)
        memcpy(spare.server->sha256, server, 32);
    return spare;
}

/* A Name is a hash of the area: an entry never gets another one. */
static void put_area(struct entry *entry, struct spare *spare, size_t len)
{
    if (entry->area || !spare->area)
        return;
    entry->area = spare->area;
    entry->area_len = len;
    spare->area = NULL;
}

/* What a server shows again needs no memory. False: it is not there, or cannot be named. */
static bool renew_enrolment(struct ratls_key_cache *cache, struct ratls_slice name,
                            const struct ratls_enrolment *enrolment)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_entry(cache, name);
    bool is_renewed = entry && ratls_enrolments_renew(&entry->enrolments, enrolment);
    pthread_mutex_unlock(&cache->lock);
    return is_renewed;
}

static void put_enrolment(struct ratls_key_cache *cache, struct ratls_slice name,
                          struct ratls_slice area, struct ratls_enrolment *enrolment)
{
    struct spare spare = make_spare(area, enrolment->name.server);
    struct entry *leaving = NULL;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = hold_entry(cache, name, &leaving);
    if (entry) {
        put_area(entry, &spare, area.len);
        enrolment->area = ratls_slice(entry->area, entry->area_len);
        spare.server =
            ratls_enrolments_put(&cache->enrolled, &entry->enrolments, enrolment, spare.server);
    }
    pthread_mutex_unlock(&cache->lock);
    free_entry(leaving);
    free(spare.area);
    free(spare.server);
}

void ratls_key_cache_chain_verified(struct ratls_key_cache *cache, struct ratls_slice name,
                                    struct ratls_slice area, const uint8_t *chain_sha256,
                                    const char *server, int64_t until)
{
    struct ratls_enrolment enrolment = {.is_used = true, .until = until};
    uint8_t id[32];
    if (!is_name(name) || !hash_server(server, enrolment.name.server) ||
        ratls_sha256(name, id, NULL) != RATLS_OK)
        return;
    memcpy(enrolment.name.id, id, sizeof(enrolment.name.id)); /* WIRE.md, 2: its first bytes */
    if (chain_sha256)
        memcpy(enrolment.chain, chain_sha256, 32);
    if (!renew_enrolment(cache, name, &enrolment))
        put_enrolment(cache, name, area, &enrolment);
}

bool ratls_key_cache_counters(struct ratls_key_cache *cache, struct ratls_slice name,
                              struct ratls_tpm_counters *ret_counters)
{
    pthread_mutex_lock(&cache->lock);
    const struct entry *entry = find_entry(cache, name);
    bool found = entry && entry->item.is_kept;
    if (found)
        *ret_counters = entry->counters;
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void ratls_key_cache_seen(struct ratls_key_cache *cache, struct ratls_slice name,
                          const struct ratls_tpm_counters *counters)
{
    struct entry *leaving = NULL;
    if (!is_name(name))
        return;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = hold_entry(cache, name, &leaving);
    if (entry && (!entry->item.is_kept || ratls_tpm_counters_before(&entry->counters, counters)))
        entry->counters = *counters;
    if (entry)
        ratls_recent_keep(&cache->entries, &entry->item);
    pthread_mutex_unlock(&cache->lock);
    free_entry(leaving);
}

bool ratls_key_cache_is_due(struct ratls_key_cache *cache, struct ratls_slice name,
                            const struct ratls_tpm_counters *counters, int64_t boot_ms)
{
    pthread_mutex_lock(&cache->lock);
    const struct entry *entry = find_entry(cache, name);
    bool is_fresh = entry && entry->was_kept && boot_ms - entry->kept_ms < RATLS_COUNTERS_KEPT_MS &&
                    ratls_tpm_counters_are_same_boot(&entry->kept, counters);
    pthread_mutex_unlock(&cache->lock);
    return !is_fresh;
}

void ratls_key_cache_kept(struct ratls_key_cache *cache, struct ratls_slice name,
                          const struct ratls_tpm_counters *counters, int64_t boot_ms)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_entry(cache, name);
    if (entry) {
        entry->kept = *counters;
        entry->kept_ms = boot_ms;
        entry->was_kept = true;
    }
    pthread_mutex_unlock(&cache->lock);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, RATLS_KEY_ID_LEN);
}

size_t ratls_key_cache_ids(struct ratls_key_cache *cache, const char *server, int64_t now,
                           uint8_t (*out)[RATLS_KEY_ID_LEN], size_t max)
{
    uint8_t hash[32];
    if (max == 0 || !hash_server(server, hash))
        return 0;
    pthread_mutex_lock(&cache->lock);
    size_t count = ratls_enrolled_ids(&cache->enrolled, hash, now, out, max);
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
    struct ratls_enrolment_name name;
    if (!hash_server(server, name.server))
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(name.id, id, sizeof(name.id));
    pthread_mutex_lock(&cache->lock);
    const struct ratls_enrolment *found = ratls_enrolled_named(&cache->enrolled, &name);
    if (found)
        memcpy(out, found->area.p, found->area.len);
    *ret_len = found ? found->area.len : 0;
    pthread_mutex_unlock(&cache->lock);
    return RATLS_OK;
}
