#include "refvals_image.h"

#include <string.h>

#include "crypto.h"

#define PER_BUCKET 4 /* digests, if they are spread evenly: two or three cache lines */
#define CACHE_LINE 64
#define COUNT_MAX (1u << 28) /* with this many no sum of places overflows */

static const size_t DIGEST_LENS[RATLS_REFVALS_LENGTHS] = {32, 48, 64};

static unsigned count_bucket_bits(size_t count)
{
    unsigned bits = 0;

    while (bits < RATLS_REFVALS_BUCKET_BITS && count >> bits > PER_BUCKET)
        bits++;
    return bits;
}

void ratls_refvals_layout(const size_t counts[static RATLS_REFVALS_LENGTHS],
                          struct ratls_refvals_section ret_sections[static RATLS_REFVALS_LENGTHS])
{
    size_t at = RATLS_REFVALS_HEADER_LEN;

    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++) {
        struct ratls_refvals_section *section = &ret_sections[i];

        section->digest_len = DIGEST_LENS[i];
        section->count = counts[i];
        section->bucket_bits = count_bucket_bits(counts[i]);
        section->buckets = at;
        section->records = section->buckets + (sizeof(uint32_t) << section->bucket_bits);
        section->end =
            section->records + section->count * (section->digest_len + RATLS_REFVALS_REF_LEN);
        at = section->end;
    }
}

bool ratls_refvals_image_open(struct ratls_slice bytes, struct ratls_refvals_image *ret_image)
{
    struct ratls_reader r = ratls_reader(bytes);
    struct ratls_slice magic = ratls_read_bytes(&r, RATLS_REFVALS_MAGIC_LEN);
    uint32_t version = ratls_read_u32(&r);
    struct ratls_refvals_image image = {.bytes = bytes};
    size_t counts[RATLS_REFVALS_LENGTHS];
    uint64_t names_len;
    size_t end;

    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++) {
        counts[i] = ratls_read_u32(&r);
        if (counts[i] > COUNT_MAX)
            return false;
    }
    names_len = ratls_read_u64(&r);
    ratls_read_bytes(&r, RATLS_REFVALS_HEADER_LEN - RATLS_REFVALS_HASH_AT);
    if (r.failed || version != RATLS_REFVALS_VERSION ||
        memcmp(magic.p, RATLS_REFVALS_MAGIC, RATLS_REFVALS_MAGIC_LEN) != 0)
        return false;
    ratls_refvals_layout(counts, image.sections);
    end = image.sections[RATLS_REFVALS_LENGTHS - 1].end;
    if (end > bytes.len || names_len != bytes.len - end)
        return false;
    image.names = ratls_slice(bytes.p + end, bytes.len - end);
    *ret_image = image;
    return true;
}

enum ratls_status ratls_refvals_image_hash(struct ratls_slice bytes, uint8_t out[static 32],
                                           struct ratls_error *err)
{
    const struct ratls_slice parts[] = {
        ratls_slice(bytes.p, RATLS_REFVALS_HASH_AT),
        ratls_slice(bytes.p + RATLS_REFVALS_HEADER_LEN, bytes.len - RATLS_REFVALS_HEADER_LEN),
    };

    return ratls_digest(RATLS_ALG_SHA256, parts, 2, out, err);
}

const struct ratls_refvals_section *ratls_refvals_section(const struct ratls_refvals_image *image,
                                                          struct ratls_slice digest)
{
    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++)
        if (image->sections[i].digest_len == digest.len)
            return image->sections[i].count == 0 ? NULL : &image->sections[i];
    return NULL;
}

static size_t record_at(const struct ratls_refvals_section *section, size_t i)
{
    return section->records + i * (section->digest_len + RATLS_REFVALS_REF_LEN);
}

struct ratls_slice ratls_refvals_digest_at(const struct ratls_refvals_image *image,
                                           const struct ratls_refvals_section *section, size_t i)
{
    return ratls_slice(image->bytes.p + record_at(section, i), section->digest_len);
}

/* The caller knows that at lies within the image. */
static size_t read_number(const struct ratls_refvals_image *image, size_t at)
{
    const uint8_t *p = image->bytes.p + at;

    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

size_t ratls_refvals_name_ref(const struct ratls_refvals_image *image,
                              const struct ratls_refvals_section *section, size_t i)
{
    return read_number(image, record_at(section, i) + section->digest_len);
}

struct ratls_slice ratls_refvals_name_at(const struct ratls_refvals_image *image, size_t at)
{
    struct ratls_reader r;

    if (at >= image->names.len)
        return ratls_slice(NULL, 0);
    r = ratls_reader(ratls_slice(image->names.p + at, image->names.len - at));
    return ratls_read_bytes(&r, ratls_read_u16(&r));
}

static int compare_names(struct ratls_slice a, struct ratls_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The digests that begin as this one: from *ret_begin up to *ret_end, within the section. */
static void find_bucket(const struct ratls_refvals_image *image,
                        const struct ratls_refvals_section *section, struct ratls_slice digest,
                        size_t *ret_begin, size_t *ret_end)
{
    uint32_t begins = (uint32_t)digest.p[0] << 16 | (uint32_t)digest.p[1] << 8 | digest.p[2];
    size_t bucket = begins >> (24 - section->bucket_bits);
    size_t at = section->buckets + bucket * sizeof(uint32_t);
    size_t end = read_number(image, at);
    size_t begin = bucket == 0 ? 0 : read_number(image, at - sizeof(uint32_t));

    *ret_end = end < section->count ? end : section->count;
    *ret_begin = begin < *ret_end ? begin : *ret_end;
}

void ratls_refvals_prefetch(const struct ratls_refvals_image *image,
                            const struct ratls_refvals_section *section, struct ratls_slice digest)
{
    size_t begin, end;

    find_bucket(image, section, digest, &begin, &end);
    if (begin == end)
        return;
    /* Of a usual bucket these are all lines of the cache. */
    __builtin_prefetch(image->bytes.p + record_at(section, begin));
    __builtin_prefetch(image->bytes.p + record_at(section, begin + (end - begin) / 2));
    __builtin_prefetch(image->bytes.p + record_at(section, end) - 1);
}

/* Any of those with this digest. */
static bool find_digest(const struct ratls_refvals_image *image,
                        const struct ratls_refvals_section *section, struct ratls_slice digest,
                        size_t *ret_i)
{
    size_t begin, end;

    find_bucket(image, section, digest, &begin, &end);
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        int order = memcmp(ratls_refvals_digest_at(image, section, middle).p, digest.p, digest.len);

        if (order == 0) {
            *ret_i = middle;
            return true;
        }
        if (order < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return false;
}

void ratls_refvals_prefetch_name(const struct ratls_refvals_image *image,
                                 const struct ratls_refvals_section *section,
                                 struct ratls_slice digest)
{
    size_t i;
    size_t at = find_digest(image, section, digest, &i) ? ratls_refvals_name_ref(image, section, i)
                                                        : image->names.len;

    if (at >= image->names.len)
        return;
    __builtin_prefetch(image->names.p + at);
    if (image->names.len - at > CACHE_LINE)
        __builtin_prefetch(image->names.p + at + CACHE_LINE);
}

bool ratls_refvals_contains(const struct ratls_refvals_image *image,
                            const struct ratls_refvals_section *section, struct ratls_slice digest)
{
    size_t i;

    return find_digest(image, section, digest, &i);
}

size_t ratls_refvals_seek(const struct ratls_refvals_image *image,
                          const struct ratls_refvals_section *section, struct ratls_slice digest,
                          struct ratls_slice name)
{
    size_t low, high;

    find_bucket(image, section, digest, &low, &high);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(ratls_refvals_digest_at(image, section, middle).p, digest.p, digest.len);

        if (order == 0) {
            size_t at = ratls_refvals_name_ref(image, section, middle);
            order = compare_names(ratls_refvals_name_at(image, at), name);
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
