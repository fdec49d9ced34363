#include "unix_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "output.h"

#define FOLDER_MODE 0755
#define LOCK_MODE 0600
#define PATH_LEN (sizeof((struct sockaddr_un *)NULL)->sun_path + sizeof ".lock")

static enum ratls_status fail_file(const char *path, struct ratls_error *err)
{
    return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
}

bool ratls_unix_address(const char *path, struct sockaddr_un *ret_address)
{
    size_t len = strlen(path);

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len >= sizeof ret_address->sun_path)
        return false;
    memcpy(ret_address->sun_path, path, len + 1);
    return true;
}

/* Whatever the umask is, of an administrator or a unit: the callers are other users. */
static bool make_readable(const char *folder)
{
    const mode_t before = umask(0);
    const bool is_made = mkdir(folder, FOLDER_MODE) == 0;
    const int cause = errno;

    umask(before);
    errno = cause;
    return is_made;
}

/* Who may write to the folder could put a socket of his own there. */
static enum ratls_status make_folder(const char *path, struct ratls_error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_LEN];
    struct stat info;

    (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (!make_readable(folder) && errno != EEXIST)
        return fail_file(folder, err);
    if (stat(folder, &info) != 0)
        return fail_file(folder, err);
    if ((info.st_uid != 0 && info.st_uid != geteuid()) || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: another user could put his own socket into this folder: take one "
                          "to which only root may write, such as /run/ratls",
                          folder);
    return RATLS_OK;
}

/* Held while the process lives, so that two of them do not take each other's socket away. */
static enum ratls_status lock_path(const char *path, struct ratls_error *err)
{
    char name[PATH_LEN];
    int fd;

    (void)snprintf(name, sizeof name, "%s.lock", path);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (fd < 0)
        return fail_file(name, err);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return RATLS_OK;
    close(fd);
    return ratls_fail(err, RATLS_USAGE, "%s: another %s listens there already", path,
                      ratls_out_command_name());
}

/* Only one that refuses is: one that is busy is not. */
static bool is_stale(const struct ratls_unix_place *place)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, place->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_refused = fd >= 0 && ratls_unix_address(place->path, &address) &&
                      connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
                      errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return is_refused;
}

/* A socket that nobody listens on is left of one that is gone; anything else is not ours. */
static enum ratls_status remove_stale(const struct ratls_unix_place *place, struct ratls_error *err)
{
    const char *path = place->path;
    struct stat info;

    if (lstat(path, &info) != 0)
        return errno == ENOENT ? RATLS_OK : fail_file(path, err);
    if (!S_ISSOCK(info.st_mode))
        return ratls_fail(err, RATLS_USAGE, "%s: there is a file that is no socket", path);
    if (!is_stale(place))
        return ratls_fail(err, RATLS_USAGE, "%s: another program listens there already", path);
    return unlink(path) == 0 ? RATLS_OK : fail_file(path, err);
}

/* Who may connect at all is the file's group; what he gets, others decide. */
static enum ratls_status give_rights(const struct ratls_unix_place *place, struct ratls_error *err)
{
    struct stat info;

    if (stat(place->path, &info) != 0)
        return fail_file(place->path, err);
    if (place->gid != (gid_t)-1 && info.st_gid != place->gid &&
        chown(place->path, (uid_t)-1, place->gid) != 0)
        return ratls_fail(err, errno == EPERM ? RATLS_USAGE : RATLS_IO,
                          "%s: giving it the group %u (%s): %s", place->path, (unsigned)place->gid,
                          place->gid_key, strerror(errno));
    return chmod(place->path, place->mode) == 0 ? RATLS_OK : fail_file(place->path, err);
}

static enum ratls_status bind_socket(const struct ratls_unix_place *place, int *ret_fd,
                                     struct ratls_error *err)
{
    struct sockaddr_un address;
    enum ratls_status status = RATLS_OK;
    int fd;

    if (!ratls_unix_address(place->path, &address))
        return ratls_fail(err, RATLS_USAGE, "%.64s...: too long for a socket", place->path);
    fd = socket(AF_UNIX, place->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "socket: %s", strerror(errno));
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        status = fail_file(place->path, err);
    if (status == RATLS_OK)
        status = give_rights(place, err);
    if (status == RATLS_OK)
        *ret_fd = fd;
    else
        close(fd);
    return status;
}

enum ratls_status ratls_unix_bind(const struct ratls_unix_place *place, int *ret_fd,
                                  struct ratls_error *err)
{
    struct sockaddr_un ignored;
    enum ratls_status status;

    /* Before a path is cut for the names of its folder and lock. */
    if (!ratls_unix_address(place->path, &ignored))
        return ratls_fail(err, RATLS_USAGE, "%.64s...: too long for a socket", place->path);
    status = make_folder(place->path, err);
    if (status == RATLS_OK)
        status = lock_path(place->path, err);
    if (status == RATLS_OK)
        status = remove_stale(place, err);
    return status == RATLS_OK ? bind_socket(place, ret_fd, err) : status;
}

void ratls_unix_mark(const char *path, struct ratls_unix_mark *ret_mark)
{
    struct ratls_unix_mark mark = {.inode = 0};
    struct stat info;

    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) &&
        ratls_unix_address(path, &mark.address)) {
        mark.device = info.st_dev;
        mark.inode = info.st_ino;
    }
    *ret_mark = mark;
}

/* The lock is still held: no other one of ours puts its socket there in between. */
void ratls_unix_remove(const struct ratls_unix_mark *mark)
{
    const char *path = mark->address.sun_path;
    struct stat info;

    if (path[0] != '\0' && lstat(path, &info) == 0 && info.st_dev == mark->device &&
        info.st_ino == mark->inode)
        (void)unlink(path);
}
