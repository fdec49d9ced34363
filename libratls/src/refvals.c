#include "refvals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"
#include "refvals_image.h"
#include "refvals_import.h"
#include "trusted_file.h"

struct ratls_refvals {
    struct ratls_refvals_image image;
    uint8_t *heap; /* the bytes of the image are here, or mapped */
    void *map;
    char *path;
    char unused[RATLS_UNUSED_MAX];
};

void ratls_refvals_free(struct ratls_refvals *set)
{
    if (set == NULL)
        return;
    if (set->map != NULL)
        munmap(set->map, set->image.bytes.len);
    free(set->heap);
    free(set->path);
    free(set);
}

static enum ratls_status new_set(const char *path, struct ratls_refvals **ret_set,
                                 struct ratls_error *err)
{
    struct ratls_refvals *set = calloc(1, sizeof *set);

    if (set != NULL)
        set->path = strdup(path);
    if (set == NULL || set->path == NULL) {
        free(set);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_set = set;
    return RATLS_OK;
}

void ratls_refvals_add_unused(struct ratls_refvals_input *input, const char *what, size_t count)
{
    size_t len = strlen(input->unused);

    if (count > 0)
        snprintf(input->unused + len, sizeof input->unused - len, "%s%s (%zu)",
                 len == 0 ? "" : ", ", what, count);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* What begins as none of the others is text, and then its first line says what is wrong. */
static enum ratls_status read_any(struct ratls_refvals_input *input, struct ratls_error *err)
{
    size_t i = 0;

    while (i < input->text.len && is_blank(input->text.p[i]))
        i++;
    if (i < input->text.len && input->text.p[i] == '{')
        return ratls_refvals_read_keylime(input, err);
    if (input->text.len > 0 && input->text.p[0] >> 5 == 6) /* RFC 8949, 3.1: a tag */
        return ratls_refvals_read_corim(input, err);
    return ratls_refvals_read_text(input, err);
}

enum ratls_status ratls_refvals_parse(const char *path, struct ratls_slice text,
                                      struct ratls_refvals **ret_set, struct ratls_error *err)
{
    struct ratls_refvals_input input = {.path = path, .text = text};
    struct ratls_refvals *set = NULL;
    enum ratls_status status;
    size_t len;

    status = new_set(path, &set, err);
    if (status != RATLS_OK)
        return status;
    status = read_any(&input, err);
    if (status != RATLS_OK)
        goto out;
    status = ratls_refvals_build(&input.builder, &set->heap, &len, err);
    if (status != RATLS_OK)
        goto out;
    if (!ratls_refvals_image_open(ratls_slice(set->heap, len), &set->image)) {
        status = ratls_fail(err, RATLS_LIMIT, "%s: too many reference values", path);
        goto out;
    }
    memcpy(set->unused, input.unused, sizeof set->unused);
    *ret_set = set;
    set = NULL;
out:
    ratls_refvals_builder_end(&input.builder);
    ratls_refvals_free(set);
    return status;
}

static enum ratls_status map_set(int fd, const char *path, size_t size,
                                 struct ratls_refvals **ret_set, struct ratls_error *err)
{
    struct ratls_refvals *set = NULL;
    enum ratls_status status;
    void *map;

    status = new_set(path, &set, err);
    if (status != RATLS_OK)
        return status;
    map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        ratls_refvals_free(set);
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    }
    if (!ratls_refvals_image_open(ratls_slice(map, size), &set->image)) {
        munmap(map, size);
        ratls_refvals_free(set);
        return ratls_fail(err, RATLS_USAGE,
                          "%s: damaged, or compiled by another version of ratls: compile it again",
                          path);
    }
    set->map = map;
    *ret_set = set;
    return RATLS_OK;
}

static enum ratls_status read_set(int fd, const char *path, size_t size,
                                  struct ratls_refvals **ret_set, struct ratls_error *err)
{
    enum ratls_status status;
    uint8_t *bytes = NULL;
    size_t len;

    status = ratls_trusted_file_read(fd, path, size, &bytes, &len, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_refvals_parse(path, ratls_slice(bytes, len), ret_set, err);
    free(bytes);
    return status;
}

enum ratls_status ratls_refvals_load(const char *path, struct ratls_refvals **ret_set,
                                     struct ratls_error *err)
{
    char magic[RATLS_REFVALS_MAGIC_LEN];
    enum ratls_status status;
    size_t size;
    int fd;

    status = ratls_trusted_file_open(path, RATLS_REFVALS_FILE_MAX, &fd, &size, err);
    if (status != RATLS_OK)
        return status;
    if (pread(fd, magic, sizeof magic, 0) == sizeof magic &&
        memcmp(magic, RATLS_REFVALS_MAGIC, sizeof magic) == 0)
        status = map_set(fd, path, size, ret_set, err);
    else
        status = read_set(fd, path, size, ret_set, err);
    close(fd);
    return status;
}

static struct ratls_slice stored_hash(const struct ratls_refvals *set)
{
    return ratls_slice(set->image.bytes.p + RATLS_REFVALS_HASH_AT, 32);
}

enum ratls_status ratls_refvals_check(const struct ratls_refvals *set, struct ratls_error *err)
{
    uint8_t hash[32];
    enum ratls_status status = ratls_refvals_image_hash(set->image.bytes, hash, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_slice_equal(ratls_slice(hash, sizeof hash), stored_hash(set)))
        return ratls_fail(err, RATLS_USAGE, "%s: damaged: compile it again", set->path);
    return RATLS_OK;
}

enum ratls_status ratls_refvals_digest(const struct ratls_refvals *set, uint8_t out[static 32],
                                       struct ratls_error *err)
{
    (void)err; /* it was made when the set was */
    memcpy(out, stored_hash(set).p, 32);
    return RATLS_OK;
}

size_t ratls_refvals_count(const struct ratls_refvals *set)
{
    size_t count = 0;

    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++)
        count += set->image.sections[i].count;
    return count;
}

const char *ratls_refvals_unused(const struct ratls_refvals *set)
{
    return set->unused;
}

/* The first that is not before this digest with this name, if it has the digest. */
static bool seek(const struct ratls_refvals *set, struct ratls_slice digest,
                 struct ratls_slice name, struct ratls_slice *ret_name)
{
    const struct ratls_refvals_section *section = ratls_refvals_section(&set->image, digest);
    size_t i;

    if (section == NULL)
        return false;
    i = ratls_refvals_seek(&set->image, section, digest, name);
    if (i >= section->count ||
        memcmp(ratls_refvals_digest_at(&set->image, section, i).p, digest.p, digest.len) != 0)
        return false;
    *ret_name = ratls_refvals_name_at(&set->image, ratls_refvals_name_ref(&set->image, section, i));
    return true;
}

void ratls_refvals_expect(const struct ratls_refvals *set, struct ratls_slice digest)
{
    const struct ratls_refvals_section *section = ratls_refvals_section(&set->image, digest);

    if (section != NULL)
        ratls_refvals_prefetch(&set->image, section, digest);
}

void ratls_refvals_expect_name(const struct ratls_refvals *set, struct ratls_slice digest)
{
    const struct ratls_refvals_section *section = ratls_refvals_section(&set->image, digest);

    if (section != NULL)
        ratls_refvals_prefetch_name(&set->image, section, digest);
}

bool ratls_refvals_has(const struct ratls_refvals *set, struct ratls_slice digest)
{
    const struct ratls_refvals_section *section = ratls_refvals_section(&set->image, digest);

    return section != NULL && ratls_refvals_contains(&set->image, section, digest);
}

bool ratls_refvals_allows(const struct ratls_refvals *set, struct ratls_slice digest,
                          struct ratls_slice name)
{
    struct ratls_slice found;

    return name.len > 0 && seek(set, digest, name, &found) && found.len == name.len &&
           memcmp(found.p, name.p, name.len) == 0;
}

struct ratls_slice ratls_refvals_name(const struct ratls_refvals *set, struct ratls_slice digest)
{
    struct ratls_slice name = {NULL, 0};

    seek(set, digest, ratls_slice(NULL, 0), &name);
    return name;
}

/* Where the name is among the names; false if it is not. */
static bool find_name(const struct ratls_refvals_image *image, struct ratls_slice name,
                      size_t *ret_at)
{
    struct ratls_slice other;

    for (size_t at = 0; at < image->names.len; at += sizeof(uint16_t) + other.len) {
        other = ratls_refvals_name_at(image, at);
        if (other.len == name.len && name.len > 0 && memcmp(other.p, name.p, name.len) == 0) {
            *ret_at = at;
            return true;
        }
    }
    return false;
}

struct ratls_slice ratls_refvals_find(const struct ratls_refvals *set, struct ratls_slice name)
{
    size_t at;

    if (!find_name(&set->image, name, &at))
        return ratls_slice(NULL, 0);
    for (size_t i = 0; i < RATLS_REFVALS_LENGTHS; i++) {
        const struct ratls_refvals_section *section = &set->image.sections[i];

        for (size_t j = 0; j < section->count; j++)
            if (ratls_refvals_name_ref(&set->image, section, j) == at)
                return ratls_refvals_digest_at(&set->image, section, j);
    }
    return ratls_slice(NULL, 0);
}

void ratls_refvals_get(const struct ratls_refvals *set, size_t i, struct ratls_slice *ret_digest,
                       struct ratls_slice *ret_name)
{
    const struct ratls_refvals_section *section = set->image.sections;

    while (i >= section->count)
        i -= (section++)->count;
    *ret_digest = ratls_refvals_digest_at(&set->image, section, i);
    *ret_name = ratls_refvals_name_at(&set->image, ratls_refvals_name_ref(&set->image, section, i));
}

static enum ratls_status add_set(const struct ratls_refvals *set,
                                 struct ratls_refvals_builder *builder, struct ratls_error *err)
{
    size_t count = ratls_refvals_count(set);
    enum ratls_status status = ratls_refvals_check(set, err);

    for (size_t i = 0; status == RATLS_OK && i < count; i++) {
        struct ratls_slice digest, name;

        ratls_refvals_get(set, i, &digest, &name);
        status = ratls_refvals_add(builder, digest, name, err);
    }
    return status;
}

enum ratls_status ratls_refvals_compile(struct ratls_refvals *const *sets, size_t count,
                                        uint8_t **ret_bytes, size_t *ret_len,
                                        struct ratls_error *err)
{
    struct ratls_refvals_builder builder = {0};
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < count; i++)
        status = add_set(sets[i], &builder, err);
    if (status == RATLS_OK)
        status = ratls_refvals_build(&builder, ret_bytes, ret_len, err);
    ratls_refvals_builder_end(&builder);
    return status;
}
