#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "octets.h"
#include "pattern.h"

#define TEXT(text) text, sizeof(text) - 1
#define PATH RATLS_PATTERN_PATH
#define WORDS RATLS_PATTERN_TEXT

static const struct {
    enum ratls_pattern_kind kind;
    const char *pattern;
    const char *text;
    size_t text_len;
    bool matches;
} CASES[] = {
    /* clang-format off */
    {PATH, "/usr/bin/ls", TEXT("/usr/bin/ls"), true},
    {PATH, "/usr/bin/ls", TEXT("/usr/bin/lsx"), false},
    {PATH, "/usr/bin/ls", TEXT("/usr/bin/l"), false},
    {PATH, "/usr/bin/ls", TEXT(""), false},
    {PATH, "*", TEXT(""), true},
    {PATH, "*", TEXT("name"), true},
    {PATH, "*", TEXT("/name"), false},
    {PATH, "*", TEXT("a\0b"), false},
    {PATH, "**", TEXT(""), true},
    {PATH, "**", TEXT("/a/b\0\xff"), true},
    {PATH, "/usr/*/ls", TEXT("/usr/bin/ls"), true},
    {PATH, "/usr/*/ls", TEXT("/usr//ls"), true},
    {PATH, "/usr/*/ls", TEXT("/usr/a/b/ls"), false},
    {PATH, "/usr/*/ls", TEXT("/usr/ls"), false},
    {PATH, "/usr/**/ls", TEXT("/usr/a/b/ls"), true},
    {PATH, "/usr/**/ls", TEXT("/usr/ls"), false},
    {PATH, "/var/log/**", TEXT("/var/log/a/b"), true},
    {PATH, "/var/log/**", TEXT("/var/log/"), true},
    {PATH, "/var/log/**", TEXT("/var/log"), false},
    {PATH, "/var/log/**", TEXT("/var/logs/a"), false},
    {PATH, "/**.so", TEXT("/usr/lib/a.so.so"), true},
    {PATH, "/**.so", TEXT("/usr/lib/a.so.1"), false},
    {PATH, "/**/lib*.so.*", TEXT("/usr/lib/libc.so.6"), true},
    {PATH, "/**/lib*.so.*", TEXT("/usr/lib/libc.so/lib.so.6"), true},
    {PATH, "/**/lib*.so.*", TEXT("/usr/lib/libc.so.6/x"), false},
    {PATH, "a*b**c", TEXT("axbx/xc"), true},
    {PATH, "a*b**c", TEXT("a/bc"), false},
    {PATH, "**a*", TEXT("x/a/xa"), true},
    {PATH, "**a*", TEXT("x/a/x"), false},
    {PATH, "/x-*-\xc3\xa4", TEXT("/x-\xff\xfe-\xc3\xa4"), true},
    {PATH, "/x-*-\xc3\xa4", TEXT("/x-\xff\xfe-\xc3\xa5"), false},
    {PATH, "*.txt", TEXT("*.txt"), true},
    {PATH, "a b*", TEXT("a bc d"), true},
    {WORDS, "root=/dev/* ro", TEXT("root=/dev/mapper/vg-root ro"), true},
    {WORDS, "root=/dev/* ro", TEXT("root=/dev/sda1 init=/bin/sh ro"), false},
    {WORDS, "root=* ro", TEXT("root= ro"), true},
    {WORDS, "root=* ro", TEXT("root=\" ro"), false},
    {WORDS, "root=* ro", TEXT("root=a\tinit=b ro"), false},
    {WORDS, "root=* ro", TEXT("root=a\ninit=b ro"), false},
    {WORDS, "root=* ro", TEXT("root=a\vinit=b ro"), false},
    {WORDS, "root=* ro", TEXT("root=a\xa0init=b ro"), false},
    {WORDS, "root=* ro", TEXT("root=a\0 ro"), false},
    {WORDS, "root=* ro", TEXT("root=\xc3\xa4\x1b ro"), true},
    {WORDS, "root=a\tb", TEXT("root=a\tb"), true},
    {WORDS, "x=\"a b\" y=*", TEXT("x=\"a b\" y=1"), true},
    {WORDS, "quiet ** ro", TEXT("quiet a \"b\" c\0 ro"), true},
    {WORDS, "quiet ** ro", TEXT("quiet ro"), false},
    /* clang-format on */
};

Test(pattern, what_matches)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct octets written = octets_copy(CASES[i].pattern, strlen(CASES[i].pattern));
        struct octets text = octets_copy(CASES[i].text, CASES[i].text_len);
        struct ratls_pattern pattern;

        cr_assert_null(ratls_pattern_init(CASES[i].kind, octets_slice(written), &pattern), "%s",
                       CASES[i].pattern);
        cr_expect_eq(pattern.is_exact, strchr(CASES[i].pattern, '*') == NULL, "%s",
                     CASES[i].pattern);
        cr_expect_eq(ratls_pattern_match(&pattern, octets_slice(text)), CASES[i].matches,
                     "%s against %s", CASES[i].pattern, CASES[i].text);
        free(written.p);
        free(text.p);
    }
}

Test(pattern, an_empty_text_may_have_no_bytes_at_all)
{
    struct ratls_pattern pattern;

    cr_assert_null(ratls_pattern_init(PATH, ratls_slice("**", 2), &pattern));
    cr_expect(ratls_pattern_match(&pattern, ratls_slice(NULL, 0)));
    cr_assert_null(ratls_pattern_init(PATH, ratls_slice("a", 1), &pattern));
    cr_expect_not(ratls_pattern_match(&pattern, ratls_slice(NULL, 0)));
}

static const char *init_text(const char *text, size_t len)
{
    struct ratls_pattern pattern;

    return ratls_pattern_init(PATH, ratls_slice(text, len), &pattern);
}

Test(pattern, what_is_no_pattern)
{
    static char longest[RATLS_PATTERN_MAX + 1];

    memset(longest, 'a', sizeof longest);
    cr_expect_str_eq(init_text(NULL, 0), "the pattern is empty");
    cr_expect_str_eq(init_text("a\0b", 3), "the pattern has a NUL byte");
    cr_expect_str_eq(init_text("a***b", 5), "the pattern has more than two * in a row");
    cr_expect_null(init_text("a**b*", 5));
    cr_expect_null(init_text(longest, RATLS_PATTERN_MAX));
    cr_expect_str_eq(init_text(longest, RATLS_PATTERN_MAX + 1),
                     "the pattern is longer than 2048 bytes");
}

/* States in the last word, and one behind the last byte of the longest pattern. */
Test(pattern, the_longest)
{
    static const size_t lens[] = {RATLS_PATTERN_MAX, RATLS_PATTERN_MAX - 1, 65, 64, 63};
    static char text[RATLS_PATTERN_MAX];
    struct ratls_pattern pattern;

    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        size_t len = lens[i];

        memset(text, 'a', sizeof text);
        text[0] = '*';
        cr_assert_null(ratls_pattern_init(PATH, ratls_slice(text, len), &pattern));
        cr_expect(ratls_pattern_match(&pattern, ratls_slice(text + 1, len - 1)), "%zu", len);
        cr_expect_not(ratls_pattern_match(&pattern, ratls_slice(text + 2, len - 2)), "%zu", len);
    }
}

/* CPU time of a text that nearly matches a pattern of very many stars. */
static double time_match(const struct ratls_pattern *pattern, size_t len)
{
    struct timespec begin, end;
    char *text = malloc(len);

    cr_assert_not_null(text);
    memset(text, 'a', len);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    cr_expect_not(ratls_pattern_match(pattern, ratls_slice(text, len)));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    free(text);
    return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

/* A matcher that goes back would need 2^len steps, one that tries each start len^2. */
Test(pattern, time_is_linear_in_the_text)
{
    char text[2 * 32 + 2];
    struct ratls_pattern pattern;
    double once = 1e9, fourfold = 1e9;

    for (size_t i = 0; i < sizeof text - 2; i++)
        text[i] = i % 2 == 0 ? '*' : 'a';
    memcpy(text + sizeof text - 2, "*b", 2);
    cr_assert_null(ratls_pattern_init(PATH, ratls_slice(text, sizeof text), &pattern));
    for (int i = 0; i < 5; i++) {
        double small = time_match(&pattern, 4096), large = time_match(&pattern, 16384);

        once = small < once ? small : once;
        fourfold = large < fourfold ? large : fourfold;
    }
    cr_expect_lt(fourfold, 8 * once, "%f s, and %f s for 4 times the length", once, fourfold);
}

Test(pattern, exact_text_has_no_wildcards)
{
    char text[RATLS_PATTERN_MAX + 2];
    struct ratls_pattern pattern;

    memset(text, '*', sizeof text);
    pattern = ratls_pattern_exact(RATLS_PATTERN_TEXT, ratls_slice(text, sizeof text));
    cr_expect(pattern.is_exact);
    cr_expect(ratls_pattern_match(&pattern, ratls_slice(text, sizeof text)));
    cr_expect_not(ratls_pattern_match(&pattern, ratls_slice(text, sizeof text - 1)));
    cr_expect_not(ratls_pattern_match(&pattern, ratls_slice("a", 1)));
}
