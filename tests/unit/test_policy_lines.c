/* Lines of files of command-lines: what they stand for, and how a text is written as one. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy_lines.h"

struct line {
    const char *line;
    const char *text;
    bool is_exact;
};

static const struct line lines[] = {
    {"quiet", "quiet", true},
    {"root=* ro", "root=* ro", false},
    {"a ** b", "a ** b", false},
    {"menuentry {\\n\\tfwsetup\\n}", "menuentry {\n\tfwsetup\n}", true},
    {"a\\\\b", "a\\b", true},
    {"a\\x5cx41", "a\\x41", true},
    {"\\x20a\\x20", " a ", true},
    {"\\x23 a", "# a", true},
    {"a\\x0A\\x7f\\xfF", "a\n\x7f\xff", true},
    {"[ \\* ]", "[ * ]", true},
    {"\\x2a", "*", true},
};

Test(policy_lines, read)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct ratls_pattern pattern = {0};
        char text[64];
        size_t offset;

        cr_assert(eq(ptr,
                     (void *)ratls_line_read(ratls_slice(lines[i].line, strlen(lines[i].line)),
                                             text, &pattern, &offset),
                     NULL),
                  "%s", lines[i].line);
        cr_expect(eq(sz, pattern.text.len, strlen(lines[i].text)), "%s", lines[i].line);
        cr_expect(eq(str, text, (char *)lines[i].text), "%s", lines[i].line);
        cr_expect(eq(int, pattern.is_exact, lines[i].is_exact), "%s", lines[i].line);
        cr_expect(ratls_pattern_match(&pattern, pattern.text), "%s", lines[i].line);
    }
}

Test(policy_lines, escaped_star_is_no_wildcard)
{
    struct ratls_pattern pattern = {0};
    char text[8];
    size_t offset;

    cr_assert(
        eq(ptr, (void *)ratls_line_read(ratls_slice("a\\*", 3), text, &pattern, &offset), NULL));
    cr_expect(ratls_pattern_match(&pattern, ratls_slice("a*", 2)));
    cr_expect(not(ratls_pattern_match(&pattern, ratls_slice("ab", 2))));
}

struct wrong {
    const char *line;
    size_t offset;
    const char *why;
};

static const struct wrong wrongs[] = {
    {"a\tb", 1, "a character that is not printable ASCII: write its bytes as \\xNN"},
    {"quiet\r", 5, "a character that is not printable ASCII: write its bytes as \\xNN"},
    {"b\xc3\xa4r", 1, "a character that is not printable ASCII: write its bytes as \\xNN"},
    {" a", 0, "a space at the begin or end of a line: write it as \\x20"},
    {"a ", 1, "a space at the begin or end of a line: write it as \\x20"},
    {"a\\", 1, "expected \\n, \\t, \\\\, \\* or \\xNN (not \\x00)"},
    {"a\\x4", 1, "expected \\n, \\t, \\\\, \\* or \\xNN (not \\x00)"},
    {"a\\x4g", 1, "expected \\n, \\t, \\\\, \\* or \\xNN (not \\x00)"},
    {"\\x00", 0, "expected \\n, \\t, \\\\, \\* or \\xNN (not \\x00)"},
    {"a\\r", 1, "expected \\n, \\t, \\\\, \\* or \\xNN (not \\x00)"},
    {"* \\*", 0, "a star that is meant so, and a wildcard: only one of them can be in a line"},
    {"**", 0, "compares nothing: any text is allowed by it"},
    {"a***", 0, "the pattern has more than two * in a row"},
};

Test(policy_lines, refused)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct ratls_pattern pattern = {0};
        char text[64];
        size_t offset = 99;
        const char *why = ratls_line_read(ratls_slice(wrongs[i].line, strlen(wrongs[i].line)), text,
                                          &pattern, &offset);

        cr_assert(ne(ptr, (void *)why, NULL), "%s", wrongs[i].line);
        cr_expect(eq(str, (char *)why, (char *)wrongs[i].why), "%s", wrongs[i].line);
        cr_expect(eq(sz, offset, wrongs[i].offset), "%s", wrongs[i].line);
    }
}

static void expect_round_trip(const uint8_t *bytes, size_t len)
{
    struct ratls_pattern pattern = {0};
    char *line = ratls_line_write(ratls_slice(bytes, len));
    char *text = malloc(4 * len + 1);
    size_t offset;

    cr_assert(line != NULL && text != NULL);
    cr_expect(eq(ptr, strchr(line, '\n'), NULL));
    cr_expect(ne(chr, line[0], '#'));
    cr_assert(eq(ptr,
                 (void *)ratls_line_read(ratls_slice(line, strlen(line)), text, &pattern, &offset),
                 NULL),
              "%s", line);
    cr_expect(pattern.is_exact);
    cr_expect(ratls_slice_equal(pattern.text, ratls_slice(bytes, len)), "%s", line);
    free(line);
    free(text);
}

Test(policy_lines, whatever_is_written_is_read)
{
    static const char star[] = "case * in\n\t#x\\\n esac ";
    uint8_t bytes[10200]; /* as long as the longest text of a boot loader that we know */

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 255 + 1);
    expect_round_trip(bytes, sizeof bytes);
    expect_round_trip((const uint8_t *)star, strlen(star));
    for (unsigned i = 1; i < 256; i++) {
        bytes[0] = (uint8_t)i;
        expect_round_trip(bytes, 1);
    }
}
