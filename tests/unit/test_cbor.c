#include <criterion/criterion.h>
#include <string.h>

#include "cbor.h"
#include "octets.h"

enum kind { UINT, BYTES, TEXT, ARRAY, MAP };

/* Reads one item of a kind with no limits, and asks whether that was all. */
static bool accepts_item(enum kind kind, struct ratls_slice in)
{
    struct ratls_cbor c = ratls_cbor(in);

    switch (kind) {
    case UINT:
        ratls_cbor_uint(&c, UINT64_MAX);
        break;
    case BYTES:
        ratls_cbor_bytes(&c, 0, SIZE_MAX);
        break;
    case TEXT:
        ratls_cbor_text(&c, 0, SIZE_MAX);
        break;
    case ARRAY:
        ratls_cbor_array(&c, 0, SIZE_MAX);
        break;
    case MAP:
        ratls_cbor_map(&c, 0, SIZE_MAX);
        break;
    }
    return ratls_cbor_done(&c);
}

Test(cbor, reads_integers)
{
    static const struct {
        const char *hex;
        uint64_t value;
    } cases[] = {
        {"00", 0},
        {"17", 23},
        {"1818", 24},
        {"18ff", 255},
        {"190100", 256},
        {"19ffff", 65535},
        {"1a00010000", 65536},
        {"1affffffff", UINT32_MAX},
        {"1b0000000100000000", UINT64_C(1) << 32},
        {"1bffffffffffffffff", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_cbor c = ratls_cbor(octets_slice(in));
        uint8_t out[9];
        struct ratls_writer w = ratls_writer(out, sizeof out);

        cr_expect_eq(ratls_cbor_uint(&c, UINT64_MAX), cases[i].value, "%s", cases[i].hex);
        cr_expect(ratls_cbor_done(&c), "%s", cases[i].hex);
        ratls_cbor_put_uint(&w, cases[i].value);
        cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "%s", cases[i].hex);
        free(in.p);
    }
}

static const struct {
    const char *name;
    enum kind kind;
    const char *hex;
    bool accepted;
} ITEMS[] = {
    {"integer", UINT, "17", true},
    {"nothing", UINT, "", false},
    {"long head: 23 in one byte more", UINT, "1817", false},
    {"long head: 255 in two", UINT, "1900ff", false},
    {"long head: 65535 in four", UINT, "1a0000ffff", false},
    {"long head: 2^32-1 in eight", UINT, "1b00000000ffffffff", false},
    {"truncated head", UINT, "19ff", false},
    {"trailing byte", UINT, "1700", false},
    {"negative", UINT, "20", false},
    {"negative, one byte", UINT, "3818", false},
    {"negative, two bytes", UINT, "390100", false},
    {"negative, four bytes", UINT, "3a00010000", false},
    {"negative, eight bytes", UINT, "3bffffffffffffffff", false},
    {"tag", UINT, "c101", false},
    {"tag, one byte", UINT, "d81801", false},
    {"self-described CBOR", UINT, "d9d9f701", false},
    {"false", UINT, "f4", false},
    {"true", UINT, "f5", false},
    {"null", UINT, "f6", false},
    {"undefined", UINT, "f7", false},
    {"simple value", UINT, "e0", false},
    {"simple value, one byte", UINT, "f8ff", false},
    {"half float", UINT, "f93c00", false},
    {"single float", UINT, "fa47c35000", false},
    {"double float", UINT, "fb3ff199999999999a", false},
    {"reserved additional information 28", UINT, "1c", false},
    {"break", UINT, "ff", false},
    {"bytes where an integer belongs", UINT, "4100", false},
    {"bytes", BYTES, "420102", true},
    {"empty bytes", BYTES, "40", true},
    {"long head of bytes", BYTES, "58020102", false},
    {"longest head of bytes", BYTES, "5b00000000000000020102", false},
    {"indefinite bytes", BYTES, "5f420102ff", false},
    {"bytes beyond the input", BYTES, "4201", false},
    {"bytes of 2^64-1", BYTES, "5bffffffffffffffff01", false},
    {"bytes of 2^31", BYTES, "5a8000000001", false},
    {"text where bytes belong", BYTES, "6161", false},
    {"text", TEXT, "626162", true},
    {"long head of text", TEXT, "78026162", false},
    {"indefinite text", TEXT, "7f6161ff", false},
    {"text with a newline", TEXT, "62610a", false},
    {"text with NUL", TEXT, "626100", false},
    {"text with DEL", TEXT, "617f", false},
    {"text with UTF-8", TEXT, "62c3a9", false},
    {"text beyond the input", TEXT, "6361", false},
    {"bytes where text belongs", TEXT, "4161", false},
    {"array", ARRAY, "83", true},
    {"long head of an array", ARRAY, "9803", false},
    {"indefinite array", ARRAY, "9fff", false},
    {"map where an array belongs", ARRAY, "a0", false},
    {"map", MAP, "a2", true},
    {"long head of a map", MAP, "b802", false},
    {"indefinite map", MAP, "bfff", false},
    {"array where a map belongs", MAP, "80", false},
};

Test(cbor, refuses_what_is_not_deterministic)
{
    for (size_t i = 0; i < sizeof ITEMS / sizeof *ITEMS; i++) {
        struct octets in = octets_from_hex(ITEMS[i].hex);

        cr_expect_eq(accepts_item(ITEMS[i].kind, octets_slice(in)), ITEMS[i].accepted, "%s",
                     ITEMS[i].name);
        free(in.p);
    }
}

/* A length of just over 23, 255 and 65535 bytes: each needs the next longer head. */
Test(cbor, strings_of_every_head_length_come_back)
{
    static const size_t lengths[] = {0, 1, 23, 24, 255, 256, 65535, 65536};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t cap = lengths[i] + 9;
        uint8_t *content = malloc(lengths[i] + 1);
        uint8_t *out = malloc(cap);
        struct ratls_writer w = ratls_writer(out, cap);
        struct ratls_cbor c;
        struct ratls_slice bytes;

        cr_assert(content != NULL && out != NULL);
        memset(content, 'a', lengths[i]);
        ratls_cbor_put_bytes(&w, ratls_slice(content, lengths[i]));
        c = ratls_cbor(ratls_writer_slice(&w));
        bytes = ratls_cbor_bytes(&c, lengths[i], lengths[i]);
        cr_expect(ratls_cbor_done(&c), "%zu bytes", lengths[i]);
        cr_expect(ratls_slice_equal(bytes, ratls_slice(content, lengths[i])));
        w = ratls_writer(out, cap);
        ratls_cbor_put_text(&w, ratls_slice(content, lengths[i]));
        c = ratls_cbor(ratls_writer_slice(&w));
        cr_expect_eq(ratls_cbor_text(&c, 0, lengths[i]).len, lengths[i]);
        cr_expect(ratls_cbor_done(&c), "%zu characters", lengths[i]);
        free(content);
        free(out);
    }
}

Test(cbor, limits_hold_at_their_edges)
{
    static const struct {
        const char *name;
        enum kind kind;
        const char *hex;
        size_t min, max;
        bool accepted;
    } cases[] = {
        {"integer at max", UINT, "182a", 0, 42, true},
        {"integer beyond max", UINT, "182b", 0, 42, false},
        {"bytes at min", BYTES, "420102", 2, 3, true},
        {"bytes below min", BYTES, "4101", 2, 3, false},
        {"bytes at max", BYTES, "43010203", 2, 3, true},
        {"bytes beyond max", BYTES, "4401020304", 2, 3, false},
        {"text at max", TEXT, "6161", 1, 1, true},
        {"text below min", TEXT, "60", 1, 1, false},
        {"text beyond max", TEXT, "626161", 1, 1, false},
        {"array at max", ARRAY, "84", 1, 4, true},
        {"array below min", ARRAY, "80", 1, 4, false},
        {"array beyond max", ARRAY, "85", 1, 4, false},
        {"array of 2^32", ARRAY, "9b0000000100000000", 1, 4, false},
        {"map at max", MAP, "a4", 1, 4, true},
        {"map beyond max", MAP, "a5", 1, 4, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_cbor c = ratls_cbor(octets_slice(in));

        if (cases[i].kind == UINT)
            ratls_cbor_uint(&c, cases[i].max);
        else if (cases[i].kind == BYTES)
            ratls_cbor_bytes(&c, cases[i].min, cases[i].max);
        else if (cases[i].kind == TEXT)
            ratls_cbor_text(&c, cases[i].min, cases[i].max);
        else if (cases[i].kind == ARRAY)
            ratls_cbor_array(&c, cases[i].min, cases[i].max);
        else
            ratls_cbor_map(&c, cases[i].min, cases[i].max);
        cr_expect_eq(ratls_cbor_done(&c), cases[i].accepted, "%s", cases[i].name);
        free(in.p);
    }
}

Test(cbor, expectations_fail_on_any_other_value)
{
    static const struct {
        const char *name;
        const char *hex;
        bool is_text; /* "ab" expected, else 7 */
        bool accepted;
    } cases[] = {
        {"that text", "626162", true, true},
        {"other text", "626163", true, false},
        {"shorter text", "6161", true, false},
        {"longer text", "63616263", true, false},
        {"bytes for text", "426162", true, false},
        {"that number", "07", false, true},
        {"one less", "06", false, false},
        {"one more", "08", false, false},
        {"text for a number", "6137", false, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_cbor c = ratls_cbor(octets_slice(in));

        if (cases[i].is_text)
            ratls_cbor_expect_text(&c, "ab");
        else
            ratls_cbor_expect_uint(&c, 7);
        cr_expect_eq(ratls_cbor_done(&c), cases[i].accepted, "%s", cases[i].name);
        free(in.p);
    }
}

Test(cbor, a_failure_sticks)
{
    struct octets in = octets_from_hex("f6 01 4101 6161 81 a1");
    struct ratls_cbor c = ratls_cbor(octets_slice(in));

    cr_assert_eq(ratls_cbor_uint(&c, 100), 0);
    cr_assert(c.failed);
    c.rest = ratls_slice(in.p + 1, in.len - 1);
    cr_assert_eq(ratls_cbor_uint(&c, 100), 0, "1 is there, but the cursor had failed");
    cr_assert_eq(ratls_cbor_bytes(&c, 0, 100).len, 0);
    cr_assert_eq(ratls_cbor_text(&c, 0, 100).len, 0);
    cr_assert_eq(ratls_cbor_array(&c, 0, 100), 0);
    cr_assert_eq(ratls_cbor_map(&c, 0, 100), 0);
    cr_assert_not(ratls_cbor_done(&c));
    free(in.p);
}

Test(cbor, writes_heads)
{
    struct octets expected = octets_from_hex("84 a2 43010203 63616263 5904d2");
    uint8_t out[32];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_cbor_put_array(&w, 4);
    ratls_cbor_put_map(&w, 2);
    ratls_cbor_put_bytes(&w, ratls_slice("\1\2\3", 3));
    ratls_cbor_put_text(&w, ratls_slice("abc", 3));
    ratls_cbor_put_bytes_head(&w, 1234);
    cr_assert(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(expected)));
    w.cap = w.len;
    ratls_cbor_put_uint(&w, 1);
    cr_assert(w.failed, "full");
    free(expected.p);
}

/* One item each, and what peek() says of it. */
Test(cbor, passes_over_anything)
{
    static const struct {
        const char *hex;
        enum ratls_cbor_kind kind;
    } cases[] = {
        {"1818", RATLS_CBOR_UINT},
        {"3818", RATLS_CBOR_NEGATIVE},
        {"3bffffffffffffffff", RATLS_CBOR_NEGATIVE},
        {"43010203", RATLS_CBOR_BYTES},
        {"62c3a4", RATLS_CBOR_TEXT},
        {"8301820203a10405", RATLS_CBOR_ARRAY},
        {"a2018002a10341ff", RATLS_CBOR_MAP},
        {"d901f5d9022880", RATLS_CBOR_TAG},
        {"f93c00", RATLS_CBOR_OTHER},
        {"fb3ff0000000000000", RATLS_CBOR_OTHER},
        {"f6", RATLS_CBOR_OTHER},
        {"82f4f5", RATLS_CBOR_ARRAY},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_cbor c = ratls_cbor(octets_slice(in));

        cr_expect_eq(ratls_cbor_peek(&c), cases[i].kind, "%s", cases[i].hex);
        ratls_cbor_skip(&c);
        cr_expect(ratls_cbor_done(&c), "%s", cases[i].hex);
        cr_expect_eq(ratls_cbor_peek(&c), RATLS_CBOR_OTHER, "%s", cases[i].hex);
        for (size_t len = 0; len < in.len; len++) {
            c = ratls_cbor(ratls_slice(in.p, len));
            ratls_cbor_skip(&c);
            cr_expect(c.failed, "%zu bytes of %s", len, cases[i].hex);
        }
        free(in.p);
    }
}

static bool accepts_any(struct ratls_slice in)
{
    struct ratls_cbor c = ratls_cbor(in);

    ratls_cbor_skip(&c);
    return ratls_cbor_done(&c);
}

/* Counts beyond all sums, and depth, which costs neither stack nor time. */
Test(cbor, passing_over_has_bounds)
{
    static const struct shape cases[] = {
        {"an array of too many", "9bffffffffffffffff00", false},
        {"a map of too many", "bbffffffffffffffff0000", false},
        {"a map of half as many", "bb80000000000000000000", false},
        {"sums that overflow", "829bfffffffffffffffe009bffffffffffffffff00", false},
        {"indefinite", "9fff", false},
        {"indefinite text", "7f6161ff", false},
        {"a long head within", "811800", false},
        {"a tag of nothing", "d901f5", false},
        {"a break", "ff", false},
    };
    static uint8_t deep[1000000];

    expect_shapes(accepts_any, cases, sizeof cases / sizeof *cases);
    memset(deep, 0x81, sizeof deep);
    cr_expect_not(accepts_any(ratls_slice(deep, sizeof deep)));
    deep[sizeof deep - 1] = 0;
    cr_expect(accepts_any(ratls_slice(deep, sizeof deep)));
}

Test(cbor, tags)
{
    static const uint8_t bytes[] = {0xd9, 0x01, 0xf5, 0xc1, 0x00};
    struct ratls_cbor c = ratls_cbor(ratls_slice(bytes, sizeof bytes));

    cr_expect_eq(ratls_cbor_tag(&c), 501);
    cr_expect_eq(ratls_cbor_tag(&c), 1);
    ratls_cbor_tag(&c);
    cr_expect(c.failed, "no tag");
    c = ratls_cbor(ratls_slice(bytes, sizeof bytes));
    ratls_cbor_uint(&c, UINT64_MAX);
    cr_expect(c.failed, "a tag is no number");
}
