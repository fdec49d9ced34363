#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "evidence.h"
#include "octets.h"
#include "statement.h"

/* "application/vnd.ratls.quote+cbor" */
#define MEDIA_TYPE "7820 6170706c69636174696f6e2f766e642e7261746c732e71756f74652b63626f72"
#define QUOTE "86 4101 83000180 4102 4103 4104 4105"
#define RECORD "01 83" MEDIA_TYPE "4f" QUOTE "04"
#define MINIMAL "a1" RECORD
#define CERTIFICATE_2 "02 83 19011f 4130 02"
#define CERTIFICATE_3 "03 83 19011f 423101 02"
#define CERTIFICATE_4 "04 83 19011f 4132 02"
#define FULL "a4" RECORD CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4
#define NODE "5820 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static bool accepts(struct ratls_slice in)
{
    struct ratls_evidence evidence;

    return ratls_evidence_read(in, &evidence);
}

static void expect_byte(struct ratls_slice bytes, uint8_t value)
{
    cr_expect(bytes.len == 1 && bytes.p[0] == value, "%u", value);
}

Test(evidence, every_field_arrives)
{
    struct octets in = octets_from_hex("a3 01 83" MEDIA_TYPE "5853 86 4101 83050682" NODE NODE
                                       "4102 4103 4104 4105 04" CERTIFICATE_2 CERTIFICATE_3);
    struct ratls_evidence e;

    cr_assert(ratls_evidence_read(octets_slice(in), &e));
    expect_byte(e.statement, 1);
    cr_expect_eq(e.path.leaf_index, 5);
    cr_expect_eq(e.path.tree_size, 6);
    cr_assert_eq(e.path.count, 2);
    cr_expect_eq(e.path.hashes[1][31], 0x1f);
    expect_byte(e.attest, 2);
    expect_byte(e.signature, 3);
    expect_byte(e.ak_public, 4);
    expect_byte(e.pcr_values, 5);
    cr_assert_eq(e.certificate_count, 2);
    expect_byte(e.certificates[0], 0x30);
    cr_expect(ratls_slice_equal(e.certificates[1], ratls_slice("\x31\x01", 2)));
    free(in.p);
}

Test(evidence, what_is_accepted_is_written_the_same)
{
    static const char *const cases[] = {MINIMAL, FULL, "a2" RECORD CERTIFICATE_2};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);
        uint8_t out[256];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_evidence evidence;

        cr_assert(ratls_evidence_read(octets_slice(in), &evidence));
        ratls_evidence_write(&evidence, &w);
        cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "case %zu", i);
        w = ratls_writer(out, in.len - 1);
        ratls_evidence_write(&evidence, &w);
        cr_expect(w.failed, "one byte too small");
        free(in.p);
    }
}

Test(evidence, only_the_whole_is_accepted)
{
    struct octets minimal = octets_from_hex(MINIMAL);
    struct octets full = octets_from_hex(FULL);

    assert_only_whole(octets_slice(minimal), accepts);
    assert_only_whole(octets_slice(full), accepts);
    free(minimal.p);
    free(full.p);
}

static const struct shape SHAPES[] = {
    {"minimal", MINIMAL, true},
    {"three certificates", FULL, true},
    {"no item", "a0", false},
    {"certificate only", "a1" CERTIFICATE_2, false},
    {"an array", "81" RECORD, false},
    {"four certificates",
     "a5" RECORD CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4 "05 83 19011f 4133 02", false},
    {"a gap in the labels", "a2" RECORD CERTIFICATE_3, false},
    {"labels descending", "a3" RECORD CERTIFICATE_3 CERTIFICATE_2, false},
    {"a label twice", "a3" RECORD CERTIFICATE_2 CERTIFICATE_2, false},
    {"the quote twice", "a2" RECORD RECORD, false},
    {"label as text", "a1 6131 83" MEDIA_TYPE "4f" QUOTE "04", false},
    {"label in a long head", "a1 1801 83" MEDIA_TYPE "4f" QUOTE "04", false},
    {"another media type", "a1 01 83 6474657874 4f" QUOTE "04", false},
    {"content format for the quote", "a1 01 83 19011f 4f" QUOTE "04", false},
    {"indicator 2 for the quote", "a1 01 83" MEDIA_TYPE "4f" QUOTE "02", false},
    {"no indicator", "a1 01 82" MEDIA_TYPE "4f" QUOTE, false},
    {"quote not wrapped", "a1 01 83" MEDIA_TYPE QUOTE "04", false},
    {"trailing byte in the quote", "a1 01 83" MEDIA_TYPE "50" QUOTE "00 04", false},
    {"quote of five items", "a1 01 83" MEDIA_TYPE "4d 85 4101 83000180 4102 4103 4104 04", false},
    {"another content format", "a2" RECORD "02 83 190120 4130 02", false},
    {"certificate as evidence", "a2" RECORD "02 83 19011f 4130 04", false},
    {"empty certificate", "a2" RECORD "02 83 19011f 40 02", false},
    {"certificate as a text", "a2" RECORD "02 83 19011f 6130 02", false},
    {"empty statement", "a1 01 83" MEDIA_TYPE "4e 86 40 83000180 4102 4103 4104 4105 04", false},
    {"empty attest", "a1 01 83" MEDIA_TYPE "4e 86 4101 83000180 40 4103 4104 4105 04", false},
    {"empty signature", "a1 01 83" MEDIA_TYPE "4e 86 4101 83000180 4102 40 4104 4105 04", false},
    {"empty key", "a1 01 83" MEDIA_TYPE "4e 86 4101 83000180 4102 4103 40 4105 04", false},
    {"no PCR value", "a1 01 83" MEDIA_TYPE "4e 86 4101 83000180 4102 4103 4104 40 04", false},
    {"path with a hash of one byte",
     "a1 01 83" MEDIA_TYPE "51 86 4101 8300028141aa 4102 4103 4104 4105 04", false},
    {"tree of no leaf", "a1 01 83" MEDIA_TYPE "4f 86 4101 83000080 4102 4103 4104 4105 04", false},
    {"tree size 65536", "a1 01 83" MEDIA_TYPE "53 86 4101 83001a0001000080 4102 4103 4104 4105 04",
     true},
    {"tree size 65537", "a1 01 83" MEDIA_TYPE "53 86 4101 83001a0001000180 4102 4103 4104 4105 04",
     false},
    {"leaf 65535", "a1 01 83" MEDIA_TYPE "51 86 4101 8319ffff0180 4102 4103 4104 4105 04", true},
    {"leaf 65536", "a1 01 83" MEDIA_TYPE "53 86 4101 831a000100000180 4102 4103 4104 4105 04",
     false},
};

Test(evidence, shapes)
{
    expect_shapes(accepts, SHAPES, sizeof SHAPES / sizeof *SHAPES);
}

/* The lengths of everything that has a limit. */
struct lengths {
    size_t statement, attest, signature, ak_public, pcr_values, certificate, certificates, hashes;
};

static const struct lengths LARGEST = {
    RATLS_STATEMENT_MAX,  RATLS_TPM_STRUCTURE_MAX, RATLS_TPM_STRUCTURE_MAX, RATLS_TPM_STRUCTURE_MAX,
    RATLS_PCR_VALUES_MAX, RATLS_CERTIFICATE_MAX,   RATLS_CERTIFICATES_MAX,  RATLS_MERKLE_DEPTH_MAX};

static struct ratls_evidence make_evidence(const struct lengths *l)
{
    static const uint8_t zeros[RATLS_CERTIFICATE_MAX + 1];
    struct ratls_evidence evidence = {
        .statement = ratls_slice(zeros, l->statement),
        .path = {.leaf_index = 65535, .tree_size = 65536, .count = l->hashes},
        .attest = ratls_slice(zeros, l->attest),
        .signature = ratls_slice(zeros, l->signature),
        .ak_public = ratls_slice(zeros, l->ak_public),
        .pcr_values = ratls_slice(zeros, l->pcr_values),
        .certificate_count = l->certificates,
    };

    for (size_t i = 0; i < RATLS_CERTIFICATES_MAX; i++)
        evidence.certificates[i] = ratls_slice(zeros, l->certificate);
    return evidence;
}

Test(evidence, the_largest_comes_back)
{
    struct ratls_evidence evidence = make_evidence(&LARGEST);
    struct ratls_evidence again;
    static uint8_t out[RATLS_EVIDENCE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    cr_assert(ratls_evidence_read(ratls_writer_slice(&w), &again));
    cr_expect_eq(again.certificate_count, 3);
    cr_expect_eq(again.certificates[2].len, RATLS_CERTIFICATE_MAX);
    cr_expect_eq(again.pcr_values.len, RATLS_PCR_VALUES_MAX);
    cr_expect_eq(again.path.count, 16);
}

Test(evidence, the_writer_refuses_what_the_reader_would)
{
    static const struct {
        const char *name;
        size_t offset; /* of the length that is one too large */
    } cases[] = {
        {"statement", offsetof(struct lengths, statement)},
        {"attest", offsetof(struct lengths, attest)},
        {"signature", offsetof(struct lengths, signature)},
        {"ak-public", offsetof(struct lengths, ak_public)},
        {"pcr-values", offsetof(struct lengths, pcr_values)},
        {"certificate", offsetof(struct lengths, certificate)},
        {"certificates", offsetof(struct lengths, certificates)},
        {"hashes", offsetof(struct lengths, hashes)},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static uint8_t out[RATLS_EVIDENCE_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct lengths lengths = LARGEST;
        struct ratls_evidence evidence;

        *(size_t *)(void *)((char *)&lengths + cases[i].offset) += 1;
        evidence = make_evidence(&lengths);
        ratls_evidence_write(&evidence, &w);
        cr_expect(w.failed, "%s", cases[i].name);
        cr_expect_eq(w.len, 0, "%s", cases[i].name);
    }
}

/* An item with a limit: what comes before it in its container, and what after it. */
struct limited_item {
    const char *name;
    const char *before;
    size_t largest;
    const char *after;
    bool is_in_quote;
};

/* Evidence with one byte string of len bytes, written past the writer, which would refuse it. */
static bool accepts_length(const struct limited_item *item, size_t len)
{
    static const uint8_t zeros[RATLS_CERTIFICATE_MAX + 1];
    static uint8_t item_bytes[9000];
    static uint8_t bytes[9100];
    struct octets head = octets_from_hex("a1 01 83" MEDIA_TYPE);
    struct octets before = octets_from_hex(item->before);
    struct octets after = octets_from_hex(item->after);
    struct ratls_writer inner = ratls_writer(item_bytes, sizeof item_bytes);
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    ratls_write_bytes(&inner, octets_slice(before));
    ratls_cbor_put_bytes(&inner, ratls_slice(zeros, len));
    ratls_write_bytes(&inner, octets_slice(after));
    if (item->is_in_quote) {
        ratls_write_bytes(&w, octets_slice(head));
        ratls_cbor_put_bytes(&w, ratls_writer_slice(&inner));
        ratls_cbor_put_uint(&w, 4);
    } else {
        ratls_write_bytes(&w, ratls_writer_slice(&inner));
    }
    free(head.p);
    free(before.p);
    free(after.p);
    cr_assert(!inner.failed && !w.failed);
    return accepts(ratls_writer_slice(&w));
}

/* WIRE.md, 6. */
Test(evidence, the_reader_refuses_one_byte_more_than_each_limit)
{
    static const struct limited_item cases[] = {
        {"statement", "86", RATLS_STATEMENT_MAX, "83000180 4102 4103 4104 4105", true},
        {"attest", "86 4101 83000180", 1024, "4103 4104 4105", true},
        {"signature", "86 4101 83000180 4102", 1024, "4104 4105", true},
        {"ak-public", "86 4101 83000180 4102 4103", 1024, "4105", true},
        {"pcr-values", "86 4101 83000180 4102 4103 4104", 6144, "", true},
        {"certificate", "a2" RECORD "02 83 19011f", 8192, "02", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect(accepts_length(&cases[i], cases[i].largest), "%s", cases[i].name);
        cr_expect_not(accepts_length(&cases[i], cases[i].largest + 1), "%s", cases[i].name);
    }
}

static void expect_manifest(const char *evidence_hex, const char *covered_hex)
{
    struct octets in = octets_from_hex(evidence_hex);
    struct octets covered = octets_from_hex(covered_hex);
    struct ratls_evidence evidence;
    uint8_t expected[32];
    uint8_t manifest[32];

    cr_assert(ratls_evidence_read(octets_slice(in), &evidence));
    cr_assert_eq(ratls_sha256(octets_slice(covered), expected, NULL), RATLS_OK);
    cr_assert_eq(ratls_evidence_manifest(&evidence, manifest, NULL), RATLS_OK);
    cr_expect_arr_eq(manifest, expected, sizeof expected, "%s", covered_hex);
    free(in.p);
    free(covered.p);
}

Test(evidence, the_manifest_covers_the_other_items)
{
    expect_manifest(MINIMAL, "a0");
    expect_manifest("a2" RECORD CERTIFICATE_2, "a1" CERTIFICATE_2);
    expect_manifest("a3" RECORD CERTIFICATE_2 CERTIFICATE_3, "a2" CERTIFICATE_2 CERTIFICATE_3);
    expect_manifest(FULL, "a3" CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4);
}

Test(evidence, the_manifest_of_the_largest_certificates)
{
    struct ratls_evidence evidence = make_evidence(&LARGEST);
    static uint8_t covered[3 * (RATLS_CERTIFICATE_MAX + 16)];
    struct ratls_writer w = ratls_writer(covered, sizeof covered);
    uint8_t expected[32];
    uint8_t manifest[32];

    ratls_cbor_put_map(&w, 3);
    for (size_t i = 0; i < 3; i++) {
        ratls_cbor_put_uint(&w, 2 + i);
        ratls_cbor_put_array(&w, 3);
        ratls_cbor_put_uint(&w, 287);
        ratls_cbor_put_bytes(&w, evidence.certificates[i]);
        ratls_cbor_put_uint(&w, 2);
    }
    cr_assert_eq(ratls_sha256(ratls_writer_slice(&w), expected, NULL), RATLS_OK);
    cr_assert_eq(ratls_evidence_manifest(&evidence, manifest, NULL), RATLS_OK);
    cr_expect_arr_eq(manifest, expected, sizeof expected);
}

Test(evidence, a_manifest_of_too_many_certificates_is_an_error)
{
    struct ratls_evidence evidence = {.certificate_count = RATLS_CERTIFICATES_MAX + 1};
    struct ratls_error err = {0};
    uint8_t manifest[32];

    cr_assert_eq(ratls_evidence_manifest(&evidence, manifest, &err), RATLS_LIMIT);
    cr_expect_str_eq(err.text, "4 certificates in evidence, at most 3");
}
