/*
 * Rules for a fleet, in a file of their own: which endorsement key may have which names. Each line
 * has the SHA-256 of the key in hexadecimal, a comma, and names with spaces between them; empty
 * lines and lines that begin with # are passed over.
 */
#ifndef RATLS_CA_RULES_FILE_H
#define RATLS_CA_RULES_FILE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_RULES_FILE_MAX (16 * 1024 * 1024)
#define RATLS_RULES_FILE_LINES_MAX 200000
#define RATLS_RULES_FILE_LINE_MAX 2048 /* a key with more names has several lines */

struct ratls_rules_file;

/* RATLS_USAGE with file and line for what is wrong. The caller frees *ret. */
RATLS_MUST_CHECK enum ratls_status
ratls_rules_file_open(const char *path, struct ratls_rules_file **ret, struct ratls_error *err);
/* The same of a text; path is for messages. */
RATLS_MUST_CHECK enum ratls_status ratls_rules_file_read(const char *path, struct ratls_slice text,
                                                         struct ratls_rules_file **ret,
                                                         struct ratls_error *err);
void ratls_rules_file_free(struct ratls_rules_file *file); /* accepts NULL */

/*
 * Reads the file again if it has changed since. If it cannot be read now, what was read before is
 * gone: an error is returned until the file is good again.
 */
RATLS_MUST_CHECK enum ratls_status ratls_rules_file_refresh(struct ratls_rules_file *file,
                                                            struct ratls_error *err);

/* Whether the lines of this key, taken together, have all of these names. */
bool ratls_rules_file_covers(const struct ratls_rules_file *file,
                             const uint8_t ek_sha256[static 32], const struct ratls_slice *names,
                             size_t count);

#endif
