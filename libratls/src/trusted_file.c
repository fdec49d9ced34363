#include "trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

/* A sticky folder, such as /tmp, does not let others replace a file that is there. */
static enum ratls_status check_folder(const char *path, const char *file, struct ratls_error *err)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    enum ratls_status status = RATLS_OK;
    struct stat st;

    if (folder == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (stat(folder, &st) == 0 && (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: everyone may write to the folder %s and so replace this file: "
                            "take that right away with chmod o-w",
                            path, folder);
    free(folder);
    return status;
}

/* Of a symbolic link both count: the folder in which it lies, and that of the file it leads to. */
static enum ratls_status check_folders(const char *path, struct ratls_error *err)
{
    enum ratls_status status = check_folder(path, path, err);
    char *file;

    if (status != RATLS_OK)
        return status;
    file = malloc(PATH_MAX);
    if (file == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (realpath(path, file) == NULL)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    else
        status = check_folder(path, file, err);
    free(file);
    return status;
}

static enum ratls_status check_file(const char *path, const struct stat *st, size_t max,
                                    struct ratls_error *err)
{
    if (!S_ISREG(st->st_mode))
        return ratls_fail(err, RATLS_USAGE, "%s: not a regular file", path);
    if ((st->st_mode & S_IWOTH) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: everyone may write to this file and so choose what is trusted: "
                          "take that right away with chmod o-w",
                          path);
    if (st->st_size < 0 || (uintmax_t)st->st_size > max)
        return ratls_fail(err, RATLS_USAGE, "%s: longer than %zu bytes", path, max);
    return check_folders(path, err);
}

/* Reads to the end, however long the file was when it was looked at: out has max + 1 bytes. */
static enum ratls_status read_all(int fd, const char *path, size_t max, uint8_t *out,
                                  size_t *ret_len, struct ratls_error *err)
{
    size_t len = 0;

    while (len <= max) {
        ssize_t n = read(fd, out + len, max + 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    if (len > max)
        return ratls_fail(err, RATLS_USAGE, "%s: the file grew while it was read", path);
    *ret_len = len;
    return RATLS_OK;
}

enum ratls_status ratls_trusted_file_open(const char *path, size_t max, int *ret_fd,
                                          size_t *ret_size, struct ratls_error *err)
{
    enum ratls_status status;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not block */

    if (fd < 0)
        return ratls_fail(err, errno == ENOENT || errno == ENOTDIR ? RATLS_USAGE : RATLS_IO,
                          "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    else
        status = check_file(path, &st, max, err);
    if (status != RATLS_OK) {
        close(fd);
        return status;
    }
    *ret_fd = fd;
    *ret_size = (size_t)st.st_size;
    return RATLS_OK;
}

enum ratls_status ratls_trusted_file_read(int fd, const char *path, size_t size,
                                          uint8_t **ret_bytes, size_t *ret_len,
                                          struct ratls_error *err)
{
    uint8_t *bytes = malloc(size + 1);
    enum ratls_status status;

    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = read_all(fd, path, size, bytes, ret_len, err);
    if (status != RATLS_OK) {
        free(bytes);
        return status;
    }
    *ret_bytes = bytes;
    return RATLS_OK;
}
