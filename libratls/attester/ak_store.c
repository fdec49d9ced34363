/* Writing the folder of an attestation key. */
#include "ak_state.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

#define FOLDER_MODE 0750
#define FILE_MODE 0640
#define CONF_MAX 1024

/* NCONF would take these for quoting, comments or variables. */
enum ratls_status ratls_ak_state_check_tcti(const char *tcti, struct ratls_error *err)
{
    size_t i;

    if (strlen(tcti) >= RATLS_TCTI_MAX)
        return ratls_fail(err, RATLS_USAGE, "the TCTI configuration has more than %d characters",
                          RATLS_TCTI_MAX - 1);
    for (i = 0; tcti[i] != '\0'; i++)
        if (!isgraph((unsigned char)tcti[i]) || strchr("\"'`\\$#;", tcti[i]) != NULL)
            return ratls_fail(err, RATLS_USAGE,
                              "the TCTI configuration has a character that ak.conf cannot hold, "
                              "at position %zu",
                              i + 1);
    return RATLS_OK;
}

static enum ratls_status make_folder(const char *folder, struct ratls_error *err)
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

/* A reader sees the old content or the new one, also after a crash. */
static enum ratls_status write_file(const char *path, struct ratls_slice content,
                                    struct ratls_error *err)
{
    char *temporary = malloc(RATLS_AK_PATH_LEN + 8);
    enum ratls_status status = RATLS_OK;
    int fd = -1;

    if (temporary == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    snprintf(temporary, RATLS_AK_PATH_LEN + 8, "%s.XXXXXX", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        status = ratls_fail(err, RATLS_IO, "%s: %s", temporary, strerror(errno));
        goto out;
    }
    if (fchmod(fd, FILE_MODE) != 0 || !write_all(fd, content) || fsync(fd) != 0 ||
        rename(temporary, path) != 0) {
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
        unlink(temporary);
    }
out:
    if (fd >= 0)
        close(fd);
    free(temporary);
    return status;
}

static enum ratls_status write_conf(const char *path, const struct ratls_ak_state *state,
                                    struct ratls_error *err)
{
    char text[CONF_MAX];
    char unique[2 * RATLS_AK_UNIQUE_LEN + 1];
    char auth[2 * RATLS_AK_AUTH_LEN + 1];
    enum ratls_status status;
    char name[2 * RATLS_AK_NAME_LEN + 1];
    char handle[16] = "transient";
    bool has_tcti = state->tcti[0] != '\0';

    ratls_hex(ratls_slice(state->unique, sizeof state->unique), unique, sizeof unique);
    ratls_hex(ratls_slice(state->auth, sizeof state->auth), auth, sizeof auth);
    ratls_hex(ratls_slice(state->name, sizeof state->name), name, sizeof name);
    if (state->handle != 0)
        snprintf(handle, sizeof handle, "0x%08x", state->handle);
    snprintf(text, sizeof text,
             "# Attestation key of ratls; made by ratls init. Secret: let only the server read it\n"
             "algorithm = %s\nhandle = %s\nunique = %s\nauth = %s\nname = %s\n%s%s%s",
             state->algorithm == RATLS_AK_RSA_2048 ? "rsa-2048" : "ecdsa-p256", handle, unique,
             auth, name, has_tcti ? "tcti = " : "", state->tcti, has_tcti ? "\n" : "");
    status = write_file(path, ratls_slice(text, strlen(text)), err);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(auth, sizeof auth);
    return status;
}

static enum ratls_status remove_file(const char *path, struct ratls_error *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return RATLS_OK;
    return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
}

/* The names of the files are only then on the disk. */
static enum ratls_status sync_folder(const char *folder, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

enum ratls_status ratls_ak_state_store(const char *folder, const struct ratls_ak_state *state,
                                       struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = make_folder(folder, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.crt", path, err);
    if (status == RATLS_OK)
        status = remove_file(path, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.pub", path, err);
    if (status == RATLS_OK)
        status = write_file(path, ratls_slice(state->public_area, state->public_len), err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.conf", path, err);
    if (status == RATLS_OK)
        status = write_conf(path, state, err);
    if (status == RATLS_OK)
        status = sync_folder(folder, err);
    free(path);
    return status;
}
