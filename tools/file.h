/* Whole files in, whole files out. */
#ifndef RATLS_TOOL_FILE_H
#define RATLS_TOOL_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_FILE_MAX 1048576 /* nothing but logs that this tool reads is longer */

/* A file, or what a pipe gives, at most RATLS_FILE_MAX bytes. The caller frees *ret_bytes with
 * free(). */
RATLS_MUST_CHECK enum ratls_status ratls_file_read(const char *path, uint8_t **ret_bytes,
                                                   size_t *ret_len, struct ratls_error *err);

/* The same with another limit. */
RATLS_MUST_CHECK enum ratls_status ratls_file_read_long(const char *path, size_t max,
                                                        uint8_t **ret_bytes, size_t *ret_len,
                                                        struct ratls_error *err);

/*
 * Writes a new file: RATLS_USAGE if it exists and `replace` is false. An existing file is replaced
 * as a whole or not at all, and nobody else ever sees bytes that `mode` does not grant.
 */
RATLS_MUST_CHECK enum ratls_status ratls_file_write(const char *path, struct ratls_slice bytes,
                                                    mode_t mode, bool replace,
                                                    struct ratls_error *err);

/*
 * Writes a file that is there anew, as a whole or not at all: with the mode, the owner and the
 * group that it has. RATLS_IO if this user may not give it to them, and nothing is written then.
 */
RATLS_MUST_CHECK enum ratls_status ratls_file_rewrite(const char *path, struct ratls_slice bytes,
                                                      struct ratls_error *err);

/* RATLS_USAGE if the file exists and `replace` is false: asked before slow work. */
RATLS_MUST_CHECK enum ratls_status ratls_file_may_write(const char *path, bool replace,
                                                        struct ratls_error *err);

bool ratls_path_ends_with(const char *path, const char *end);

#endif
