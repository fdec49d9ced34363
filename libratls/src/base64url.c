#include "base64url.h"

#define LETTER_BITS 6
#define LETTER_MASK 0x3fu

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void ratls_base64url_write(struct ratls_slice bytes, struct ratls_writer *w)
{
    uint32_t held = 0; /* bits that are not written yet, the next ones on the left */
    unsigned bits = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        held = held << 8 | bytes.p[i];
        for (bits += 8; bits >= LETTER_BITS; bits -= LETTER_BITS)
            ratls_write_u8(w, (uint8_t)letters[held >> (bits - LETTER_BITS) & LETTER_MASK]);
    }
    if (bits > 0)
        ratls_write_u8(w, (uint8_t)letters[held << (LETTER_BITS - bits) & LETTER_MASK]);
}

/* The six bits of a letter; more than LETTER_MASK for one that is none. */
static uint32_t find_letter(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - (uint32_t)'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - (uint32_t)'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - (uint32_t)'0' + 52;
    if (byte == '-')
        return 62;
    return byte == '_' ? 63 : LETTER_MASK + 1;
}

bool ratls_base64url_read(struct ratls_slice text, uint8_t *out, size_t *ret_len)
{
    uint32_t held = 0;
    unsigned bits = 0;
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint32_t letter = find_letter(text.p[i]);

        if (letter > LETTER_MASK)
            return false;
        held = held << LETTER_BITS | letter;
        bits += LETTER_BITS;
        if (bits < 8)
            continue;
        bits -= 8;
        out[len++] = (uint8_t)(held >> bits);
    }
    /* A letter that stands for no byte, or bits that nobody wrote. */
    if (bits >= LETTER_BITS || (held & ((1u << bits) - 1)) != 0)
        return false;
    *ret_len = len;
    return true;
}
