/* Texts in UTF-16LE, as UEFI writes them, for people. */
#ifndef RATLS_TOOL_UTF16_TEXT_H
#define RATLS_TOOL_UTF16_TEXT_H

#include "bytes.h"

/*
 * Printable ASCII stays, all else becomes \uNNNN; ends before the first NUL, and with "..." if it
 * does not fit.
 */
void ratls_utf16_text(struct ratls_slice in, char *out, size_t cap);
/* Whether it can be one: an even number of bytes, and printable ASCII up to a final NUL. */
bool ratls_is_utf16_text(struct ratls_slice in);

#endif
