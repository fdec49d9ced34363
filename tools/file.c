#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

#define TEMPORARY_PATH_MAX 1024

static enum ratls_status fail_file(struct ratls_error *err, const char *path)
{
    return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
}

/* Reads until the end of the file, or until cap bytes are there. */
static ssize_t read_fully(int fd, uint8_t *out, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, out + len, cap - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

enum ratls_status ratls_file_read_long(const char *path, size_t max, uint8_t **ret_bytes,
                                       size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    uint8_t *bytes = NULL;
    ssize_t len;
    int fd;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_file(err, path);
    bytes = malloc(max + 1);
    if (bytes == NULL) {
        status = ratls_fail(err, RATLS_MEMORY, "%s: out of memory", path);
        goto out;
    }
    len = read_fully(fd, bytes, max + 1);
    if (len < 0) {
        status = fail_file(err, path);
    } else if ((size_t)len > max) {
        status = ratls_fail(err, RATLS_LIMIT, "%s: longer than %zu bytes", path, max);
    } else {
        *ret_len = (size_t)len;
        *ret_bytes = bytes;
        bytes = NULL;
    }

out:
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

enum ratls_status ratls_file_write(const char *path, struct ratls_slice bytes, mode_t mode,
                                   bool replace, struct ratls_error *err)
{
    char temporary[TEMPORARY_PATH_MAX];
    enum ratls_status status;
    int fd;

    status = ratls_file_may_write(path, replace, err);
    if (status != RATLS_OK)
        return status;
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", path);
    fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return fail_file(err, path);
    if (!write_fully(fd, bytes) || fchmod(fd, mode) != 0 ||
        put_in_place(temporary, path, replace) != 0) {
        status = fail_file(err, path);
        unlink(temporary);
    }
    close(fd);
    return status;
}
