#include <criterion/criterion.h>
#include <string.h>

#include "octets.h"
#include "piece.h"

static const char MINIMAL[] = "84 00 00 01 41 aa";
static const char LARGEST_NUMBERS[] = "84 1bffffffffffffffff 1affffffff 00 42 aabb";

static bool accepts(struct ratls_slice in)
{
    struct ratls_piece piece;

    return ratls_piece_read(in, &piece);
}

Test(piece, every_field_arrives)
{
    struct octets in = octets_from_hex("84 1b0000000100000002 1a00010003 00 43 aabbcc");
    struct ratls_piece piece;

    cr_assert(ratls_piece_read(octets_slice(in), &piece));
    cr_assert_eq(piece.turn.counter, UINT64_C(0x100000002));
    cr_assert_eq(piece.turn.sequence, 0x10003);
    cr_assert_not(piece.is_last);
    cr_assert_eq(piece.evidence.len, 3);
    cr_assert_arr_eq(piece.evidence.p, "\xaa\xbb\xcc", 3);
    free(in.p);
}

Test(piece, only_the_whole_is_accepted)
{
    struct octets minimal = octets_from_hex(MINIMAL);
    struct octets largest = octets_from_hex(LARGEST_NUMBERS);

    assert_only_whole(octets_slice(minimal), accepts);
    assert_only_whole(octets_slice(largest), accepts);
    free(minimal.p);
    free(largest.p);
}

static const struct shape SHAPES[] = {
    {"minimal", MINIMAL, true},
    {"numbers as large as they may be", LARGEST_NUMBERS, true},
    {"no evidence", "84 00 00 01 40", false},
    {"last is 2", "84 00 00 02 41 aa", false},
    {"last is a simple value", "84 00 00 f5 41 aa", false},
    {"sequence of 2^32", "84 00 1b0000000100000000 01 41 aa", false},
    {"sequence in a long head", "84 00 1801 01 41 aa", false},
    {"three items", "83 00 00 41 aa", false},
    {"five items", "85 00 00 01 41 aa 00", false},
    {"evidence as text", "84 00 00 01 61 61", false},
    {"evidence of indefinite length", "84 00 00 01 5f 41 aa ff", false},
    {"two pieces", "84 00 00 00 41 aa 84 00 00 01 41 aa", false},
};

Test(piece, shapes)
{
    expect_shapes(accepts, SHAPES, sizeof SHAPES / sizeof *SHAPES);
}

/* As long as evidence may be, and a byte more. */
Test(piece, the_longest_evidence)
{
    static uint8_t evidence[RATLS_EVIDENCE_MAX + 1], out[RATLS_PIECE_MAX + 1];

    for (size_t more = 0; more < 2; more++) {
        struct ratls_piece piece = {.turn = {UINT64_MAX, UINT32_MAX},
                                    .evidence = ratls_slice(evidence, RATLS_EVIDENCE_MAX + more)};
        struct ratls_writer w = ratls_writer(out, RATLS_PIECE_MAX);

        ratls_piece_write(&piece, &w);
        cr_assert_eq(w.failed, more == 1);
        if (more == 1)
            continue;
        cr_assert_eq(w.len, RATLS_PIECE_MAX, "as piece.h says");
        cr_assert(accepts(ratls_writer_slice(&w)));
        out[w.len - RATLS_EVIDENCE_MAX - 1]++; /* the length in the head */
        out[w.len] = 0;
        cr_assert_not(accepts(ratls_slice(out, w.len + 1)));
    }
}

Test(piece, one_after_the_other)
{
    struct octets in = octets_from_hex("84 00 00 00 41 aa 84 00 00 01 41 bb 84");
    struct ratls_slice rest = octets_slice(in);
    struct ratls_piece piece;

    cr_assert(ratls_piece_take(&rest, &piece));
    cr_assert_eq(piece.evidence.p[0], 0xaa);
    cr_assert(ratls_piece_take(&rest, &piece));
    cr_assert_eq(piece.evidence.p[0], 0xbb);
    cr_assert(piece.is_last);
    cr_assert_eq(rest.len, 1);
    cr_assert_not(ratls_piece_take(&rest, &piece));
    cr_assert_eq(rest.len, 1, "nothing is taken");
    cr_assert_eq(piece.evidence.p[0], 0xbb, "nothing is written");
    free(in.p);
}

Test(piece, what_is_accepted_is_written_the_same)
{
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        struct octets in = octets_from_hex(SHAPES[i].hex);
        uint8_t out[64];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_piece piece;

        if (ratls_piece_read(octets_slice(in), &piece)) {
            ratls_piece_write(&piece, &w);
            cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "%s",
                      SHAPES[i].name);
        }
        free(in.p);
    }
}
