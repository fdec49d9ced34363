#include "changes.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* One fact of a list while partners are looked for. */
struct item {
    const struct ratls_fact *fact;
    const struct ratls_fact *partner; /* NULL: none yet */
    bool is_same;
};

struct side {
    struct item *items; /* in the order of the list */
    struct item **sorted;
    size_t count;
};

typedef int compare_fn(const struct ratls_fact *a, const struct ratls_fact *b);

static int compare_slices(struct ratls_slice a, struct ratls_slice b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_kinds(const struct ratls_fact *a, const struct ratls_fact *b)
{
    if (a->topic != b->topic)
        return a->topic < b->topic ? -1 : 1;
    return (a->pcr > b->pcr) - (a->pcr < b->pcr);
}

/* The names of measured things state nothing, but for paths and what is not measured. */
static int compare_same(const struct ratls_fact *a, const struct ratls_fact *b)
{
    int order = compare_kinds(a, b);

    if (order == 0)
        order = compare_slices(a->value, b->value);
    if (order == 0 && (a->topic < RATLS_TOPIC_FIRST_LIST || a->topic == RATLS_TOPIC_IMA_ALLOW ||
                       a->topic == RATLS_TOPIC_IMA_DENY))
        order = compare_slices(a->name, b->name);
    return order;
}

/* The command of a line is what it is: "linux", "initrd". */
static struct ratls_slice first_word(struct ratls_slice text)
{
    size_t len = 0;

    while (len < text.len && text.p[len] != ' ')
        len++;
    return ratls_slice(text.p, len);
}

/* Names that say what it is. All commands of GRUB have the same: there it is the first word. */
static int compare_names(const struct ratls_fact *a, const struct ratls_fact *b)
{
    static const char grub[] = "grub_cmd";
    int order = compare_kinds(a, b);

    if (order == 0)
        order = compare_slices(a->name, b->name);
    if (order != 0 || a->form != RATLS_FACT_TEXT || b->form != RATLS_FACT_TEXT ||
        compare_slices(a->name, ratls_slice(grub, sizeof grub - 1)) != 0)
        return order;
    return compare_slices(first_word(a->value), first_word(b->value));
}

static int order_by(const void *p, const void *q, void *arg)
{
    const struct item *const *a = p;
    const struct item *const *b = q;
    compare_fn *const *compare = arg;
    const int order = (*compare)((*a)->fact, (*b)->fact);

    return order != 0 ? order : ((*a) > (*b)) - ((*a) < (*b));
}

/* Partners among those that have none yet, one each, in the order of their lists. */
static void pair(struct side *a, struct side *b, compare_fn *compare, bool is_same)
{
    size_t i = 0, j = 0;

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    qsort_r(a->sorted, a->count, sizeof *a->sorted, order_by, &compare);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    qsort_r(b->sorted, b->count, sizeof *b->sorted, order_by, &compare);
    while (i < a->count && j < b->count) {
        struct item *p = a->sorted[i];
        struct item *q = b->sorted[j];
        const int order = compare(p->fact, q->fact);

        if (p->partner != NULL || (order < 0 && q->partner == NULL)) {
            i++;
        } else if (q->partner != NULL || order > 0) {
            j++;
        } else {
            p->partner = q->fact;
            q->partner = p->fact;
            p->is_same = q->is_same = is_same;
            i++;
            j++;
        }
    }
}

static bool side_init(const struct ratls_facts *facts, struct side *ret)
{
    ret->items = calloc(facts->count + 1, sizeof *ret->items);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    ret->sorted = calloc(facts->count + 1, sizeof *ret->sorted);
    ret->count = facts->count;
    for (size_t i = 0; i < facts->count && ret->items != NULL && ret->sorted != NULL; i++) {
        ret->items[i].fact = &facts->items[i];
        ret->sorted[i] = &ret->items[i];
    }
    return ret->items != NULL && ret->sorted != NULL;
}

static void side_done(struct side *side)
{
    free(side->items);
    free(side->sorted);
}

/* Facts of lists without an order of their own, and those that stand alone. */
static bool has_order(const struct ratls_fact *fact)
{
    return fact->topic >= RATLS_TOPIC_OTHER && fact->topic != RATLS_TOPIC_IMA_ALLOW;
}

static void add(struct ratls_changes *changes, enum ratls_change_kind kind,
                const struct ratls_fact *a, const struct ratls_fact *b)
{
    changes->items[changes->count++] = (struct ratls_change){kind, a, b};
}

/* One change for each PCR whose events are the same and stand in another order. */
static void add_moved(struct ratls_changes *changes, const struct side *a)
{
    uint64_t last[RATLS_PCR_COUNT] = {0};
    uint32_t moved = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct item *item = &a->items[i];
        const unsigned pcr = item->fact->pcr;

        if (item->partner == NULL || !item->is_same || !has_order(item->fact) ||
            pcr >= RATLS_PCR_COUNT)
            continue;
        if (item->partner->place < last[pcr] && (moved & UINT32_C(1) << pcr) == 0) {
            moved |= UINT32_C(1) << pcr;
            add(changes, RATLS_CHANGE_MOVED, item->fact, item->partner);
        }
        last[pcr] = item->partner->place;
    }
}

static void add_all(struct ratls_changes *changes, const struct side *a, const struct side *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct item *item = &a->items[i];

        if (item->partner == NULL)
            add(changes, RATLS_CHANGE_REMOVED, item->fact, NULL);
        else if (!item->is_same)
            add(changes, RATLS_CHANGE_OTHER, item->fact, item->partner);
    }
    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].partner == NULL)
            add(changes, RATLS_CHANGE_ADDED, NULL, b->items[i].fact);
    add_moved(changes, a);
}

/* A value follows from the events of its PCR: it is news only if none of them changed. */
static void drop_explained(struct ratls_changes *changes)
{
    uint32_t explained = 0;
    size_t kept = 0;

    for (size_t i = 0; i < changes->count; i++) {
        const struct ratls_change *c = &changes->items[i];
        const struct ratls_fact *fact = c->a != NULL ? c->a : c->b;

        if (fact->topic >= RATLS_TOPIC_OTHER && fact->pcr < RATLS_PCR_COUNT)
            explained |= UINT32_C(1) << fact->pcr;
    }
    for (size_t i = 0; i < changes->count; i++) {
        const struct ratls_change c = changes->items[i];

        if (c.kind == RATLS_CHANGE_OTHER && c.a != NULL && c.a->topic == RATLS_TOPIC_PCR &&
            (explained & UINT32_C(1) << c.a->pcr) != 0)
            continue;
        changes->items[kept++] = c;
    }
    changes->count = kept;
}

enum ratls_status ratls_changes_find(const struct ratls_facts *a, const struct ratls_facts *b,
                                     struct ratls_changes *ret_changes, struct ratls_error *err)
{
    struct ratls_changes changes = {.count = 0};
    struct side left = {.count = 0}, right = {.count = 0};
    enum ratls_status status = RATLS_OK;

    changes.items = calloc(a->count + b->count + RATLS_PCR_COUNT, sizeof *changes.items);
    if (!side_init(a, &left) || !side_init(b, &right) || changes.items == NULL) {
        free(changes.items);
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
        goto out;
    }
    pair(&left, &right, compare_same, true);
    pair(&left, &right, compare_names, false);
    add_all(&changes, &left, &right);
    drop_explained(&changes);
    *ret_changes = changes;

out:
    side_done(&left);
    side_done(&right);
    return status;
}

void ratls_changes_done(struct ratls_changes *changes)
{
    free(changes->items);
    *changes = (struct ratls_changes){.count = 0};
}
