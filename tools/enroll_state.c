#include "enroll_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enroll_message.h"
#include "fail.h"
#include "file.h"
#include "paths.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600

static const struct {
    const char *file; /* of the state folder */
    size_t max;
} kept[] = {
    [RATLS_ENROLL_KEPT_REQUEST] = {"enroll/request", RATLS_ENROLL_REQUEST_MAX},
    [RATLS_ENROLL_KEPT_CHALLENGE] = {"enroll/challenge", RATLS_ENROLL_CHALLENGE_MAX},
};

static enum ratls_status find_path(const char *state_dir, const char *file,
                                   char out[static RATLS_PATH_MAX], struct ratls_error *err)
{
    if (snprintf(out, RATLS_PATH_MAX, "%s/%s", state_dir, file) >= RATLS_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", state_dir);
    return RATLS_OK;
}

static enum ratls_status remove_kept(const char *state_dir, enum ratls_enroll_kept what,
                                     struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];
    enum ratls_status status = find_path(state_dir, kept[what].file, path, err);

    if (status == RATLS_OK && unlink(path) != 0 && errno != ENOENT)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    return status;
}

static enum ratls_status make_folder(const char *state_dir, struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];
    enum ratls_status status = find_path(state_dir, "enroll", path, err);

    if (status == RATLS_OK && mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    return status;
}

enum ratls_status ratls_enroll_keep(const char *state_dir, enum ratls_enroll_kept what,
                                    struct ratls_slice bytes, struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];
    enum ratls_status status = make_folder(state_dir, err);

    /* First, so that never a challenge stands beside a request that it is not for. */
    if (status == RATLS_OK && what == RATLS_ENROLL_KEPT_REQUEST)
        status = remove_kept(state_dir, RATLS_ENROLL_KEPT_CHALLENGE, err);
    if (status == RATLS_OK)
        status = find_path(state_dir, kept[what].file, path, err);
    if (status == RATLS_OK)
        status = ratls_file_write(path, bytes, FILE_MODE, true, err);
    return status;
}

enum ratls_status ratls_enroll_kept(const char *state_dir, enum ratls_enroll_kept what,
                                    uint8_t **ret_bytes, size_t *ret_len, struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];
    enum ratls_status status = find_path(state_dir, kept[what].file, path, err);

    if (status != RATLS_OK)
        return status;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        *ret_bytes = NULL;
        *ret_len = 0;
        return RATLS_OK;
    }
    return ratls_file_read_long(path, kept[what].max, ret_bytes, ret_len, err);
}

enum ratls_status ratls_enroll_forget(const char *state_dir, struct ratls_error *err)
{
    enum ratls_status status = remove_kept(state_dir, RATLS_ENROLL_KEPT_CHALLENGE, err);

    if (status == RATLS_OK)
        status = remove_kept(state_dir, RATLS_ENROLL_KEPT_REQUEST, err);
    return status;
}
