/* Item 9 of evidence (WIRE.md, 3): an attestation result that the server brings along. */
#include <criterion/criterion.h>

#include "evidence.h"
#include "octets.h"

/* Content-Format 65300, and "application/vnd.ratls.boot-log" */
#define QUOTE_TYPE "19ff14"
#define BOOT_TYPE "781e 6170706c69636174696f6e2f766e642e7261746c732e626f6f742d6c6f67"
#define QUOTE "01 83" QUOTE_TYPE "4f 86 4101 83000140 4102 4103 4104 4105 04"
#define LOG "05 83" BOOT_TYPE "4101 04"

static bool accepts(struct ratls_slice in)
{
    struct ratls_evidence evidence;

    return ratls_evidence_read(in, &evidence);
}

Test(evidence_result, shapes)
{
    static const struct shape cases[] = {
        {"a result", "a2" QUOTE "09 83 190107 4178 08", true},
        {"behind a log", "a3" QUOTE LOG "09 83 190107 4178 08", true},
        {"without a quote", "a2" LOG "09 83 190107 4178 08", false},
        {"alone", "a1 09 83 190107 4178 08", false},
        {"before the quote", "a2 09 83 190107 4178 08" QUOTE, false},
        {"twice", "a3" QUOTE "09 83 190107 4178 08 09 83 190107 4178 08", false},
        {"empty", "a2" QUOTE "09 83 190107 40 08", false},
        {"another Content-Format", "a2" QUOTE "09 83 190108 4178 08", false},
        {"a media type", "a2" QUOTE "09 83 6161 4178 08", false},
        {"the indicator of evidence", "a2" QUOTE "09 83 190107 4178 04", false},
        {"no indicator", "a2" QUOTE "09 82 190107 4178", false},
        {"an item behind it", "a3" QUOTE "09 83 190107 4178 08 0a 83 190107 4178 08", false},
    };

    expect_shapes(accepts, cases, sizeof cases / sizeof *cases);
}

Test(evidence_result, comes_back_up_to_its_limit)
{
    static uint8_t bytes[RATLS_RESULT_MAX + 1], out[RATLS_EVIDENCE_MAX];
    struct octets base = octets_from_hex("a1" QUOTE);
    struct ratls_evidence evidence, again;

    cr_assert(ratls_evidence_read(octets_slice(base), &evidence));
    for (size_t len = RATLS_RESULT_MAX - 1; len <= RATLS_RESULT_MAX + 1; len++) {
        struct ratls_writer w = ratls_writer(out, sizeof out);

        evidence.result = ratls_slice(bytes, len);
        ratls_evidence_write(&evidence, &w);
        cr_expect_eq(w.failed, len > RATLS_RESULT_MAX, "%zu", len);
        if (w.failed)
            continue;
        cr_assert(ratls_evidence_read(ratls_writer_slice(&w), &again));
        cr_expect_eq(again.result.len, len);
    }
    free(base.p);
}

/* It is signed by itself: who replaces it need not have the evidence signed anew. */
Test(evidence_result, is_no_part_of_the_manifest)
{
    static const uint8_t byte = 1;
    struct octets base = octets_from_hex("a1" QUOTE);
    struct ratls_evidence evidence;
    uint8_t bytes[2][32];
    struct ratls_slice without, with;

    cr_assert(ratls_evidence_read(octets_slice(base), &evidence));
    cr_assert_eq(ratls_evidence_manifest(&evidence, bytes[0], &without, NULL), RATLS_OK);
    evidence.result = ratls_slice(&byte, 1);
    cr_assert_eq(ratls_evidence_manifest(&evidence, bytes[1], &with, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(without, with));
    free(base.p);
}
