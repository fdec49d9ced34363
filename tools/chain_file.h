/* The certificates of a key and of its issuers, from a file that is not trusted. */
#ifndef RATLS_TOOL_CHAIN_FILE_H
#define RATLS_TOOL_CHAIN_FILE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_CHAIN_FILE_MAX 8

/* Of zeros before it is read. */
struct ratls_chain_file {
    struct ratls_slice
        certificates[RATLS_CHAIN_FILE_MAX]; /* DER, in the order of the file; owned */
    size_t count;
};

/*
 * PEM with 1 to RATLS_CHAIN_FILE_MAX certificates, or the DER of one; what is in them is not looked
 * at. The caller ends with ratls_chain_file_done(), whatever is returned.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_chain_file_read(const char *path, struct ratls_chain_file *ret, struct ratls_error *err);
/* The same of its bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_chain_file_parse(const char *path,
                                                          struct ratls_slice bytes,
                                                          struct ratls_chain_file *ret,
                                                          struct ratls_error *err);
void ratls_chain_file_done(struct ratls_chain_file *chain);

#endif
