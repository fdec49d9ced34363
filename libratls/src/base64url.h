/* base64url without padding (RFC 4648, 5; RFC 7515, 2): the bytes in JSON tokens. */
#ifndef RATLS_BASE64URL_H
#define RATLS_BASE64URL_H

#include "bytes.h"

/* Length of the text of so many bytes, and the most bytes that a text of some length stands for. */
#define RATLS_BASE64URL_LEN(bytes) (((bytes)*8 + 5) / 6)
#define RATLS_BASE64URL_BYTES(len) ((len)*6 / 8)

void ratls_base64url_write(struct ratls_slice bytes, struct ratls_writer *w);

/*
 * Exactly what the writer would have written: false for padding, for other letters, and for bits
 * behind the last byte. out has room for RATLS_BASE64URL_BYTES(text.len).
 */
bool ratls_base64url_read(struct ratls_slice text, uint8_t *out, size_t *ret_len);

#endif
