#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "paths.h"

#define DEPTH_MAX 16

struct walk {
    ratls_walk_take *take;
    void *arg;
    struct ratls_error *err;
};

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum ratls_status go(const struct walk *w, const char *path, unsigned depth);

static enum ratls_status go_into(const struct walk *w, const char *folder, unsigned depth)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_shown, alphasort);
    enum ratls_status status = RATLS_OK;

    if (count < 0)
        return ratls_fail(w->err, RATLS_IO, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[RATLS_PATH_MAX];

        if (status == RATLS_OK &&
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) >= (int)sizeof path)
            status = ratls_fail(w->err, RATLS_USAGE, "%s: the name is too long", folder);
        if (status == RATLS_OK)
            status = go(w, path, depth + 1);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* Sockets and the like below a folder are nobody's certificates. */
static enum ratls_status go(const struct walk *w, const char *path, unsigned depth)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return ratls_fail(w->err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (depth > DEPTH_MAX)
        return ratls_fail(w->err, RATLS_LIMIT, "%s: more than %d folders deep", path, DEPTH_MAX);
    if (S_ISDIR(info.st_mode))
        return go_into(w, path, depth);
    return S_ISREG(info.st_mode) || depth == 0 ? w->take(w->arg, path, w->err) : RATLS_OK;
}

enum ratls_status ratls_walk(const char *path, ratls_walk_take *take, void *arg,
                             struct ratls_error *err)
{
    const struct walk w = {take, arg, err};

    return go(&w, path, 0);
}
