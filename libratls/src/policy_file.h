/* Files that decide what is trusted: policies, and the certificates that they name. */
#ifndef RATLS_POLICY_FILE_H
#define RATLS_POLICY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>

/* The whole of a file, as trusted_file.h opens and reads it. The caller frees the bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_policy_file_read(const char *path, size_t max,
                                                          uint8_t **ret_bytes, size_t *ret_len,
                                                          struct ratls_error *err);

/* The length of the folder part of a path, with its final slash: 0 if there is none. */
size_t ratls_policy_folder_len(const char *path);

#endif
