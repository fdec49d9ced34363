/*
 * Targets: ratls_refvals_image_open and all look-ups in an image, whatever its bytes are: they end,
 * allocate nothing, and read nothing beyond it.
 */
#include "fuzz.h"
#include "refvals_image.h"

static void check_inside(struct ratls_slice part, struct ratls_slice whole)
{
    FUZZ_CHECK(part.len == 0 || (part.p >= whole.p && part.len <= whole.len &&
                                 (size_t)(part.p - whole.p) <= whole.len - part.len));
}

static void look_up(const struct ratls_refvals_image *image,
                    const struct ratls_refvals_section *section, size_t i)
{
    struct ratls_slice digest = ratls_refvals_digest_at(image, section, i);
    struct ratls_slice name =
        ratls_refvals_name_at(image, ratls_refvals_name_ref(image, section, i));

    check_inside(digest, image->bytes);
    check_inside(name, image->names);
    FUZZ_CHECK(ratls_refvals_section(image, digest) == section);
    FUZZ_CHECK(ratls_refvals_seek(image, section, digest, name) <= section->count);
    FUZZ_CHECK(ratls_refvals_seek(image, section, digest, ratls_slice(NULL, 0)) <= section->count);
}

static void walk_names(const struct ratls_refvals_image *image)
{
    for (size_t at = 0; at < image->names.len + 2; at++)
        check_inside(ratls_refvals_name_at(image, at), image->names);
    FUZZ_CHECK(ratls_refvals_name_at(image, SIZE_MAX).len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_refvals_image image;

    if (!ratls_refvals_image_open(ratls_slice(data, size), &image))
        return 0;
    FUZZ_CHECK(size >= RATLS_REFVALS_HEADER_LEN);
    check_inside(image.names, image.bytes);
    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++)
        for (size_t j = 0; j < image.sections[i].count; j++)
            look_up(&image, &image.sections[i], j);
    walk_names(&image);
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
