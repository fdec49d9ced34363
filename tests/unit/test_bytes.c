#include <criterion/criterion.h>
#include <string.h>

#include "bytes.h"
#include "octets.h"

Test(bytes, reads_big_endian_and_to_the_end)
{
    struct octets in = octets_from_hex("01 0203 04050607 08090a0b0c0d0e0f 0002aabb 10");
    struct ratls_reader r = ratls_reader(octets_slice(in));
    struct ratls_slice sized;

    cr_assert_eq(ratls_read_u8(&r), 0x01);
    cr_assert_eq(ratls_read_u16(&r), 0x0203);
    cr_assert_eq(ratls_read_u32(&r), 0x04050607u);
    cr_assert_eq(ratls_read_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
    sized = ratls_read_tpm2b(&r, 2);
    cr_assert(ratls_slice_equal(sized, ratls_slice("\xaa\xbb", 2)));
    cr_assert_not(ratls_reader_done(&r), "one byte is left");
    cr_assert_eq(ratls_read_u8(&r), 0x10);
    cr_assert(ratls_reader_done(&r));
    free(in.p);
}

Test(bytes, reads_little_endian)
{
    struct octets in = octets_from_hex("0203 04050607 08090a0b0c0d0e0f ff");
    struct ratls_reader r = ratls_reader(octets_slice(in));

    cr_assert_eq(ratls_read_le16(&r), 0x0302);
    cr_assert_eq(ratls_read_le32(&r), 0x07060504u);
    cr_assert_eq(ratls_read_le64(&r), UINT64_C(0x0f0e0d0c0b0a0908));
    cr_assert_not(r.failed);
    cr_assert_eq(ratls_read_le16(&r), 0, "one byte is left");
    cr_assert(r.failed);
    cr_assert_eq(r.rest.len, 1, "a failure takes nothing");
    free(in.p);
}

Test(bytes, a_short_input_fails_and_the_failure_sticks)
{
    struct octets in = octets_from_hex("010203");
    struct ratls_reader r = ratls_reader(octets_slice(in));

    cr_assert_eq(ratls_read_u32(&r), 0);
    cr_assert(r.failed);
    cr_assert_eq(ratls_read_u8(&r), 0, "there was a byte, but the reader had failed");
    cr_assert_eq(ratls_read_bytes(&r, 0).len, 0);
    cr_assert_not(ratls_reader_done(&r));
    free(in.p);
}

Test(bytes, reads_nothing_from_nothing)
{
    struct ratls_reader r = ratls_reader(ratls_slice(NULL, 0));

    cr_assert_eq(ratls_read_bytes(&r, 0).len, 0);
    cr_assert(ratls_reader_done(&r));
    cr_assert_eq(ratls_read_bytes(&r, SIZE_MAX).len, 0);
    cr_assert(r.failed);
}

Test(bytes, tpm2b_limits)
{
    static const struct {
        const char *name;
        const char *hex;
        size_t max;
        bool accepted;
    } cases[] = {
        {"empty", "0000", 0, true},
        {"at its limit", "0003 010203", 3, true},
        {"one beyond its limit", "0003 010203", 2, false},
        {"longer than the input", "0004 010203", 4, false},
        {"half a length", "00", 4, false},
        {"no length", "", 4, false},
        {"largest length, no bytes", "ffff", 65535, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_reader r = ratls_reader(octets_slice(in));
        struct ratls_slice sized = ratls_read_tpm2b(&r, cases[i].max);

        cr_expect_eq(ratls_reader_done(&r), cases[i].accepted, "%s", cases[i].name);
        cr_expect_eq(sized.len, cases[i].accepted ? in.len - 2 : 0, "%s", cases[i].name);
        free(in.p);
    }
}

Test(bytes, writes_big_endian_up_to_its_capacity)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xaa};
    uint8_t out[sizeof expected];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_write_u8(&w, 0x01);
    ratls_write_u16(&w, 0x0203);
    ratls_write_u32(&w, 0x04050607);
    ratls_write_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    ratls_write_bytes(&w, ratls_slice("\xaa", 1));
    ratls_write_bytes(&w, ratls_slice(NULL, 0));
    cr_assert_not(w.failed);
    cr_assert(ratls_slice_equal(ratls_writer_slice(&w), ratls_slice(expected, sizeof expected)));
    ratls_write_u8(&w, 0);
    cr_assert(w.failed, "one byte beyond the capacity");
    cr_assert_eq(ratls_writer_slice(&w).len, 0);
    cr_assert_eq(w.len, sizeof expected);
}

Test(bytes, a_write_that_does_not_fit_writes_nothing_and_sticks)
{
    uint8_t out[4] = {0};
    struct ratls_writer w = ratls_writer(out, 3);

    ratls_write_u32(&w, 0xffffffff);
    cr_assert(w.failed);
    ratls_write_u8(&w, 0xff);
    cr_assert_arr_eq(out, "\0\0\0\0", sizeof out);
}

Test(bytes, a_writer_without_a_buffer_counts)
{
    struct ratls_writer w = ratls_writer(NULL, 5);

    ratls_write_u32(&w, 1);
    ratls_write_u8(&w, 1);
    cr_assert_eq(w.len, 5);
    cr_assert_not(w.failed);
    ratls_write_u8(&w, 1);
    cr_assert(w.failed);
}

Test(bytes, equality)
{
    static const struct {
        const char *name;
        struct ratls_slice a, b;
        bool are_equal;
    } cases[] = {
        {"both empty", {NULL, 0}, {NULL, 0}, true},
        {"empty with and without a pointer", {(const uint8_t *)"x", 0}, {NULL, 0}, true},
        {"same", {(const uint8_t *)"abc", 3}, {(const uint8_t *)"abc", 3}, true},
        {"last byte", {(const uint8_t *)"abc", 3}, {(const uint8_t *)"abd", 3}, false},
        {"prefix", {(const uint8_t *)"abc", 3}, {(const uint8_t *)"abc", 2}, false},
        {"empty and not", {NULL, 0}, {(const uint8_t *)"a", 1}, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(ratls_slice_equal(cases[i].a, cases[i].b), cases[i].are_equal, "%s",
                     cases[i].name);
}

struct text_case {
    const char *bytes;
    size_t len;
    size_t cap;
    const char *expected;
};

static void expect_text(void (*write_text)(struct ratls_slice, char *, size_t),
                        const struct text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[32];

        memset(out, '#', sizeof out);
        write_text(ratls_slice(cases[i].bytes, cases[i].len), out, cases[i].cap);
        cr_expect_str_eq(out, cases[i].expected, "case %zu: %s", i, out);
        cr_expect_eq(out[cases[i].cap], '#', "case %zu wrote beyond its capacity", i);
    }
}

Test(bytes, hex_is_cut_with_a_mark)
{
    static const struct text_case cases[] = {
        {"", 0, 1, ""},
        {"\x00\xff\x1a", 3, 7, "00ff1a"},
        {"\x00\xff\x1a", 3, 6, "00..."},
        {"\x00\xff\x1a", 3, 5, "..."},
        {"\x00\xff\x1a", 3, 4, "..."},
        {"\x00\xff\x1a", 3, 3, ".."},
        {"\x00\xff\x1a", 3, 1, ""},
        {"\x00\xff\x1a\x2b", 4, 8, "00ff..."},
    };

    expect_text(ratls_hex, cases, sizeof cases / sizeof *cases);
    ratls_hex(ratls_slice("a", 1), NULL, 0);
}

Test(bytes, escape_shows_printable_ascii_only)
{
    static const struct text_case cases[] = {
        {"", 0, 1, ""},
        {"a b~", 4, 5, "a b~"},
        {"a\n", 2, 6, "a\\x0a"},
        {"\x1b[2J", 4, 8, "\\x1b[2J"},
        {"\x7f\xe2", 2, 9, "\\x7f\\xe2"},
        {"\x7f\xe2", 2, 8, "\\x7f..."},
        {"abcdef", 6, 6, "ab..."},
        {"ab\xff", 3, 6, "ab..."},
        {"\xff\xff", 2, 4, "..."},
        {"\xff\xff", 2, 2, "."},
        {"a\0b", 3, 7, "a\\x00b"},
    };

    expect_text(ratls_escape, cases, sizeof cases / sizeof *cases);
    ratls_escape(ratls_slice("a", 1), NULL, 0);
}

Test(bytes, unhex_takes_exactly_its_digits)
{
    static const struct {
        const char *text;
        size_t len;
        bool accepted;
    } cases[] = {
        {"", 0, true},          {"00ff1A", 3, true},  {"00ff1", 3, false},  {"00ff1a0", 3, false},
        {"00ff1a00", 3, false}, {"00fg1a", 3, false}, {"0x00ff", 3, false}, {" 0ff1a", 3, false},
        {"+0ff1a", 3, false},   {"00", 0, false},     {"", 3, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[3] = {9, 9, 9};

        cr_expect_eq(ratls_unhex(cases[i].text, out, cases[i].len), cases[i].accepted, "%s",
                     cases[i].text);
        if (cases[i].accepted && cases[i].len == 3)
            cr_expect_arr_eq(out, "\x00\xff\x1a", 3);
        else
            cr_expect_arr_eq(out, "\x09\x09\x09", 3, "%s: written to", cases[i].text);
    }
}

Test(bytes, what_is_printable)
{
    cr_expect(ratls_slice_is_printable(ratls_slice(NULL, 0)));
    cr_expect(ratls_slice_is_printable(ratls_slice(" a~", 3)));
    cr_expect_not(ratls_slice_is_printable(ratls_slice("a\x1f", 2)));
    cr_expect_not(ratls_slice_is_printable(ratls_slice("\x7f"
                                                       "a",
                                                       2)));
    cr_expect_not(ratls_slice_is_printable(ratls_slice("a\xe4", 2)));
    cr_expect_not(ratls_slice_is_printable(ratls_slice("a", 2)));
}
