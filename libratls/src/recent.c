#include "recent.h"

bool ratls_recent_init(struct ratls_recent *recent, struct ratls_index_item **places, size_t max)
{
    *recent = (struct ratls_recent){.max = max};
    ratls_ring_init(&recent->passing);
    ratls_ring_init(&recent->kept);
    return ratls_index_init(&recent->index, places, max);
}

static void use(struct ratls_recent *recent, struct ratls_recent_item *item)
{
    ratls_ring_remove(&item->use);
    ratls_ring_append(item->is_kept ? &recent->kept : &recent->passing, &item->use);
}

struct ratls_recent_item *ratls_recent_find(struct ratls_recent *recent, struct ratls_slice key)
{
    struct ratls_index_item *found = ratls_index_find(&recent->index, key);
    struct ratls_recent_item *item;

    if (found == NULL)
        return NULL;
    item = RATLS_RING_MEMBER(found, struct ratls_recent_item, by_key);
    use(recent, item);
    return item;
}

void ratls_recent_add(struct ratls_recent *recent, struct ratls_recent_item *item)
{
    item->is_kept = false;
    ratls_index_add(&recent->index, &item->by_key);
    ratls_ring_append(&recent->passing, &item->use);
    recent->count++;
}

void ratls_recent_keep(struct ratls_recent *recent, struct ratls_recent_item *item)
{
    item->is_kept = true;
    use(recent, item);
}

struct ratls_recent_item *ratls_recent_take(struct ratls_recent *recent)
{
    struct ratls_ring *ring =
        ratls_ring_is_empty(&recent->passing) ? &recent->kept : &recent->passing;
    struct ratls_recent_item *item;

    if (recent->count == 0)
        return NULL;
    item = RATLS_RING_MEMBER(ring->next, struct ratls_recent_item, use);
    ratls_ring_remove(&item->use);
    ratls_index_remove(&recent->index, &item->by_key);
    recent->count--;
    return item;
}

struct ratls_recent_item *ratls_recent_make_room(struct ratls_recent *recent)
{
    return recent->count < recent->max ? NULL : ratls_recent_take(recent);
}
