#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ak_state.h"
#include "draft_file.h"
#include "fail.h"

#define FOLDER_MODE 0750
#define DRAFT_NAME_LEN (RATLS_AK_PATH_LEN + 16)

enum ratls_status ratls_state_folder_make(const char *folder, struct ratls_error *err)
{
    if (mkdir(folder, FOLDER_MODE) == 0) {
        /* The umask may have taken bits away. */
        if (chmod(folder, FOLDER_MODE) == 0)
            return RATLS_OK;
    } else if (errno == EEXIST) {
        return ratls_ak_state_check_folder(folder, err);
    }
    return ratls_fail(err, RATLS_IO, "%s: %s", folder, strerror(errno));
}

enum ratls_status ratls_state_folder_sync(const char *folder, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

static bool write_all(int fd, struct ratls_slice content)
{
    size_t done = 0;

    while (done < content.len) {
        ssize_t n = write(fd, content.p + done, content.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Under another name first, which `place` then gives to it: rename() or link(). */
static enum ratls_status write_file(const char *path, struct ratls_slice content, mode_t mode,
                                    int (*place)(const char *from, const char *to),
                                    struct ratls_error *err)
{
    char *temporary = malloc(DRAFT_NAME_LEN);
    enum ratls_status status = RATLS_OK;
    int fd = -1;

    if (temporary == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    fd = ratls_draft_open(path, temporary, DRAFT_NAME_LEN);
    if (fd < 0) {
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (fchmod(fd, mode) != 0 || !write_all(fd, content) || fsync(fd) != 0 ||
        place(temporary, path) != 0)
        status = ratls_fail(err, errno == EEXIST ? RATLS_USAGE : RATLS_IO, "%s: %s", path,
                            strerror(errno));
    if (status != RATLS_OK || place == link)
        unlink(temporary);
out:
    if (fd >= 0)
        close(fd);
    free(temporary);
    return status;
}

enum ratls_status ratls_state_file_write(const char *path, struct ratls_slice content, mode_t mode,
                                         struct ratls_error *err)
{
    return write_file(path, content, mode, rename, err);
}

enum ratls_status ratls_state_file_create(const char *path, struct ratls_slice content, mode_t mode,
                                          struct ratls_error *err)
{
    return write_file(path, content, mode, link, err);
}

enum ratls_status ratls_state_file_remove(const char *path, struct ratls_error *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return RATLS_OK;
    return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
}
