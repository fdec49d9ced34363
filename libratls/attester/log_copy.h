/*
 * What a log that only grows has said so far, kept in memory. The kernel makes the text of its list
 * of measured files anew for each read, from the begin up to where the reader stands: so a list
 * that clients fetch in pieces, or from places of their own, would be made over and over.
 *
 * Any number of threads may use one copy. No lock: after a fork it might be held for ever. One
 * thread at a time adds to the copy, and the others go on without what it adds.
 */
#ifndef RATLS_ATTESTER_LOG_COPY_H
#define RATLS_ATTESTER_LOG_COPY_H

#include <stdatomic.h>
#include <sys/types.h>

#include "bytes.h"

#define RATLS_LOG_COPY_CHUNK 65536u
#define RATLS_LOG_COPY_CHUNKS 256u
#define RATLS_LOG_COPY_MAX ((uint64_t)RATLS_LOG_COPY_CHUNK * RATLS_LOG_COPY_CHUNKS)

/*
 * A program may close what it did not open and get the number again for a file of its own, which
 * must not be sent: so it is known which file it was.
 */
struct ratls_log_file {
    int fd; /* -1: there is none */
    dev_t device;
    ino_t inode;
};

/* Zeros are an empty copy. */
struct ratls_log_copy {
    _Atomic(uint8_t *) chunks[RATLS_LOG_COPY_CHUNKS];
    _Atomic uint64_t len;
    atomic_bool is_taken; /* by the thread that adds to it */
};

/* Whether there is a file, and it is still the one that was opened; *ret_len: as it says itself. */
bool ratls_log_file_is_there(const struct ratls_log_file *file, uint64_t *ret_len);

/* At most max bytes from an offset on, of the file itself. False, with errno: it cannot be read. */
bool ratls_log_file_read(const struct ratls_log_file *file, uint64_t offset, uint8_t *out,
                         size_t max, size_t *ret_len);

/*
 * The same by way of the copy, to which what is asked for is added first if it goes on there. Else,
 * and where there is no memory or another thread is adding, it is read from the file; so is a file
 * that became shorter.
 */
bool ratls_log_copy_read(struct ratls_log_copy *copy, const struct ratls_log_file *file,
                         uint64_t offset, uint8_t *out, size_t max, size_t *ret_len);

/*
 * Whether the copy has all that the file had at the call, or `wanted` bytes of it; *ret_len: how
 * long it is in any case.
 */
bool ratls_log_copy_extend(struct ratls_log_copy *copy, const struct ratls_log_file *file,
                           uint64_t wanted, uint64_t *ret_len);

void ratls_log_copy_free(struct ratls_log_copy *copy); /* nobody else may be using it */

#endif
