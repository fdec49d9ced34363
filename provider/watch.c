#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger.h"

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

/* What the client side of this and other processes keeps there changes all the time. */
static bool is_watched(const char *name)
{
    return name[0] != '.' && strncmp(name, RATLS_LEDGER_FILE, strlen(RATLS_LEDGER_FILE)) != 0;
}

/* The order in which a folder is listed may change by itself, so the files are added up. */
static uint64_t sum_files(DIR *folder)
{
    uint64_t sum = 0;
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        if (is_watched(entry->d_name))
            sum += mix_file(HASH_BEGIN, dirfd(folder), entry->d_name);
    }
    return sum;
}

/* Of a folder the files count, not its own time: that changes with files that are not watched. */
static uint64_t mix_folder(uint64_t hash, DIR *folder, const struct stat *st)
{
    hash = mix_number(hash, st->st_dev);
    hash = mix_number(hash, st->st_ino);
    hash = mix_number(hash, st->st_mode);
    return mix_number(hash, sum_files(folder));
}

/* False if this process may not look. */
static bool look(const char *path, uint64_t *ret_state)
{
    struct stat st = {0};
    DIR *folder;

    if (stat(path, &st) != 0 && errno == EACCES)
        return false;
    folder = opendir(path);
    if (folder == NULL && errno == EACCES)
        return false;
    if (folder == NULL) {
        *ret_state = mix_file(HASH_BEGIN, AT_FDCWD, path);
        return true;
    }
    *ret_state = mix_folder(HASH_BEGIN, folder, &st);
    closedir(folder);
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

void ratls_watch_again(struct ratls_watch *watch)
{
    watch->seen = ~watch->seen;
}
