#include "log_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ratls_log_file_is_there(const struct ratls_log_file *file, uint64_t *ret_len)
{
    struct stat info;

    if (file->fd < 0 || fstat(file->fd, &info) != 0 || info.st_dev != file->device ||
        info.st_ino != file->inode)
        return false;
    *ret_len = (uint64_t)info.st_size;
    return true;
}

/*
 * The kernel's files say that they have no length, and give less than was asked for at a time: only
 * nothing is the end.
 */
bool ratls_log_file_read(const struct ratls_log_file *file, uint64_t offset, uint8_t *out,
                         size_t max, size_t *ret_len)
{
    uint64_t ignored;
    size_t len = 0;

    if (!ratls_log_file_is_there(file, &ignored)) {
        errno = EBADF;
        return false;
    }
    while (len < max) {
        ssize_t got = pread(file->fd, out + len, max - len, (off_t)(offset + len));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return true;
}

/* Where the byte at `len` belongs; NULL: there is no room, or no memory. */
static uint8_t *find_room(struct ratls_log_copy *copy, uint64_t len, size_t *ret_room)
{
    const size_t index = (size_t)(len / RATLS_LOG_COPY_CHUNK);
    const size_t used = (size_t)(len % RATLS_LOG_COPY_CHUNK);
    uint8_t *chunk;

    if (index >= RATLS_LOG_COPY_CHUNKS)
        return NULL;
    chunk = atomic_load(&copy->chunks[index]);
    if (chunk == NULL) {
        chunk = malloc(RATLS_LOG_COPY_CHUNK);
        atomic_store(&copy->chunks[index], chunk);
    }
    *ret_room = RATLS_LOG_COPY_CHUNK - used;
    return chunk == NULL ? NULL : chunk + used;
}

bool ratls_log_copy_extend(struct ratls_log_copy *copy, const struct ratls_log_file *file,
                           uint64_t wanted, uint64_t *ret_len)
{
    bool is_complete;
    uint64_t len;

    if (atomic_exchange(&copy->is_taken, true)) {
        *ret_len = atomic_load(&copy->len);
        return false;
    }
    len = atomic_load(&copy->len);
    is_complete = len >= wanted;
    while (!is_complete) {
        size_t room = 0, got = 0;
        uint8_t *at = find_room(copy, len, &room);

        if (at == NULL || !ratls_log_file_read(file, len, at, room, &got))
            break;
        len += got;
        atomic_store(&copy->len, len);
        is_complete = got < room || len >= wanted;
    }
    atomic_store(&copy->is_taken, false);
    *ret_len = len;
    return is_complete;
}

/* As much as is there, from an offset that is. */
static size_t take(struct ratls_log_copy *copy, uint64_t len, uint64_t offset, uint8_t *out,
                   size_t max)
{
    size_t taken = 0;

    while (taken < max && offset < len) {
        const uint8_t *chunk = atomic_load(&copy->chunks[offset / RATLS_LOG_COPY_CHUNK]);
        const size_t begin = (size_t)(offset % RATLS_LOG_COPY_CHUNK);
        size_t part = RATLS_LOG_COPY_CHUNK - begin;

        if (part > len - offset)
            part = (size_t)(len - offset);
        if (part > max - taken)
            part = max - taken;
        memcpy(out + taken, chunk + begin, part);
        taken += part;
        offset += part;
    }
    return taken;
}

bool ratls_log_copy_read(struct ratls_log_copy *copy, const struct ratls_log_file *file,
                         uint64_t offset, uint8_t *out, size_t max, size_t *ret_len)
{
    size_t taken = 0, more = 0;
    uint64_t said, len = atomic_load(&copy->len);
    bool is_complete;

    if (!ratls_log_file_is_there(file, &said)) {
        errno = EBADF;
        return false;
    }
    /* Processes that live for one connection should not copy what nobody asked them for. */
    if (offset > len || (said > 0 && said < len))
        return ratls_log_file_read(file, offset, out, max, ret_len);
    is_complete = ratls_log_copy_extend(copy, file, offset + max, &len);
    taken = take(copy, len, offset, out, max);
    if (taken < max && !is_complete &&
        !ratls_log_file_read(file, offset + taken, out + taken, max - taken, &more))
        return false;
    *ret_len = taken + more;
    return true;
}

void ratls_log_copy_free(struct ratls_log_copy *copy)
{
    for (size_t i = 0; i < RATLS_LOG_COPY_CHUNKS; i++) {
        free(atomic_load(&copy->chunks[i]));
        atomic_store(&copy->chunks[i], NULL);
    }
    atomic_store(&copy->len, 0);
}
