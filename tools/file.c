#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "draft_file.h"
#include "fail.h"

#define TEMPORARY_PATH_MAX 1024
#define READ_FIRST 65536
#define MODE_BITS 07777

static enum ratls_status fail_file(struct ratls_error *err, const char *path)
{
    return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
}

/* Reads until the end of the file, at most max + 1 bytes; grows as it goes, for pipes have no size.
 */
static enum ratls_status read_fully(int fd, const char *path, size_t max, uint8_t **bytes,
                                    size_t *ret_len, struct ratls_error *err)
{
    size_t cap = 0, len = 0;

    for (;;) {
        ssize_t n;

        if (len == cap) {
            uint8_t *longer;

            cap = cap == 0 ? READ_FIRST : 2 * cap;
            cap = cap > max + 1 ? max + 1 : cap;
            longer = realloc(*bytes, cap);
            if (longer == NULL)
                return ratls_fail(err, RATLS_MEMORY, "%s: out of memory", path);
            *bytes = longer;
        }
        n = read(fd, *bytes + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_file(err, path);
        len += (size_t)n;
        if (len > max)
            return ratls_fail(err, RATLS_LIMIT, "%s: longer than %zu bytes", path, max);
        if (n == 0)
            break;
    }
    *ret_len = len;
    return RATLS_OK;
}

enum ratls_status ratls_file_read_long(const char *path, size_t max, uint8_t **ret_bytes,
                                       size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status;
    uint8_t *bytes = NULL;
    int fd;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_file(err, path);
    status = read_fully(fd, path, max, &bytes, ret_len, err);
    if (status == RATLS_OK)
        *ret_bytes = bytes;
    else
        free(bytes);
    close(fd);
    return status;
}

enum ratls_status ratls_file_read(const char *path, uint8_t **ret_bytes, size_t *ret_len,
                                  struct ratls_error *err)
{
    return ratls_file_read_long(path, RATLS_FILE_MAX, ret_bytes, ret_len, err);
}

static bool write_fully(int fd, struct ratls_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.p, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = ratls_slice(bytes.p + n, bytes.len - (size_t)n);
    }
    return fsync(fd) == 0;
}

enum ratls_status ratls_file_may_write(const char *path, bool replace, struct ratls_error *err)
{
    struct stat info;

    if (!replace && lstat(path, &info) == 0)
        return ratls_fail(err, RATLS_USAGE, "%s exists already; --force replaces it", path);
    return RATLS_OK;
}

/* link() fails where rename() would replace what somebody else made meanwhile. */
static int put_in_place(const char *from, const char *to, bool replace)
{
    if (replace)
        return rename(from, to);
    if (link(from, to) != 0)
        return -1;
    return unlink(from);
}

/* How a new file is to be: `like` has mode, owner and group; NULL: `mode`, of whoever writes it. */
struct manner {
    mode_t mode;
    const struct stat *like;
    bool replace;
};

/* The owner before the mode: a set-group-id bit does not outlive the change. */
static enum ratls_status dress(int fd, const char *path, const struct manner *manner,
                               struct ratls_error *err)
{
    const struct stat *like = manner->like;
    struct stat made;

    if (like != NULL && fstat(fd, &made) != 0)
        return fail_file(err, path);
    if (like != NULL && (made.st_uid != like->st_uid || made.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid) != 0)
        return ratls_fail(err, RATLS_IO,
                          "%s: belongs to user %lu and group %lu, and would not any more (%s): "
                          "write it as that user, or as root",
                          path, (unsigned long)like->st_uid, (unsigned long)like->st_gid,
                          strerror(errno));
    if (fchmod(fd, like == NULL ? manner->mode : like->st_mode & MODE_BITS) != 0)
        return fail_file(err, path);
    return RATLS_OK;
}

static enum ratls_status write_new(const char *path, struct ratls_slice bytes,
                                   const struct manner *manner, struct ratls_error *err)
{
    char temporary[TEMPORARY_PATH_MAX];
    enum ratls_status status = RATLS_OK;
    int fd;

    fd = ratls_draft_open(path, temporary, sizeof temporary);
    if (fd < 0 && errno == ENAMETOOLONG)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", path);
    if (fd < 0)
        return fail_file(err, path);
    if (!write_fully(fd, bytes))
        status = fail_file(err, path);
    if (status == RATLS_OK)
        status = dress(fd, path, manner, err);
    if (status == RATLS_OK && put_in_place(temporary, path, manner->replace) != 0)
        status = fail_file(err, path);
    if (status != RATLS_OK)
        unlink(temporary);
    close(fd);
    return status;
}

enum ratls_status ratls_file_write(const char *path, struct ratls_slice bytes, mode_t mode,
                                   bool replace, struct ratls_error *err)
{
    const struct manner manner = {.mode = mode, .replace = replace};
    enum ratls_status status = ratls_file_may_write(path, replace, err);

    return status == RATLS_OK ? write_new(path, bytes, &manner, err) : status;
}

enum ratls_status ratls_file_rewrite(const char *path, struct ratls_slice bytes,
                                     struct ratls_error *err)
{
    struct stat like;
    const struct manner manner = {.like = &like, .replace = true};

    return stat(path, &like) == 0 ? write_new(path, bytes, &manner, err) : fail_file(err, path);
}

bool ratls_path_ends_with(const char *path, const char *end)
{
    const size_t len = strlen(path);
    const size_t end_len = strlen(end);

    return len >= end_len && strcmp(path + len - end_len, end) == 0;
}
