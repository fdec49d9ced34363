/*
 * What was used last, of more things than are kept: they are found by a key (index.h), and when
 * there is no room left, the one goes that was not used for longest. For things that are worth more
 * than others there is a way to stay: those that were not kept go first.
 *
 * The things, their memory, and the lock around all of it belong to whoever has this.
 */
#ifndef RATLS_RECENT_H
#define RATLS_RECENT_H

#include "index.h"
#include "ring.h"

/* A member of what is remembered. */
struct ratls_recent_item {
    struct ratls_index_item by_key; /* key is set before it is added */
    struct ratls_ring use;
    bool is_kept; /* set by ratls_recent_keep() */
};

struct ratls_recent {
    struct ratls_index index;
    struct ratls_ring passing, kept; /* the one that was used last is at the end */
    size_t count, max;
};

/* The places are NULL, and max of them, a power of 2. False: there are no random bytes. */
RATLS_MUST_CHECK bool ratls_recent_init(struct ratls_recent *recent,
                                        struct ratls_index_item **places, size_t max);

/* Counts as a use. NULL if there is none. */
struct ratls_recent_item *ratls_recent_find(struct ratls_recent *recent, struct ratls_slice key);
/* There is room for it, and none has its key. */
void ratls_recent_add(struct ratls_recent *recent, struct ratls_recent_item *item);
void ratls_recent_keep(struct ratls_recent *recent, struct ratls_recent_item *item);

/* Takes the one out that is to go next. NULL if there is none. */
struct ratls_recent_item *ratls_recent_take(struct ratls_recent *recent);
/* The same, if there is no room left for another one; else NULL. */
struct ratls_recent_item *ratls_recent_make_room(struct ratls_recent *recent);

#endif
