/* Tags and integers of either sign: what formats of others have in CBOR. */
#include <criterion/criterion.h>

#include "cbor.h"
#include "octets.h"

static bool accepts_any(struct ratls_slice in)
{
    struct ratls_cbor c = ratls_cbor(in);

    ratls_cbor_skip(&c);
    return ratls_cbor_done(&c);
}

/* Each number of one byte: libcbor knows only some of them. */
Test(cbor_others, tags_of_every_number)
{
    static const uint64_t numbers[] = {0, 5, 6, 18, 20, 21, 23, 24, 61, 255, 256, UINT64_MAX};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint8_t out[10];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_cbor c;

        ratls_cbor_put_tag(&w, numbers[i]);
        c = ratls_cbor(ratls_writer_slice(&w));
        cr_expect_eq(ratls_cbor_tag(&c), numbers[i]);
        cr_expect(ratls_cbor_done(&c));
    }
}

Test(cbor_others, tags_are_refused)
{
    static const struct shape cases[] = {
        {"a long head", "d81200", false},
        {"another long head", "d9001200", false},
        {"cut", "d9", false},
        {"an indefinite one", "df00", false},
        {"a reserved head", "dc00", false},
    };

    expect_shapes(accepts_any, cases, sizeof cases / sizeof *cases);
}

Test(cbor_others, integers_of_either_sign)
{
    static const struct {
        const char *hex;
        int64_t value;
    } cases[] = {
        {"00", 0},
        {"17", 23},
        {"20", -1},
        {"37", -24},
        {"3818", -25},
        {"38ff", -256},
        {"390100", -257},
        {"3a00011171", -70002},
        {"1b7fffffffffffffff", INT64_MAX},
        {"3b7fffffffffffffff", INT64_MIN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_cbor c = ratls_cbor(octets_slice(in));
        uint8_t out[9];
        struct ratls_writer w = ratls_writer(out, sizeof out);

        cr_expect_eq(ratls_cbor_int(&c, INT64_MIN, INT64_MAX), cases[i].value, "%s", cases[i].hex);
        cr_expect(ratls_cbor_done(&c), "%s", cases[i].hex);
        ratls_cbor_put_int(&w, cases[i].value);
        cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "%s", cases[i].hex);
        free(in.p);
    }
}

static bool accepts_small_int(struct ratls_slice in)
{
    struct ratls_cbor c = ratls_cbor(in);

    ratls_cbor_int(&c, -2, 2);
    return ratls_cbor_done(&c);
}

Test(cbor_others, integers_have_bounds)
{
    static const struct shape cases[] = {
        {"-2", "21", true},
        {"-3", "22", false},
        {"3", "03", false},
        {"more than 63 bits", "1bffffffffffffffff", false},
        {"less than 63 bits", "3b8000000000000000", false},
        {"a long head", "3800", false},
        {"a float", "f90000", false},
        {"a text", "60", false},
        {"a tag", "c100", false},
    };

    expect_shapes(accepts_small_int, cases, sizeof cases / sizeof *cases);
}
