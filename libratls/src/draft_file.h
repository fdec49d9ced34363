/* A file before it has its name: whoever reads that name sees the old content or the new one. */
#ifndef RATLS_DRAFT_FILE_H
#define RATLS_DRAFT_FILE_H

#include <stddef.h>

/*
 * Makes a new file beside path, mode 0600, whose name (path with a dot and eight digits) goes to
 * ret_name; rename() or link() gives it its place. It can be written to, and not read: a file that
 * root opens for reading is measured by Linux IMA (ima_policy=tcb), and a verifier would see a name
 * that no policy can know. The caller closes the descriptor; -1 and errno if there is none.
 */
int ratls_draft_open(const char *path, char *ret_name, size_t size);

#endif
