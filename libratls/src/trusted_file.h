/* Files that decide what is trusted: policies, and the files that they name. */
#ifndef RATLS_TRUSTED_FILE_H
#define RATLS_TRUSTED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>

/*
 * Opens a regular file of at most max bytes for reading; the caller closes *ret_fd. A file, or a
 * folder around it, to which everyone may write is RATLS_USAGE: anybody on this machine could then
 * choose what is trusted. No file at all is RATLS_USAGE too; one that cannot be read is RATLS_IO.
 */
RATLS_MUST_CHECK enum ratls_status ratls_trusted_file_open(const char *path, size_t max,
                                                           int *ret_fd, size_t *ret_size,
                                                           struct ratls_error *err);
/*
 * All of a file that was opened so, and had size bytes then; the caller frees them. There is one
 * byte more behind them, which is not of the file.
 */
RATLS_MUST_CHECK enum ratls_status ratls_trusted_file_read(int fd, const char *path, size_t size,
                                                           uint8_t **ret_bytes, size_t *ret_len,
                                                           struct ratls_error *err);

#endif
