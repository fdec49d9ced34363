#include "absence.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fail.h"

#define DEVICE_PREFIX "device:"
#define DEVICE_DEFAULT "/dev/tpmrm0"
#define SWTPM_PREFIX "swtpm:"
#define PATH_KEY "path="
#define CTRL_SUFFIX ".ctrl"
#define GROUP_ROOM 2048 /* of one with more members, the number is said */
#define GROUP_NAME_MAX 64
#define MODE_BITS 07777

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* ---- a file that this user may not open ---- */

/* Nobody is to be made a member of root's group for it. */
static bool has_group(const struct stat *info)
{
    return info->st_gid != 0 && (info->st_mode & S_IWGRP) != 0;
}

static void name_group(gid_t gid, char out[static GROUP_NAME_MAX])
{
    char room[GROUP_ROOM];
    struct group entry, *group = NULL;

    if (getgrgid_r(gid, &entry, room, sizeof room, &group) == 0 && group != NULL)
        (void)snprintf(out, GROUP_NAME_MAX, "%s", group->gr_name);
    else
        (void)snprintf(out, GROUP_NAME_MAX, "%u", (unsigned)gid);
}

static enum ratls_status fail_right(const char *path, int cause, struct ratls_error *err)
{
    char group[GROUP_NAME_MAX];
    struct stat info;

    if (stat(path, &info) != 0)
        return ratls_fail(err, RATLS_TPM, "%s: %s: this user may not even see what is there", path,
                          strerror(cause));
    if (!has_group(&info))
        return ratls_fail(err, RATLS_TPM,
                          "%s: %s: its mode is %04o: run this as its owner, or give it a group to "
                          "which this user belongs (chgrp, chmod g+rw)",
                          path, strerror(cause), (unsigned)(info.st_mode & MODE_BITS));
    name_group(info.st_gid, group);
    return ratls_fail(err, RATLS_TPM,
                      "%s: %s: add this user to the group %s, and begin a new session or start the "
                      "service again",
                      path, strerror(cause), group);
}

/* ---- a device ---- */

static enum ratls_status fail_device(const char *path, int cause, struct ratls_error *err)
{
    struct stat info;

    if (stat(path, &info) == 0 && S_ISSOCK(info.st_mode))
        return ratls_fail(err, RATLS_TPM,
                          "%.100s: a socket, and no device: write swtpm:path=%.100s", path, path);
    switch (cause) {
    case EACCES:
    case EPERM:
        return fail_right(path, cause, err);
    case EBUSY:
        return ratls_fail(err, RATLS_TPM, "%s: %s: another program uses it; use /dev/tpmrm0", path,
                          strerror(cause));
    default:
        return ratls_fail(err, RATLS_TPM,
                          "%s: %s: is a TPM 2.0 present, and enabled in the firmware set-up?", path,
                          strerror(cause));
    }
}

static enum ratls_status explain_device(const char *path, struct ratls_tpm *tpm,
                                        struct ratls_error *err)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    const int cause = errno;

    if (fd >= 0) {
        close(fd);
        return ratls_tpm_fail(tpm, tpm->last_rc, path, err);
    }
    if (cause == EBUSY)
        tpm->last_rc = TSS2_TCTI_RC_TRY_AGAIN;
    return fail_device(path, cause, err);
}

/* ---- a socket of swtpm ---- */

/* 0, or why nobody can connect; does not wait. */
static int try_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int cause = 0;
    int fd;

    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        cause = errno;
    close(fd);
    return cause;
}

/* option: of swtpm, which makes this socket. RATLS_OK if somebody listens there. */
static enum ratls_status explain_socket(const char *path, const char *option,
                                        struct ratls_error *err)
{
    const int cause = try_socket(path);
    struct stat info;

    switch (cause) {
    case 0:
        return RATLS_OK;
    case EACCES:
    case EPERM:
        return fail_right(path, cause, err);
    case ENOENT:
        return ratls_fail(err, RATLS_TPM,
                          "%s: %s: is swtpm running, with %s type=unixio and this path?", path,
                          strerror(cause), option);
    case ECONNREFUSED:
        if (stat(path, &info) == 0 && !S_ISSOCK(info.st_mode))
            return ratls_fail(err, RATLS_TPM, "%s: a file, but no socket of swtpm", path);
        return ratls_fail(err, RATLS_TPM,
                          "%s: %s: nobody listens at this socket any more: start swtpm again", path,
                          strerror(cause));
    default:
        return ratls_fail(err, RATLS_TPM, "%s: %s: is this the socket of %s of swtpm?", path,
                          strerror(cause), option);
    }
}

/* The TCTI needs both sockets, and takes the name of the second from the first. */
static enum ratls_status explain_sockets(const char *tcti, const char *path,
                                         struct ratls_error *err)
{
    char name[sizeof((struct sockaddr_un *)NULL)->sun_path];
    const size_t len = strcspn(path, ",");
    enum ratls_status status;

    if (len + strlen(CTRL_SUFFIX) >= sizeof name)
        return ratls_fail(err, RATLS_TPM, "%.200s: the path is too long for a socket", tcti);
    (void)snprintf(name, sizeof name, "%.*s", (int)len, path);
    status = explain_socket(name, "--server", err);
    if (status != RATLS_OK)
        return status;
    (void)snprintf(name, sizeof name, "%.*s" CTRL_SUFFIX, (int)len, path);
    status = explain_socket(name, "--ctrl", err);
    if (status != RATLS_OK)
        return status;
    return ratls_fail(err, RATLS_TPM,
                      "%s: somebody listens there, but no TPM answers: is it swtpm, and free of "
                      "other connections?",
                      tcti);
}

/* Of "key=value,key=value"; NULL if there is none. */
static const char *find_path(const char *parts)
{
    for (;;) {
        if (begins_with(parts, PATH_KEY))
            return parts + strlen(PATH_KEY);
        parts += strcspn(parts, ",");
        if (*parts == '\0')
            return NULL;
        parts++;
    }
}

static enum ratls_status explain_swtpm(const char *tcti, struct ratls_error *err)
{
    const char *parts = tcti + strlen(SWTPM_PREFIX);
    const char *path = find_path(parts);

    if (path != NULL)
        return explain_sockets(tcti, path, err);
    if (parts[0] == '/')
        return ratls_fail(err, RATLS_TPM, "%.100s: a path needs its key: write swtpm:path=%.100s",
                          tcti, parts);
    return ratls_fail(err, RATLS_TPM,
                      "%.200s: no TPM answers there: without path= it is a TCP port, 2321 of "
                      "localhost unless host= and port= say another: is swtpm running there?",
                      tcti);
}

/* ---- whatever it is ---- */

enum ratls_status ratls_tpm_explain_absence(const char *tcti, struct ratls_tpm *tpm,
                                            struct ratls_error *err)
{
    if (tcti == NULL)
        return explain_device(DEVICE_DEFAULT, tpm, err);
    if (begins_with(tcti, DEVICE_PREFIX))
        return explain_device(tcti + strlen(DEVICE_PREFIX), tpm, err);
    if (begins_with(tcti, SWTPM_PREFIX))
        return explain_swtpm(tcti, err);
    if (tcti[0] == '/')
        return ratls_fail(err, RATLS_TPM,
                          "%.80s: a path alone is no TCTI: write device:%.80s, or swtpm:path=%.80s "
                          "for a socket of swtpm",
                          tcti, tcti, tcti);
    return ratls_fail(err, RATLS_TPM,
                      "%s: no TPM answers there: is it running, and may this user reach it?", tcti);
}
