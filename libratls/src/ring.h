/* A doubly linked ring: what is in it leaves without a search. Guarded by whoever owns it. */
#ifndef RATLS_RING_H
#define RATLS_RING_H

#include <stdbool.h>
#include <stddef.h>

/* A member of what is linked, or the ring itself, which has no member around it. */
struct ratls_ring {
    struct ratls_ring *before;
    struct ratls_ring *next;
};

/* What a link is a member of. */
#define RATLS_RING_MEMBER(link, type, member)                                                      \
    ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void ratls_ring_init(struct ratls_ring *ring)
{
    ring->before = ring->next = ring;
}

static inline bool ratls_ring_is_empty(const struct ratls_ring *ring)
{
    return ring->next == ring;
}

static inline void ratls_ring_append(struct ratls_ring *ring, struct ratls_ring *link)
{
    link->before = ring->before;
    link->next = ring;
    ring->before->next = link;
    ring->before = link;
}

/* From whatever ring it is in; does nothing if it is in none. */
static inline void ratls_ring_remove(struct ratls_ring *link)
{
    link->before->next = link->next;
    link->next->before = link->before;
    ratls_ring_init(link);
}

/* Moves all of `from` behind what is in the ring. */
static inline void ratls_ring_append_all(struct ratls_ring *ring, struct ratls_ring *from)
{
    if (ratls_ring_is_empty(from))
        return;
    from->next->before = ring->before;
    from->before->next = ring;
    ring->before->next = from->next;
    ring->before = from->before;
    ratls_ring_init(from);
}

#endif
