#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "octets.h"
#include "refvals.h"
#include "refvals_image.h"

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A64 A32 A32
#define B64 B32 B32

static struct ratls_refvals *parse(const char *text, size_t len)
{
    struct octets copy = octets_copy(text, len);
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_refvals_parse("list", octets_slice(copy), &set, &err), RATLS_OK, "%s",
                 err.text);
    free(copy.p);
    return set;
}

static struct ratls_slice word(const char *text)
{
    return ratls_slice(text, strlen(text));
}

/* A digest of len bytes of this value. */
static struct ratls_slice digest_of(uint8_t value, size_t len)
{
    static uint8_t bytes[256][64];

    memset(bytes[value], value, 64);
    return ratls_slice(bytes[value], len);
}

static void expect_word(struct ratls_slice text, const char *expected)
{
    cr_expect(ratls_slice_equal(text, word(expected)), "%.*s instead of %s", (int)text.len,
              (const char *)text.p, expected);
}

static const char LIST[] = "# kernels\n"
                           "\n"
                           "  # indented\n" A64 "  /boot/vmlinuz\n" B64 " *./boot/initrd\n" A64 A32
                           "  sha384 name \n" B64 B64 "  sha512\n"
                           "\\" A64 "  /a\\\\b\\nc\\rd\n" A64 "  /boot/vmlinuz\n" A64 "   /blank\n"
                           "AAAA" A64 "  upper";

/* The last line above is one of 68 digits: refused. Without it all are good. */
#define GOOD_LEN (sizeof LIST - 1 - strlen("AAAA" A64 "  upper"))

Test(refvals, text)
{
    struct ratls_refvals *set = parse(LIST, GOOD_LEN);

    cr_expect_eq(ratls_refvals_count(set), 6);
    cr_expect_str_eq(ratls_refvals_unused(set), "");
    cr_expect(ratls_refvals_has(set, digest_of(0xaa, 32)));
    cr_expect(ratls_refvals_has(set, digest_of(0xaa, 48)));
    cr_expect(ratls_refvals_has(set, digest_of(0xbb, 64)));
    cr_expect_not(ratls_refvals_has(set, digest_of(0xaa, 64)));
    cr_expect_not(ratls_refvals_has(set, digest_of(0xab, 32)));
    cr_expect_not(ratls_refvals_has(set, digest_of(0xaa, 31)));
    cr_expect_not(ratls_refvals_has(set, digest_of(0xaa, 20)));
    cr_expect_not(ratls_refvals_has(set, ratls_slice(NULL, 0)));
    cr_expect(ratls_refvals_allows(set, digest_of(0xaa, 32), word("/boot/vmlinuz")));
    cr_expect(ratls_refvals_allows(set, digest_of(0xaa, 32), word("/a\\b\nc\rd")));
    cr_expect(ratls_refvals_allows(set, digest_of(0xaa, 32), word(" /blank")));
    cr_expect(ratls_refvals_allows(set, digest_of(0xbb, 32), word("/boot/initrd")));
    cr_expect(ratls_refvals_allows(set, digest_of(0xaa, 48), word("sha384 name ")));
    cr_expect_not(ratls_refvals_allows(set, digest_of(0xbb, 32), word("/boot/vmlinuz")));
    cr_expect_not(ratls_refvals_allows(set, digest_of(0xaa, 32), word("/boot/vmlinu")));
    cr_expect_not(ratls_refvals_allows(set, digest_of(0xaa, 32), word("/boot/vmlinuz2")));
    cr_expect_not(ratls_refvals_allows(set, digest_of(0xaa, 32), ratls_slice(NULL, 0)));
    expect_word(ratls_refvals_name(set, digest_of(0xaa, 32)), " /blank");
    expect_word(ratls_refvals_name(set, digest_of(0xab, 32)), "");
    cr_expect(ratls_slice_equal(ratls_refvals_find(set, word("sha512")), digest_of(0xbb, 64)));
    cr_expect_eq(ratls_refvals_find(set, word("sha")).len, 0);
    cr_expect_eq(ratls_refvals_find(set, word("")).len, 0);
    ratls_refvals_free(set);
    ratls_refvals_free(NULL);
}

/* By length, then by bytes, then by name; nothing twice. */
Test(refvals, one_by_one)
{
    static const char *const names[] = {" /blank",      "/a\\b\nc\rd",  "/boot/vmlinuz",
                                        "/boot/initrd", "sha384 name ", "sha512"};
    static const size_t lens[] = {32, 32, 32, 32, 48, 64};
    struct ratls_refvals *set = parse(LIST, GOOD_LEN);
    struct ratls_slice digest, name;

    for (size_t i = 0; i < ratls_refvals_count(set); i++) {
        ratls_refvals_get(set, i, &digest, &name);
        cr_expect_eq(digest.len, lens[i], "%zu", i);
        expect_word(name, names[i]);
    }
    ratls_refvals_free(set);
}

Test(refvals, an_empty_list_has_nothing)
{
    struct ratls_refvals *set = parse("# nothing\n\n", 11);

    cr_expect_eq(ratls_refvals_count(set), 0);
    cr_expect_not(ratls_refvals_has(set, digest_of(0, 32)));
    cr_expect_eq(ratls_refvals_find(set, word("a")).len, 0);
    ratls_refvals_free(set);
}

static const struct {
    const char *text;
    size_t len;
    const char *error;
} REFUSED[] = {
/* clang-format off */
#define REFUSE(text) text, sizeof(text) - 1
    {REFUSE(LIST), "list:11: expected 64, 96 or 128 hex digits, got 68"},
    {REFUSE(A64 "\n"), "list:1: no name behind the digest"},
    {REFUSE("\n" A64 "  \n"), "list:2: no name behind the digest"},
    {REFUSE(A64 " a\n"), "list:1: no name behind the digest"},
    {REFUSE(A64 " /a\n"), "list:1: expected two blanks, or a blank and *, before the name"},
    {REFUSE(A64 "\t/a\n"), "list:1: expected a digest in hex, two blanks and a name"},
    {REFUSE("x" A64 "  /a\n"), "list:1: expected a digest in hex, two blanks and a name"},
    {REFUSE("\xef\xbb\xbf" A64 "  /a\n"), "list:1: expected a digest in hex, two blanks and a name"},
    {REFUSE("  /a\n"), "list:1: expected 64, 96 or 128 hex digits, got 0"},
    {REFUSE(A32 "aaaaaaaa  /a\n"), "list:1: a digest of SHA-1 proves nothing: take SHA-256"},
    {REFUSE(A32 "  /a\n"), "list:1: expected 64, 96 or 128 hex digits, got 32"},
    {REFUSE(A64 "  /a\0b\n"), "list:1: a NUL byte: this is no text"},
    {REFUSE(A64 "  /a\r\n"), "list:1: a carriage return at the end of the line"},
    {REFUSE("\\" A64 "  /a\\tb\n"), "list:1: a backslash in the name, and not \\n, \\r or \\\\"},
    {REFUSE("\\" A64 "  /a\\"), "list:1: a backslash in the name, and not \\n, \\r or \\\\"},
    {REFUSE("SHA256 (a) = " A64 "\n"), "list:1: expected a digest in hex, two blanks and a name"},
    /* clang-format on */
};

static void expect_refused(struct ratls_slice text, const char *error)
{
    struct octets copy = octets_copy(text.p, text.len);
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_expect_eq(ratls_refvals_parse("list", octets_slice(copy), &set, &err), RATLS_USAGE, "%s",
                 error);
    cr_expect_str_eq(err.text, error);
    cr_expect_null(set);
    free(copy.p);
}

Test(refvals, what_is_no_list)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        expect_refused(ratls_slice(REFUSED[i].text, REFUSED[i].len), REFUSED[i].error);
}

Test(refvals, the_longest_line)
{
    static char text[9000];

    memset(text, 'a', sizeof text);
    memcpy(text, "#\n", 2);
    expect_refused(ratls_slice(text, 2 + 8322), "list:2: the line is longer than 8321 bytes");
    expect_refused(ratls_slice(text, 2 + 8321),
                   "list:2: expected 64, 96 or 128 hex digits, got 8321");
}

/* Backslashes: the longest line that there can be. */
Test(refvals, the_longest_name)
{
    static char text[1 + 64 + 2 + 2 * (RATLS_REFVALS_NAME_MAX + 1)];
    const size_t begin = 1 + 64 + 2, end = sizeof text - 2;

    memset(text, '\\', sizeof text);
    memcpy(text + 1, A64 "  ", 66);
    ratls_refvals_free(parse(text, end));
    expect_refused(ratls_slice(text, sizeof text), "list:1: the name is longer than 4095 bytes");
    ratls_refvals_free(parse(text + 1, begin - 1 + RATLS_REFVALS_NAME_MAX));
    expect_refused(ratls_slice(text + 1, begin + RATLS_REFVALS_NAME_MAX),
                   "list:1: the name is longer than 4095 bytes");
    memset(text + begin, 'a', sizeof text - begin);
    expect_refused(ratls_slice(text, sizeof text), "list:1: the name is longer than 4095 bytes");
}

static char folder[] = "/tmp/ratls-refvals-XXXXXX";
static char file[sizeof folder + 8];

static void open_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/set", folder);
}

static void close_folder(void)
{
    unlink(file);
    rmdir(folder);
}

static void write_file(struct ratls_slice bytes, mode_t mode)
{
    FILE *stream;

    unlink(file);
    stream = fopen(file, "wb");
    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(bytes.p, 1, bytes.len, stream), bytes.len);
    cr_assert_eq(fclose(stream), 0);
    cr_assert_eq(chmod(file, mode), 0);
}

static struct octets compile(struct ratls_refvals *const *sets, size_t count)
{
    struct octets bytes = {0};
    struct ratls_error err = {0};

    cr_assert_eq(ratls_refvals_compile(sets, count, &bytes.p, &bytes.len, &err), RATLS_OK, "%s",
                 err.text);
    return bytes;
}

static struct ratls_refvals *load(void)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_refvals_load(file, &set, &err), RATLS_OK, "%s", err.text);
    return set;
}

static void expect_same(const struct ratls_refvals *a, const struct ratls_refvals *b)
{
    uint8_t x[32], y[32];

    cr_expect_eq(ratls_refvals_count(a), ratls_refvals_count(b));
    cr_assert_eq(ratls_refvals_digest(a, x, NULL), RATLS_OK);
    cr_assert_eq(ratls_refvals_digest(b, y, NULL), RATLS_OK);
    cr_expect_arr_eq(x, y, 32);
}

Test(refvals, compiled_is_the_same, .init = open_folder, .fini = close_folder)
{
    struct ratls_refvals *text = parse(LIST, GOOD_LEN), *loaded, *mapped;
    struct octets compiled = compile(&text, 1);
    struct ratls_slice digest, name;

    write_file(ratls_slice(LIST, GOOD_LEN), 0644);
    loaded = load();
    write_file(octets_slice(compiled), 0644);
    mapped = load();
    cr_expect_eq(ratls_refvals_check(mapped, NULL), RATLS_OK);
    expect_same(text, loaded);
    expect_same(text, mapped);
    for (size_t i = 0; i < ratls_refvals_count(text); i++) {
        ratls_refvals_get(text, i, &digest, &name);
        cr_expect(ratls_refvals_allows(mapped, digest, name));
    }
    expect_word(ratls_refvals_name(mapped, digest_of(0xbb, 64)), "sha512");
    cr_expect_eq(ratls_refvals_find(mapped, word("/boot/initrd")).len, 32);
    free(compiled.p);
    ratls_refvals_free(text);
    ratls_refvals_free(loaded);
    ratls_refvals_free(mapped);
}

/* Order and repetition do not count, and what one has more does. */
Test(refvals, merging)
{
    struct ratls_refvals *sets[] = {parse(A64 "  a\n", 68), parse(B64 "  b\n", 68),
                                    parse(A64 "  a\n" B64 "  c\n", 136)};
    struct ratls_refvals *swapped[] = {sets[2], sets[1], sets[0], sets[1]};
    struct octets one = compile(sets, 3), other = compile(swapped, 4), less = compile(sets, 2);
    uint8_t first[32], second[32];

    cr_assert_eq(one.len, other.len);
    cr_expect_arr_eq(one.p, other.p, one.len);
    cr_expect_neq(less.len, one.len);
    cr_assert_eq(ratls_refvals_digest(sets[0], first, NULL), RATLS_OK);
    cr_assert_eq(ratls_refvals_digest(sets[1], second, NULL), RATLS_OK);
    cr_expect_arr_neq(first, second, 32);
    free(one.p);
    free(other.p);
    free(less.p);
    for (size_t i = 0; i < 3; i++)
        ratls_refvals_free(sets[i]);
}

static void expect_not_loaded(enum ratls_status status, const char *words)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_expect_eq(ratls_refvals_load(file, &set, &err), status, "%s", err.text);
    cr_expect_not_null(strstr(err.text, words), "%s", err.text);
    cr_expect_null(set);
}

Test(refvals, files_that_are_refused, .init = open_folder, .fini = close_folder)
{
    struct ratls_refvals *text = parse(LIST, GOOD_LEN);
    struct octets compiled = compile(&text, 1);

    expect_not_loaded(RATLS_USAGE, "No such file");
    write_file(octets_slice(compiled), 0666);
    expect_not_loaded(RATLS_USAGE, "everyone may write to this file");
    write_file(ratls_slice(LIST, GOOD_LEN), 0666);
    expect_not_loaded(RATLS_USAGE, "everyone may write to this file");
    write_file(ratls_slice(compiled.p, compiled.len - 1), 0644);
    expect_not_loaded(RATLS_USAGE, "set: damaged, or compiled by another version");
    write_file(ratls_slice(compiled.p, RATLS_REFVALS_MAGIC_LEN), 0644);
    expect_not_loaded(RATLS_USAGE, "set: damaged, or compiled by another version");
    compiled.p[RATLS_REFVALS_MAGIC_LEN + 3]++;
    write_file(octets_slice(compiled), 0644);
    expect_not_loaded(RATLS_USAGE, "set: damaged, or compiled by another version");
    unlink(file);
    cr_assert_eq(mkfifo(file, 0600), 0);
    expect_not_loaded(RATLS_USAGE, "not a regular file");
    free(compiled.p);
    ratls_refvals_free(text);
}

/* Wherever a compiled file was changed: reading stays within it, and check() tells. */
Test(refvals, damaged, .init = open_folder, .fini = close_folder)
{
    struct ratls_refvals *text = parse(LIST, GOOD_LEN), *set;
    struct octets compiled = compile(&text, 1);
    struct ratls_slice digest, name;
    size_t opened = 0;

    for (size_t at = 0; at < compiled.len; at++) {
        compiled.p[at] ^= 0xff;
        write_file(octets_slice(compiled), 0644);
        compiled.p[at] ^= 0xff;
        if (ratls_refvals_load(file, &set, NULL) != RATLS_OK)
            continue;
        opened++;
        cr_expect_eq(ratls_refvals_check(set, NULL), RATLS_USAGE, "byte %zu", at);
        for (size_t i = 0; i < ratls_refvals_count(text); i++) {
            ratls_refvals_get(text, i, &digest, &name);
            ratls_refvals_allows(set, digest, name);
            ratls_refvals_get(set, i, &digest, &name);
            ratls_refvals_find(set, name);
        }
        ratls_refvals_free(set);
    }
    cr_expect_eq(opened, compiled.len - RATLS_REFVALS_HASH_AT, "the counts and the magic refuse");
    free(compiled.p);
    ratls_refvals_free(text);
}
