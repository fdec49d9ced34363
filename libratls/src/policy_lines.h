/*
 * Files of command-lines: one pattern (pattern.h) a line, "#" begins a line that is a comment, and
 * empty lines mean nothing. Printable ASCII stands for itself; \n, \t, \\ and \xNN for what has no
 * place in a line, so that the bodies of GRUB's menu entries can be written; \* for a star that is
 * no wildcard, in a line without any. A space at the begin or end is \x20, for nobody sees it
 * there.
 */
#ifndef RATLS_POLICY_LINES_H
#define RATLS_POLICY_LINES_H

#include "pattern.h"

/*
 * Reads a line that is no comment. Returns NULL, or what is wrong with it at *ret_offset. text has
 * line.len + 1 bytes, and is what the pattern borrows.
 */
const char *ratls_line_read(struct ratls_slice line, char *text, struct ratls_pattern *ret_pattern,
                            size_t *ret_offset);

/*
 * The line that stands for exactly this text, without an end of the line; NULL if memory is short.
 * The caller frees it. A text that is empty, or has a NUL in it, has no line that can be read.
 */
char *ratls_line_write(struct ratls_slice text);

#endif
