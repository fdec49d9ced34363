/*
 * Targets: ratls_pattern_init, ratls_pattern_match, beside a table of which end of the pattern
 * matches which end of the text. Input: kind, length of the pattern, pattern, text.
 */
#include <string.h>

#include "fuzz.h"
#include "pattern.h"

#define PATTERN_MAX 96
#define TEXT_MAX 256

static bool star_takes(enum ratls_pattern_kind kind, uint8_t byte)
{
    if (kind == RATLS_PATTERN_PATH)
        return byte != '/' && byte != 0;
    return strchr(" \t\n\v\f\r\"\xa0", byte) == NULL; /* finds the NUL as well */
}

/* Whether the pattern from i on matches the text from j on, given all that is further behind. */
static bool match_ends(const struct ratls_pattern *pattern, struct ratls_slice text, size_t i,
                       size_t j, bool table[PATTERN_MAX + 2][TEXT_MAX + 1])
{
    struct ratls_slice p = pattern->text;
    bool is_wide = i + 1 < p.len && p.p[i + 1] == '*';

    if (i == p.len)
        return j == text.len;
    if (p.p[i] != '*')
        return j < text.len && text.p[j] == p.p[i] && table[i + 1][j + 1];
    if (table[i + (is_wide ? 2 : 1)][j])
        return true;
    return j < text.len && (is_wide || star_takes(pattern->kind, text.p[j])) && table[i][j + 1];
}

static bool match_by_table(const struct ratls_pattern *pattern, struct ratls_slice text)
{
    static bool table[PATTERN_MAX + 2][TEXT_MAX + 1];

    for (size_t i = pattern->text.len + 1; i-- > 0;)
        for (size_t j = text.len + 1; j-- > 0;)
            table[i][j] = match_ends(pattern, text, i, j, table);
    return table[0][0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_pattern pattern;
    struct ratls_slice written, text;
    const char *why;

    if (size < 2 || data[1] > PATTERN_MAX || data[1] > size - 2 || size - 2 - data[1] > TEXT_MAX)
        return 0;
    written = ratls_slice(data + 2, data[1]);
    text = ratls_slice(data + 2 + data[1], size - 2 - data[1]);
    why = ratls_pattern_init(data[0] % 2 == 0 ? RATLS_PATTERN_PATH : RATLS_PATTERN_TEXT, written,
                             &pattern);
    if (why != NULL) {
        FUZZ_CHECK(why[0] != '\0');
        return 0;
    }
    FUZZ_CHECK(ratls_pattern_match(&pattern, text) == match_by_table(&pattern, text));
    FUZZ_CHECK(!pattern.is_exact ||
               ratls_pattern_match(&pattern, text) == ratls_slice_equal(text, written));
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
