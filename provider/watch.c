#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a: tells states of a folder apart; nobody gains by making two of them equal. */
#define HASH_BEGIN 14695981039346656037u
#define HASH_PRIME 1099511628211u

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * HASH_PRIME;
    return hash;
}

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
    return mix(hash, &number, sizeof number);
}

/* A file that is gone is a change like any other. */
static uint64_t mix_file(uint64_t hash, int folder, const char *name)
{
    struct stat st;

    hash = mix(hash, name, strlen(name) + 1);
    if (fstatat(folder, name, &st, 0) != 0)
        return mix_number(hash, (uint64_t)errno);
    hash = mix_number(hash, st.st_dev);
    hash = mix_number(hash, st.st_ino);
    hash = mix_number(hash, st.st_mode);
    hash = mix_number(hash, (uint64_t)st.st_size);
    hash = mix_number(hash, (uint64_t)st.st_mtim.tv_sec);
    return mix_number(hash, (uint64_t)st.st_mtim.tv_nsec);
}

/* The order in which a folder is listed may change by itself, so the files are added up. */
static uint64_t sum_files(DIR *folder)
{
    uint64_t sum = 0;
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            sum += mix_file(HASH_BEGIN, dirfd(folder), entry->d_name);
    }
    return sum;
}

/* False if this process may not look. */
static bool look(const char *path, uint64_t *ret_state)
{
    uint64_t state = mix_file(HASH_BEGIN, AT_FDCWD, path);
    DIR *folder;
    struct stat st;

    if (stat(path, &st) != 0 && errno == EACCES)
        return false;
    folder = opendir(path);
    if (folder == NULL && errno == EACCES)
        return false;
    if (folder != NULL) {
        state = mix_number(state, sum_files(folder));
        closedir(folder);
    }
    *ret_state = state;
    return true;
}

bool ratls_watch_changed(struct ratls_watch *watch, const char *path)
{
    uint64_t now = 0;

    if (!look(path, &now))
        return !watch->is_known;
    if (watch->is_known && watch->seen == now)
        return false;
    watch->is_known = true;
    watch->seen = now;
    return true;
}
