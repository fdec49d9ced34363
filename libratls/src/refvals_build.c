#include "refvals_build.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "refvals.h"
#include "refvals_image.h"

#define CAPACITY_FIRST 64

struct ratls_refvals_entry {
    uint64_t begin;    /* the first bytes of the digest: most comparisons need no more */
    uint32_t at;       /* of the digest in the builder's bytes; the name is behind it */
    uint32_t name_ref; /* where the name goes among the names of the image */
    uint16_t name_len;
    uint8_t digest_len;
};

static bool grow(void **p, size_t *capacity, size_t needed, size_t size)
{
    size_t bigger = *capacity == 0 ? CAPACITY_FIRST : *capacity;
    void *moved;

    if (needed <= *capacity)
        return true;
    while (bigger < needed)
        bigger *= 2;
    moved = realloc(*p, bigger * size);
    if (moved == NULL)
        return false;
    *p = moved;
    *capacity = bigger;
    return true;
}

/* realloc() by way of a void *: no pointer to a pointer of another type. */
static bool grow_builder(struct ratls_refvals_builder *builder, size_t len)
{
    void *entries = builder->entries, *bytes = builder->bytes;
    bool is_good =
        grow(&entries, &builder->capacity, builder->count + 1, sizeof *builder->entries) &&
        grow(&bytes, &builder->bytes_capacity, builder->len + len, 1);

    builder->entries = entries;
    builder->bytes = bytes;
    return is_good;
}

static enum ratls_status too_much(struct ratls_error *err)
{
    return ratls_fail(err, RATLS_LIMIT, "more than %u MiB of reference values",
                      RATLS_REFVALS_FILE_MAX >> 20);
}

enum ratls_status ratls_refvals_add(struct ratls_refvals_builder *builder,
                                    struct ratls_slice digest, struct ratls_slice name,
                                    struct ratls_error *err)
{
    struct ratls_reader r = ratls_reader(digest);

    if (name.len == 0 || name.len > RATLS_REFVALS_NAME_MAX ||
        (digest.len != 32 && digest.len != 48 && digest.len != 64))
        return ratls_fail(err, RATLS_USAGE, "no reference value: %zu bytes, name of %zu bytes",
                          digest.len, name.len);
    if (builder->len + digest.len + name.len > RATLS_REFVALS_FILE_MAX)
        return too_much(err);
    if (!grow_builder(builder, digest.len + name.len))
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    builder->entries[builder->count++] = (struct ratls_refvals_entry){
        .begin = ratls_read_u64(&r),
        .at = (uint32_t)builder->len,
        .name_len = (uint16_t)name.len,
        .digest_len = (uint8_t)digest.len,
    };
    memcpy(builder->bytes + builder->len, digest.p, digest.len);
    memcpy(builder->bytes + builder->len + digest.len, name.p, name.len);
    builder->len += digest.len + name.len;
    return RATLS_OK;
}

static const uint8_t *entry_name(const struct ratls_refvals_builder *builder,
                                 const struct ratls_refvals_entry *entry)
{
    return builder->bytes + entry->at + entry->digest_len;
}

static int compare_names(const void *a, const void *b, void *context)
{
    const struct ratls_refvals_entry *x = a, *y = b;
    size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
    int order = memcmp(entry_name(context, x), entry_name(context, y), len);

    return order != 0 ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

/* Once the names have their places, these are in the order of the names. */
static int compare_entries(const void *a, const void *b, void *context)
{
    const struct ratls_refvals_entry *x = a, *y = b;
    const struct ratls_refvals_builder *builder = context;
    int order;

    if (x->digest_len != y->digest_len)
        return x->digest_len < y->digest_len ? -1 : 1;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    order = memcmp(builder->bytes + x->at, builder->bytes + y->at, x->digest_len);
    return order != 0 ? order : (x->name_ref > y->name_ref) - (x->name_ref < y->name_ref);
}

static void sort(struct ratls_refvals_builder *builder,
                 int (*compare)(const void *a, const void *b, void *context))
{
    if (builder->count > 0) /* qsort_r() takes no NULL */
        qsort_r(builder->entries, builder->count, sizeof *builder->entries, compare, builder);
}

/* Returns the length of the names, each once. */
static size_t place_names(struct ratls_refvals_builder *builder)
{
    size_t len = 0, last = 0;

    sort(builder, compare_names);
    for (size_t i = 0; i < builder->count; i++) {
        struct ratls_refvals_entry *entry = &builder->entries[i];

        if (i == 0 || compare_names(entry - 1, entry, builder) != 0) {
            last = len;
            len += sizeof(uint16_t) + entry->name_len;
        }
        entry->name_ref = (uint32_t)last;
    }
    return len;
}

/* Sorts them, and takes away what is there twice. */
static void order_entries(struct ratls_refvals_builder *builder,
                          size_t ret_counts[static RATLS_REFVALS_LENGTHS])
{
    size_t kept = 0;

    memset(ret_counts, 0, RATLS_REFVALS_LENGTHS * sizeof *ret_counts);
    sort(builder, compare_entries);
    for (size_t i = 0; i < builder->count; i++) {
        struct ratls_refvals_entry *entry = &builder->entries[i];

        if (kept > 0 && compare_entries(&builder->entries[kept - 1], entry, builder) == 0)
            continue;
        ret_counts[entry->digest_len / 16 - 2]++;
        builder->entries[kept++] = *entry;
    }
    builder->count = kept;
}

static void put_header(uint8_t *bytes, const size_t counts[static RATLS_REFVALS_LENGTHS],
                       size_t names_len)
{
    struct ratls_writer w = ratls_writer(bytes, RATLS_REFVALS_HASH_AT);

    ratls_write_bytes(&w, ratls_slice(RATLS_REFVALS_MAGIC, RATLS_REFVALS_MAGIC_LEN));
    ratls_write_u32(&w, RATLS_REFVALS_VERSION);
    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++)
        ratls_write_u32(&w, (uint32_t)counts[i]);
    ratls_write_u64(&w, names_len);
}

/* first: the first entry of the section. A bucket ends where the first digest behind it is. */
static void put_buckets(const struct ratls_refvals_builder *builder, size_t first,
                        const struct ratls_refvals_section *section, uint8_t *bytes)
{
    unsigned shift = 64 - section->bucket_bits;
    size_t count = (size_t)1 << section->bucket_bits;
    struct ratls_writer w = ratls_writer(bytes + section->buckets, count * sizeof(uint32_t));
    size_t end = 0;

    for (size_t bucket = 0; bucket < count; bucket++) {
        while (end < section->count &&
               (shift == 64 || builder->entries[first + end].begin >> shift <= bucket))
            end++;
        ratls_write_u32(&w, (uint32_t)end);
    }
}

static void put_section(const struct ratls_refvals_builder *builder, size_t first,
                        const struct ratls_refvals_section *section, uint8_t *bytes, uint8_t *names)
{
    struct ratls_writer records =
        ratls_writer(bytes + section->records, section->end - section->records);

    put_buckets(builder, first, section, bytes);
    for (size_t i = 0; i < section->count; i++) {
        const struct ratls_refvals_entry *entry = &builder->entries[first + i];
        struct ratls_writer name =
            ratls_writer(names + entry->name_ref, sizeof(uint16_t) + entry->name_len);

        ratls_write_bytes(&records, ratls_slice(builder->bytes + entry->at, entry->digest_len));
        ratls_write_u32(&records, entry->name_ref);
        ratls_write_u16(&name, entry->name_len); /* the same again if the name is not new */
        ratls_write_bytes(&name, ratls_slice(entry_name(builder, entry), entry->name_len));
    }
}

enum ratls_status ratls_refvals_build(struct ratls_refvals_builder *builder, uint8_t **ret_bytes,
                                      size_t *ret_len, struct ratls_error *err)
{
    struct ratls_refvals_section sections[RATLS_REFVALS_LENGTHS];
    size_t counts[RATLS_REFVALS_LENGTHS];
    size_t names_len = place_names(builder);
    enum ratls_status status;
    size_t len, first = 0;
    uint8_t *bytes;

    order_entries(builder, counts);
    ratls_refvals_layout(counts, sections);
    len = sections[RATLS_REFVALS_LENGTHS - 1].end + names_len;
    if (len > RATLS_REFVALS_FILE_MAX)
        return too_much(err);
    bytes = malloc(len);
    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    put_header(bytes, counts, names_len);
    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++) {
        put_section(builder, first, &sections[i], bytes, bytes + len - names_len);
        first += counts[i];
    }
    status = ratls_refvals_image_hash(ratls_slice(bytes, len), bytes + RATLS_REFVALS_HASH_AT, err);
    if (status != RATLS_OK) {
        free(bytes);
        return status;
    }
    *ret_bytes = bytes;
    *ret_len = len;
    return RATLS_OK;
}

void ratls_refvals_builder_end(struct ratls_refvals_builder *builder)
{
    free(builder->entries);
    free(builder->bytes);
    *builder = (struct ratls_refvals_builder){0};
}
