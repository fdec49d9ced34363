#include "index.h"

#include <string.h>

#include "crypto.h"

bool ratls_index_init(struct ratls_index *index, struct ratls_index_item **places,
                      size_t place_count)
{
    *index = (struct ratls_index){.places = places, .place_count = place_count};
    return ratls_random((uint8_t *)index->salt, sizeof index->salt, NULL) == RATLS_OK;
}

/*
 * Multilinear hashing: Lemire and Kaser, "Strongly universal string hashing is fast", The Computer
 * Journal 57 (2014), 2. Of keys that were chosen without the salt, two share a place as seldom as
 * if places were drawn by lot.
 */
static struct ratls_index_item **find_place(const struct ratls_index *index, struct ratls_slice key)
{
    uint64_t sum = index->salt[0] + index->salt[1] * key.len;
    const uint64_t *salt = &index->salt[2];
    uint32_t word;

    for (; key.len >= sizeof word; key.p += sizeof word, key.len -= sizeof word) {
        memcpy(&word, key.p, sizeof word);
        sum += *salt++ * word;
    }
    if (key.len > 0) {
        word = 0;
        memcpy(&word, key.p, key.len);
        sum += *salt * word;
    }
    return &index->places[(sum >> 32) & (index->place_count - 1)];
}

static bool is_key(struct ratls_slice a, struct ratls_slice b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

struct ratls_index_item *ratls_index_find(const struct ratls_index *index, struct ratls_slice key)
{
    struct ratls_index_item *item;

    if (key.len == 0 || key.len > RATLS_INDEX_KEY_MAX)
        return NULL;
    item = *find_place(index, key);
    while (item != NULL && !is_key(item->key, key))
        item = item->next;
    return item;
}

void ratls_index_add(struct ratls_index *index, struct ratls_index_item *item)
{
    struct ratls_index_item **place = find_place(index, item->key);

    item->next = *place;
    *place = item;
}

void ratls_index_remove(struct ratls_index *index, const struct ratls_index_item *item)
{
    struct ratls_index_item **link = find_place(index, item->key);

    while (*link != item)
        link = &(*link)->next;
    *link = item->next;
}
