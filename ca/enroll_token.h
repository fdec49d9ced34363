/*
 * Tokens as people carry them: "rt1-" and 32 bytes in base32 (RFC 4648, 6), in lower case and
 * without padding. The first 8 bytes are the token's id, which may be known; the others are random.
 * Who enrols shows the id, and a MAC by the SHA-256 of the whole text (WIRE.md, 14.2).
 */
#ifndef RATLS_CA_ENROLL_TOKEN_H
#define RATLS_CA_ENROLL_TOKEN_H

#include "enroll_message.h"

#define RATLS_ENROLL_TOKEN_LEN 32
#define RATLS_ENROLL_TOKEN_TEXT_LEN 56 /* without the final NUL */

void ratls_enroll_token_write(const uint8_t token[static RATLS_ENROLL_TOKEN_LEN],
                              char out[static RATLS_ENROLL_TOKEN_TEXT_LEN + 1]);

/* False unless the writer could have written exactly this text. */
bool ratls_enroll_token_read(struct ratls_slice text,
                             uint8_t ret_id[static RATLS_ENROLL_TOKEN_ID_LEN]);

#endif
