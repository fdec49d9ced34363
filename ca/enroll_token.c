#include "enroll_token.h"

#include <openssl/crypto.h>
#include <string.h>

#define PREFIX "rt1-"
#define PREFIX_LEN 4
#define DIGIT_BITS 5
#define BYTE_BITS 8

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

_Static_assert(RATLS_ENROLL_TOKEN_TEXT_LEN ==
                   PREFIX_LEN + (RATLS_ENROLL_TOKEN_LEN * BYTE_BITS + DIGIT_BITS - 1) / DIGIT_BITS,
               "32 bytes in base32");

void ratls_enroll_token_write(const uint8_t token[static RATLS_ENROLL_TOKEN_LEN],
                              char out[static RATLS_ENROLL_TOKEN_TEXT_LEN + 1])
{
    unsigned bits = 0, waiting = 0;
    size_t len = PREFIX_LEN;

    memcpy(out, PREFIX, PREFIX_LEN);
    for (size_t i = 0; i < RATLS_ENROLL_TOKEN_LEN; i++) {
        waiting = waiting << BYTE_BITS | token[i];
        for (bits += BYTE_BITS; bits >= DIGIT_BITS; bits -= DIGIT_BITS)
            out[len++] = digits[waiting >> (bits - DIGIT_BITS) & 0x1f];
    }
    out[len++] = digits[waiting << (DIGIT_BITS - bits) & 0x1f]; /* zeros fill it up */
    out[len] = '\0';
}

bool ratls_enroll_token_read(struct ratls_slice text,
                             uint8_t ret_id[static RATLS_ENROLL_TOKEN_ID_LEN])
{
    uint8_t token[RATLS_ENROLL_TOKEN_LEN] = {0};
    char again[RATLS_ENROLL_TOKEN_TEXT_LEN + 1];
    unsigned bits = 0, waiting = 0;
    size_t len = 0;
    bool is_token;

    if (text.len != RATLS_ENROLL_TOKEN_TEXT_LEN)
        return false;
    for (size_t i = PREFIX_LEN; i < text.len; i++) {
        const char *digit = text.p[i] == '\0' ? NULL : strchr(digits, text.p[i]);

        if (digit == NULL)
            return false;
        waiting = waiting << DIGIT_BITS | (unsigned)(digit - digits);
        bits += DIGIT_BITS;
        if (bits < BYTE_BITS)
            continue;
        bits -= BYTE_BITS;
        token[len++] = (uint8_t)(waiting >> bits);
    }
    ratls_enroll_token_write(token, again);
    is_token = ratls_slice_equal(text, ratls_slice(again, RATLS_ENROLL_TOKEN_TEXT_LEN));
    if (is_token)
        memcpy(ret_id, token, RATLS_ENROLL_TOKEN_ID_LEN);
    OPENSSL_cleanse(token, sizeof token);
    OPENSSL_cleanse(again, sizeof again);
    return is_token;
}
