/*
 * What finds things by a key, in the same time however many there are. The places that an index
 * has, the things, and the lock around it belong to whoever has the index.
 *
 * Peers choose the keys that hashes are made of, and can try until some look alike: so which place
 * a thing is found at depends on a salt, and nobody can crowd one place.
 */
#ifndef RATLS_INDEX_H
#define RATLS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_INDEX_KEY_MAX 68 /* bytes; a Name has at most 66 */
#define RATLS_INDEX_WORDS (RATLS_INDEX_KEY_MAX / sizeof(uint32_t))

/* A member of what is found: RATLS_RING_MEMBER() leads there. */
struct ratls_index_item {
    struct ratls_index_item *next; /* at the same place */
    struct ratls_slice key;        /* borrowed from what it is a member of */
};

struct ratls_index {
    uint64_t salt[2 + RATLS_INDEX_WORDS];
    size_t place_count; /* a power of 2 */
    struct ratls_index_item **places;
};

/* The places are NULL, about as many as things are expected. False: there are no random bytes. */
RATLS_MUST_CHECK bool ratls_index_init(struct ratls_index *index, struct ratls_index_item **places,
                                       size_t place_count);

/* NULL if there is none. */
struct ratls_index_item *ratls_index_find(const struct ratls_index *index, struct ratls_slice key);
/* Its key is set, and has 1 to RATLS_INDEX_KEY_MAX bytes. Of several with one key the last counts.
 */
void ratls_index_add(struct ratls_index *index, struct ratls_index_item *item);
/* It is there. */
void ratls_index_remove(struct ratls_index *index, const struct ratls_index_item *item);

#endif
