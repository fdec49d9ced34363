#include "utf16_text.h"

#include <stdio.h>
#include <string.h>

#define UNIT_TEXT_MAX 8
#define PRINTABLE_FIRST 0x20
#define PRINTABLE_LAST 0x7e

static bool is_printable(uint16_t unit)
{
    return unit >= PRINTABLE_FIRST && unit <= PRINTABLE_LAST;
}

void ratls_utf16_text(struct ratls_slice in, char *out, size_t cap)
{
    static const char mark[] = "...";
    struct ratls_reader r = ratls_reader(in);
    uint16_t unit = ratls_read_le16(&r);
    size_t len = 0;

    while (!r.failed && unit != 0) {
        char text[UNIT_TEXT_MAX];
        int unit_len = is_printable(unit) ? snprintf(text, sizeof text, "%c", (char)unit)
                                          : snprintf(text, sizeof text, "\\u%04x", unit);

        if (len + (size_t)unit_len + sizeof mark > cap) {
            if (len + sizeof mark <= cap)
                memcpy(out + len, mark, sizeof mark - 1);
            len += len + sizeof mark <= cap ? sizeof mark - 1 : 0;
            break;
        }
        memcpy(out + len, text, (size_t)unit_len);
        len += (size_t)unit_len;
        unit = ratls_read_le16(&r);
    }
    out[len] = '\0';
}

bool ratls_is_utf16_text(struct ratls_slice in)
{
    struct ratls_reader r = ratls_reader(in);
    size_t units = 0;
    uint16_t unit = ratls_read_le16(&r);

    while (!r.failed && is_printable(unit)) {
        units++;
        unit = ratls_read_le16(&r);
    }
    return units > 0 && in.len % 2 == 0 && (unit == 0 || r.failed) && r.rest.len == 0;
}
