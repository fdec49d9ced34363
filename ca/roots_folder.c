#include "roots_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "trusted_file.h"

#define FILE_MAX 65536 /* one certificate in PEM, and what people write around it */
#define HASH_LEN 32
#define NAME_LEN (2 * HASH_LEN)
#define ENDING ".pem"

const char *ratls_roots_part(enum ratls_root_kind kind)
{
    return kind == RATLS_ROOT_PINNED ? "roots" : "intermediates";
}

enum ratls_status ratls_roots_path(const char *folder, enum ratls_root_kind kind,
                                   const uint8_t sha256[static 32],
                                   char out[static RATLS_ROOTS_PATH_MAX], struct ratls_error *err)
{
    char name[NAME_LEN + 1];

    ratls_hex(ratls_slice(sha256, HASH_LEN), name, sizeof name);
    if (snprintf(out, RATLS_ROOTS_PATH_MAX, "%s/%s/%s" ENDING, folder, ratls_roots_part(kind),
                 name) >= RATLS_ROOTS_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", folder);
    return RATLS_OK;
}

/* SHA-256 in a file's name; false for another name. */
static bool read_name(const char *file, uint8_t out[static HASH_LEN])
{
    char name[NAME_LEN + 1];

    if (strlen(file) != NAME_LEN + strlen(ENDING) || strcmp(file + NAME_LEN, ENDING) != 0)
        return false;
    memcpy(name, file, NAME_LEN);
    name[NAME_LEN] = '\0';
    return ratls_unhex(name, out, HASH_LEN);
}

/* What a write that was interrupted left behind (tools/file.c): HEX.pem.XXXXXX. */
static bool is_left_over(const char *file)
{
    char name[NAME_LEN + sizeof ENDING];
    uint8_t ignored[HASH_LEN];

    if (strlen(file) <= strlen(ENDING) + NAME_LEN || file[NAME_LEN + strlen(ENDING)] != '.')
        return false;
    memcpy(name, file, NAME_LEN + strlen(ENDING));
    name[NAME_LEN + strlen(ENDING)] = '\0';
    return read_name(name, ignored);
}

static enum ratls_status add_file(struct ratls_roots *roots, const char *path,
                                  const uint8_t expected[static HASH_LEN],
                                  enum ratls_root_kind kind, struct ratls_slice pem,
                                  struct ratls_error *err)
{
    struct ratls_pem_certificate *list = NULL;
    struct ratls_error why = {0};
    enum ratls_root_kind found = RATLS_ROOT_NONE;
    uint8_t sha256[HASH_LEN];
    bool is_new = false;
    size_t count = 0;
    enum ratls_status status = ratls_pem_certificates(pem, &list, &count, &why);

    if (status != RATLS_OK)
        return ratls_fail(err, status, "%s: %s", path, why.text);
    status = ratls_sha256(ratls_slice(list[0].der, list[0].len), sha256, err);
    if (status == RATLS_OK && (count != 1 || memcmp(sha256, expected, sizeof sha256) != 0))
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: not the one certificate that its name says: remove it, and import "
                            "what should be there with 'ratls roots import'",
                            path);
    if (status == RATLS_OK)
        status = ratls_roots_add(roots, ratls_slice(list[0].der, list[0].len),
                                 kind == RATLS_ROOT_PINNED, &found, &is_new, err);
    /* An import that was interrupted may have left a root among the intermediates, too. */
    if (status == RATLS_OK && found != kind && found != RATLS_ROOT_PINNED)
        status = ratls_fail(err, RATLS_USAGE, "%s: does not belong among the %s", path,
                            ratls_roots_part(kind));
    ratls_pem_certificates_free(list, count);
    return status;
}

static enum ratls_status load_file(struct ratls_roots *roots, const char *folder, const char *file,
                                   enum ratls_root_kind kind, struct ratls_error *err)
{
    char path[RATLS_ROOTS_PATH_MAX];
    uint8_t expected[HASH_LEN];
    uint8_t *bytes = NULL;
    enum ratls_status status;
    size_t size, len = 0;
    int fd = -1;

    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", folder);
    if (!read_name(file, expected))
        return ratls_fail(err, RATLS_USAGE,
                          "%s: its name is not a SHA-256 and .pem: files are put there by 'ratls "
                          "roots import' only",
                          path);
    status = ratls_trusted_file_open(path, FILE_MAX, &fd, &size, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_trusted_file_read(fd, path, size, &bytes, &len, err);
    close(fd);
    if (status == RATLS_OK)
        status = add_file(roots, path, expected, kind, ratls_slice(bytes, len), err);
    free(bytes);
    return status;
}

/* *ret_there: the part is there, even if it is empty. */
static enum ratls_status load_part(struct ratls_roots *roots, const char *folder,
                                   enum ratls_root_kind kind, bool *ret_there,
                                   struct ratls_error *err)
{
    char path[RATLS_ROOTS_PATH_MAX];
    enum ratls_status status = RATLS_OK;
    struct dirent *entry;
    DIR *directory;

    if (snprintf(path, sizeof path, "%s/%s", folder, ratls_roots_part(kind)) >= (int)sizeof path)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", folder);
    directory = opendir(path);
    *ret_there = directory != NULL;
    if (directory == NULL)
        return errno == ENOENT ? RATLS_OK
                               : ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    while (status == RATLS_OK && (errno = 0, entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && !is_left_over(entry->d_name))
            status = load_file(roots, path, entry->d_name, kind, err);
    if (status == RATLS_OK && errno != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    closedir(directory);
    return status;
}

enum ratls_status ratls_roots_load(const char *folder, struct ratls_roots **ret_roots,
                                   struct ratls_error *err)
{
    struct ratls_roots *roots = ratls_roots_new();
    bool has_roots = false, has_intermediates = false;
    enum ratls_status status;

    if (roots == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = load_part(roots, folder, RATLS_ROOT_PINNED, &has_roots, err);
    if (status == RATLS_OK)
        status = load_part(roots, folder, RATLS_ROOT_INTERMEDIATE, &has_intermediates, err);
    if (status == RATLS_OK && !has_roots && !has_intermediates)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: no roots of makers of TPMs: get them from the makers, check their "
                            "fingerprints, and 'ratls roots import' them",
                            folder);
    if (status != RATLS_OK) {
        ratls_roots_free(roots);
        return status;
    }
    *ret_roots = roots;
    return RATLS_OK;
}
