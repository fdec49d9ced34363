#include "batch.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

void ratls_quoted_clear(struct ratls_quoted *quoted)
{
    ratls_quote_free(quoted->quote);
    quoted->quote = NULL;
}

static struct ratls_batch *find_member(struct ratls_ring *link)
{
    return RATLS_RING_MEMBER(link, struct ratls_batch, by_age);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* Any order will do. */
static int compare_wants(const void *left, const void *right)
{
    const struct ratls_want *a = left, *b = right;
    const size_t count = a->selection.count;
    int order = compare_numbers(a->kind, b->kind);

    if (order == 0)
        order = compare_numbers((uint32_t)count, (uint32_t)b->selection.count);
    for (size_t i = 0; order == 0 && i < count; i++) {
        order = compare_numbers(a->selection.banks[i].hash_alg, b->selection.banks[i].hash_alg);
        if (order == 0)
            order = compare_numbers(a->selection.banks[i].pcrs, b->selection.banks[i].pcrs);
    }
    return order;
}

static struct ratls_batch *new_batch(const struct ratls_want *want)
{
    struct ratls_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL)
        return NULL;
    if (!ratls_cond_init(&batch->finished)) {
        free(batch);
        return NULL;
    }
    batch->want = *want;
    atomic_init(&batch->references, 1);
    ratls_ring_init(&batch->by_age);
    ratls_ring_init(&batch->posted);
    ratls_ring_init(&batch->others);
    return batch;
}

void ratls_batch_free(struct ratls_batch *batch)
{
    if (atomic_fetch_sub(&batch->references, 1) != 1)
        return;
    pthread_cond_destroy(&batch->finished);
    ratls_quote_free(batch->quote);
    free(batch->nodes);
    free(batch);
}

void ratls_batches_init(struct ratls_batches *batches)
{
    *batches = (struct ratls_batches){.by_want = NULL};
    ratls_ring_init(&batches->by_age);
}

struct ratls_batch *ratls_batches_join(struct ratls_batches *batches, const struct ratls_want *want)
{
    struct ratls_batch *batch;
    void *const *found = tfind(want, &batches->by_want, compare_wants);

    if (found != NULL)
        return *found;
    batch = new_batch(want);
    if (batch == NULL)
        return NULL;
    if (tsearch(batch, &batches->by_want, compare_wants) == NULL) {
        ratls_batch_free(batch);
        return NULL;
    }
    ratls_ring_append(&batches->by_age, &batch->by_age);
    return batch;
}

void ratls_batches_remove(struct ratls_batches *batches, struct ratls_batch *batch)
{
    (void)tdelete(batch, &batches->by_want, compare_wants);
    ratls_ring_remove(&batch->by_age);
}

static struct ratls_batch *find_largest(struct ratls_batches *batches)
{
    struct ratls_batch *largest = find_member(batches->by_age.next);

    for (struct ratls_ring *at = largest->by_age.next; at != &batches->by_age; at = at->next)
        if (find_member(at)->count > largest->count)
            largest = find_member(at);
    return largest;
}

struct ratls_batch *ratls_batches_take(struct ratls_batches *batches)
{
    struct ratls_batch *batch;

    if (ratls_ring_is_empty(&batches->by_age))
        return NULL;
    batch = batches->was_oldest ? find_largest(batches) : find_member(batches->by_age.next);
    batches->was_oldest = !batches->was_oldest;
    ratls_batches_remove(batches, batch);
    batch->is_taken = true;
    return batch;
}
