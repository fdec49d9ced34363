#include "policy_text.h"

#include <string.h>

#include "fail.h"

void ratls_policy_text_place(struct ratls_slice text, size_t offset, size_t *ret_line,
                             size_t *ret_column)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.p[i] & 0xc0) != 0x80) { /* not the rest of a UTF-8 character */
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

struct misleading {
    const char *bytes; /* UTF-8; the last one is the first of a range up to `last` */
    uint8_t last;
    const char *what;
};

/* YAML 1.1, 5.4 takes CR, NEL, LS and PS for line ends; the others are of UAX #9. */
static const struct misleading misleading[] = {
    /* NOLINTBEGIN(misc-misleading-bidirectional): they are what is looked for */
    {"\xef\xbb\xbf", 0xbf, "a byte order mark: save the file as UTF-8 without it"},
    {"\xc2\x85", 0x85, "a line end (U+0085) that editors do not show"},
    {"\xe2\x80\xa8", 0xa9, "a line end (U+2028 or U+2029) that editors do not show"},
    {"\xe2\x80\xaa", 0xae, "a character that turns the direction of writing around"},
    {"\xe2\x80\x8e", 0x8f, "a character that turns the direction of writing around"},
    {"\xe2\x81\xa6", 0xa9, "a character that turns the direction of writing around"},
    /* NOLINTEND(misc-misleading-bidirectional) */
};

static const char *find_misleading(const uint8_t *p, size_t left)
{
    if (p[0] == '\r')
        return left >= 2 && p[1] == '\n' ? NULL : "a carriage return that does not end a line";
    if (p[0] < 0x80)
        return NULL;
    for (size_t i = 0; i < sizeof misleading / sizeof *misleading; i++) {
        const struct misleading *m = &misleading[i];
        size_t len = strlen(m->bytes);

        if (left >= len && memcmp(p, m->bytes, len - 1) == 0 &&
            p[len - 1] >= (uint8_t)m->bytes[len - 1] && p[len - 1] <= m->last)
            return m->what;
    }
    return NULL;
}

enum ratls_status ratls_policy_text_check(const char *path, struct ratls_slice text,
                                          struct ratls_error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *what = find_misleading(text.p + i, text.len - i);
        size_t line, column;

        if (what == NULL)
            continue;
        ratls_policy_text_place(text, i, &line, &column);
        return ratls_fail(err, RATLS_USAGE, "%s:%zu:%zu: %s", path, line, column, what);
    }
    return RATLS_OK;
}
