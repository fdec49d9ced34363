#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "evidence.h"
#include "octets.h"
#include "statement.h"

/* Content-Format 65300 */
#define QUOTE_TYPE "19ff14"
#define QUOTE "86 4101 83000140 4102 4103 4104 4105"
#define RECORD "01 83" QUOTE_TYPE "4f" QUOTE "04"
#define MINIMAL "a1" RECORD
#define CERTIFICATE_2 "02 83 19011f 4130 02"
#define CERTIFICATE_3 "03 83 19011f 423101 02"
#define CERTIFICATE_4 "04 83 19011f 4132 02"
#define FULL "a4" RECORD CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4
/* "application/vnd.ratls.boot-log" and "application/vnd.ratls.ima-list+cbor" */
#define BOOT_TYPE "781e 6170706c69636174696f6e2f766e642e7261746c732e626f6f742d6c6f67"
#define IMA_TYPE "7823 6170706c69636174696f6e2f766e642e7261746c732e696d612d6c6973742b63626f72"
#define BOOT_LOG "05 83" BOOT_TYPE "42 0807 04"
#define IMA_LIST "06 83" IMA_TYPE "4a 84 04 190123 190126 41 09 04"
#define LOGS_ALONE "a2" BOOT_LOG IMA_LIST
#define ALL_ITEMS "a6" RECORD CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4 BOOT_LOG IMA_LIST
/* "application/vnd.ratls.timestamp-token" and "application/vnd.ratls.session+cbor" */
#define TOKEN_TYPE "7825 6170706c69636174696f6e2f766e642e7261746c732e74696d657374616d702d746f6b656e"
#define SESSION_TYPE "7822 6170706c69636174696f6e2f766e642e7261746c732e73657373696f6e2b63626f72"
#define ZEROS_8 "0000000000000000"
#define ZEROS_88                                                                                   \
    ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
#define SESSION_OF(key, signature) "83" key "4101" signature
#define EPOCH_KEY "585b" ZEROS_88 "000000"
#define TOKEN "07 83" TOKEN_TYPE "42 3000 02"
#define SESSION "08 83" SESSION_TYPE "5869" SESSION_OF(EPOCH_KEY, "48" ZEROS_8) "04"
#define EPOCH "a3" RECORD TOKEN SESSION
#define NODE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

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
    struct octets in = octets_from_hex("a3 01 83" QUOTE_TYPE "5850 86 4101 8305065840" NODE NODE
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
    cr_expect_not(e.is_ak_named);
    expect_byte(e.ak_public, 4);
    expect_byte(e.pcr_values, 5);
    cr_assert_eq(e.certificate_count, 2);
    expect_byte(e.certificates[0], 0x30);
    cr_expect(ratls_slice_equal(e.certificates[1], ratls_slice("\x31\x01", 2)));
    cr_expect(e.has_quote && !e.has_ima && e.boot_log.len == 0);
    free(in.p);
}

Test(evidence, the_place_of_a_named_key_arrives)
{
    struct octets in =
        octets_from_hex("a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 02 4105 04");
    struct ratls_evidence e;

    cr_assert(ratls_evidence_read(octets_slice(in), &e));
    cr_expect(e.is_ak_named);
    cr_expect_eq(e.ak_index, 2);
    cr_expect_eq(e.ak_public.len, 0);
    expect_byte(e.pcr_values, 5);
    free(in.p);
}

Test(evidence, every_log_arrives)
{
    static const char *const cases[] = {LOGS_ALONE, ALL_ITEMS, "a3" RECORD BOOT_LOG IMA_LIST};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);
        struct ratls_evidence e;

        cr_assert(ratls_evidence_read(octets_slice(in), &e));
        cr_expect_eq(e.has_quote, i != 0);
        cr_expect_eq(e.certificate_count, i == 1 ? 3 : 0);
        cr_expect(ratls_slice_equal(e.boot_log, ratls_slice("\x08\x07", 2)));
        cr_assert(e.has_ima);
        cr_expect_eq(e.ima.list_alg, 0x0004);
        cr_expect_eq(e.ima.offset, 0x123);
        cr_expect_eq(e.ima.total, 0x126);
        expect_byte(e.ima.entries, 9);
        free(in.p);
    }
}

Test(evidence, what_is_accepted_is_written_the_same)
{
    static const char *const cases[] = {
        MINIMAL,
        FULL,
        LOGS_ALONE,
        ALL_ITEMS,
        EPOCH,
        "a4" RECORD IMA_LIST TOKEN SESSION,
        "a4" RECORD CERTIFICATE_2 TOKEN SESSION,
        "a1" BOOT_LOG,
        "a1" IMA_LIST,
        "a2" RECORD IMA_LIST,
        "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 03 4105 04",
        "a1 01 83" QUOTE_TYPE "5830 86 4101 8300025820" NODE "4102 4103 4104 4105 04",
        "a2" RECORD CERTIFICATE_2};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);
        uint8_t out[512];
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
    struct octets all = octets_from_hex(ALL_ITEMS);
    struct octets logs = octets_from_hex(LOGS_ALONE);

    assert_only_whole(octets_slice(minimal), accepts);
    assert_only_whole(octets_slice(full), accepts);
    assert_only_whole(octets_slice(all), accepts);
    assert_only_whole(octets_slice(logs), accepts);
    free(minimal.p);
    free(full.p);
    free(all.p);
    free(logs.p);
}

static const struct shape SHAPES[] = {
    {"minimal", MINIMAL, true},
    {"three certificates", FULL, true},
    {"no item", "a0", false},
    {"certificate only", "a1" CERTIFICATE_2, false},
    {"an array", "81" RECORD, false},
    {"four certificates",
     "a5" RECORD CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4 "05 83 19011f 4133 02", false},
    {"all items", ALL_ITEMS, true},
    {"logs beside a quote", "a3" RECORD BOOT_LOG IMA_LIST, true},
    {"logs alone", LOGS_ALONE, true},
    {"a certificate beside logs alone", "a3" CERTIFICATE_2 BOOT_LOG IMA_LIST, false},
    {"the quote behind a log", "a2" BOOT_LOG RECORD, false},
    {"a certificate behind a log", "a3" RECORD BOOT_LOG CERTIFICATE_2, false},
    {"logs descending", "a2" IMA_LIST BOOT_LOG, false},
    {"the boot log twice", "a2" BOOT_LOG BOOT_LOG, false},
    {"the IMA list twice", "a2" IMA_LIST IMA_LIST, false},
    {"an eleventh item", "a3" BOOT_LOG IMA_LIST "0b 83" BOOT_TYPE "41 08 04", false},
    {"an epoch", EPOCH, true},
    {"an epoch without its token", "a2" RECORD SESSION, false},
    {"an epoch without its session", "a2" RECORD TOKEN, false},
    {"an epoch without a quote", "a2" TOKEN SESSION, false},
    {"an epoch beside logs alone", "a3" BOOT_LOG TOKEN SESSION, false},
    {"the session before the token", "a3" RECORD SESSION TOKEN, false},
    {"the token twice", "a3" RECORD TOKEN TOKEN, false},
    {"an empty token", "a3" RECORD "07 83" TOKEN_TYPE "40 02" SESSION, false},
    {"the token as evidence", "a3" RECORD "07 83" TOKEN_TYPE "42 3000 04" SESSION, false},
    {"the session as endorsement",
     "a3" RECORD TOKEN "08 83" SESSION_TYPE "5869" SESSION_OF(EPOCH_KEY, "48" ZEROS_8) "02", false},
    {"a key of 90 bytes",
     "a3" RECORD TOKEN "08 83" SESSION_TYPE
     "5868" SESSION_OF("585a" ZEROS_88 "0000", "48" ZEROS_8) "04",
     false},
    {"a key of 92 bytes",
     "a3" RECORD TOKEN "08 83" SESSION_TYPE
     "586a" SESSION_OF("585c" ZEROS_88 "00000000", "48" ZEROS_8) "04",
     false},
    {"a signature of 7 bytes",
     "a3" RECORD TOKEN "08 83" SESSION_TYPE "5868" SESSION_OF(EPOCH_KEY, "47 00000000000000") "04",
     false},
    {"trailing byte in the session",
     "a3" RECORD TOKEN "08 83" SESSION_TYPE "586a" SESSION_OF(EPOCH_KEY, "48" ZEROS_8) "00 04",
     false},
    {"label 0", "a2 00 83" BOOT_TYPE "41 08 04" IMA_LIST, false},
    {"empty boot log", "a1 05 83" BOOT_TYPE "40 04", false},
    {"boot log as endorsement", "a1 05 83" BOOT_TYPE "41 08 02", false},
    {"boot log of the IMA list's type", "a1 05 83" IMA_TYPE "41 08 04", false},
    {"IMA list of the boot log's type", "a1 06 83" BOOT_TYPE "45 84 04 00 00 40 04", false},
    {"IMA list as endorsement", "a1 06 83" IMA_TYPE "45 84 04 00 00 40 02", false},
    {"no entries", "a1 06 83" IMA_TYPE "45 84 04 00 00 40 04", true},
    {"no entries, and more to come", "a1 06 83" IMA_TYPE "45 84 04 00 07 40 04", true},
    {"an offset behind the end", "a1 06 83" IMA_TYPE "45 84 04 07 00 40 04", true},
    {"entries behind the end", "a1 06 83" IMA_TYPE "46 84 04 07 00 41 09 04", false},
    {"more entries than the list has", "a1 06 83" IMA_TYPE "47 84 04 07 08 42 0909 04", false},
    {"offset and entries of 2^64",
     "a1 06 83" IMA_TYPE "56 84 04 1bffffffffffffffff 1bffffffffffffffff 41 09 04", false},
    {"list of SHA-256", "a1 06 83" IMA_TYPE "45 84 0b 00 00 40 04", true},
    {"list of SHA3-256", "a1 06 83" IMA_TYPE "46 84 1827 00 00 40 04", false},
    {"list of no algorithm", "a1 06 83" IMA_TYPE "45 84 00 00 00 40 04", false},
    {"list of algorithm 2^16 + 4", "a1 06 83" IMA_TYPE "49 84 1a00010004 00 00 40 04", false},
    {"IMA slice of three items", "a1 06 83" IMA_TYPE "44 83 04 00 00 04", false},
    {"IMA slice not wrapped", "a1 06 83" IMA_TYPE "84 04 00 00 40 04", false},
    {"trailing byte in the IMA slice", "a1 06 83" IMA_TYPE "46 84 04 00 00 40 00 04", false},
    {"a gap in the labels", "a2" RECORD CERTIFICATE_3, false},
    {"labels descending", "a3" RECORD CERTIFICATE_3 CERTIFICATE_2, false},
    {"a label twice", "a3" RECORD CERTIFICATE_2 CERTIFICATE_2, false},
    {"the quote twice", "a2" RECORD RECORD, false},
    {"label as text", "a1 6131 83" QUOTE_TYPE "4f" QUOTE "04", false},
    {"label in a long head", "a1 1801 83" QUOTE_TYPE "4f" QUOTE "04", false},
    {"a media type for the quote", "a1 01 83 6474657874 4f" QUOTE "04", false},
    {"another content format for the quote", "a1 01 83 19011f 4f" QUOTE "04", false},
    {"indicator 2 for the quote", "a1 01 83" QUOTE_TYPE "4f" QUOTE "02", false},
    {"no indicator", "a1 01 82" QUOTE_TYPE "4f" QUOTE, false},
    {"quote not wrapped", "a1 01 83" QUOTE_TYPE QUOTE "04", false},
    {"trailing byte in the quote", "a1 01 83" QUOTE_TYPE "50" QUOTE "00 04", false},
    {"quote of five items", "a1 01 83" QUOTE_TYPE "4d 85 4101 83000140 4102 4103 4104 04", false},
    {"another content format", "a2" RECORD "02 83 190120 4130 02", false},
    {"certificate as evidence", "a2" RECORD "02 83 19011f 4130 04", false},
    {"empty certificate", "a2" RECORD "02 83 19011f 40 02", false},
    {"certificate as a text", "a2" RECORD "02 83 19011f 6130 02", false},
    {"empty statement", "a1 01 83" QUOTE_TYPE "4e 86 40 83000140 4102 4103 4104 4105 04", false},
    {"empty attest", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 40 4103 4104 4105 04", false},
    {"empty signature", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 40 4104 4105 04", false},
    {"empty key", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 40 4105 04", false},
    {"no PCR value", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 4104 40 04", false},
    {"path with a hash of one byte",
     "a1 01 83" QUOTE_TYPE "50 86 4101 83000241aa 4102 4103 4104 4105 04", false},
    {"path with a byte more than a hash",
     "a1 01 83" QUOTE_TYPE "5831 86 4101 8300025821" NODE "aa 4102 4103 4104 4105 04", false},
    {"path with a list of hashes",
     "a1 01 83" QUOTE_TYPE "5831 86 4101 830002815820" NODE "4102 4103 4104 4105 04", false},
    {"path with a text", "a1 01 83" QUOTE_TYPE "4f 86 4101 83000160 4102 4103 4104 4105 04", false},
    {"the key at place 0", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 00 4105 04", true},
    {"the key at place 3", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 03 4105 04", true},
    {"the key at place 4", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 04 4105 04", false},
    {"the key at place 0 in a long head",
     "a1 01 83" QUOTE_TYPE "4f 86 4101 83000140 4102 4103 1800 4105 04", false},
    {"the key at place -1", "a1 01 83" QUOTE_TYPE "4e 86 4101 83000140 4102 4103 20 4105 04",
     false},
    {"the key as a text", "a1 01 83" QUOTE_TYPE "4f 86 4101 83000140 4102 4103 6104 4105 04",
     false},
    {"tree of no leaf", "a1 01 83" QUOTE_TYPE "4f 86 4101 83000040 4102 4103 4104 4105 04", false},
    {"tree size 65536", "a1 01 83" QUOTE_TYPE "53 86 4101 83001a0001000040 4102 4103 4104 4105 04",
     true},
    {"tree size 65537", "a1 01 83" QUOTE_TYPE "53 86 4101 83001a0001000140 4102 4103 4104 4105 04",
     false},
    {"leaf 65535", "a1 01 83" QUOTE_TYPE "51 86 4101 8319ffff0140 4102 4103 4104 4105 04", true},
    {"leaf 65536", "a1 01 83" QUOTE_TYPE "53 86 4101 831a000100000140 4102 4103 4104 4105 04",
     false},
};

Test(evidence, shapes)
{
    expect_shapes(accepts, SHAPES, sizeof SHAPES / sizeof *SHAPES);
}

#define WITH_KEY(...)                                                                              \
    {                                                                                              \
        .has_quote = true, .statement = some, .path = {.tree_size = 1}, .attest = some,            \
        .signature = some, .pcr_values = some, __VA_ARGS__                                         \
    }

Test(evidence, the_writer_knows_what_goes_together)
{
    static const uint8_t zeros[8];
    struct ratls_slice some = ratls_slice(zeros, sizeof zeros);
    const struct {
        const char *name;
        struct ratls_evidence evidence;
        bool is_written;
    } cases[] = {
        {"the boot log alone", {.boot_log = some}, true},
        {"the IMA list alone", {.has_ima = true, .ima = {.list_alg = 0x0004}}, true},
        {"nothing", {.has_quote = false}, false},
        {"certificates without a quote",
         {.boot_log = some, .certificate_count = 1, .certificates = {some}},
         false},
        {"an empty quote", {.has_quote = true}, false},
        {"a key in full", WITH_KEY(.ak_public = some), true},
        {"a key at place 3", WITH_KEY(.is_ak_named = true, .ak_index = 3), true},
        {"a key at place 4", WITH_KEY(.is_ak_named = true, .ak_index = 4), false},
        {"a key at a place, and in full", WITH_KEY(.is_ak_named = true, .ak_public = some), false},
        {"no key", WITH_KEY(.ak_index = 0), false},
        {"IMA list of no algorithm", {.has_ima = true}, false},
        {"entries behind the end",
         {.has_ima = true, .ima = {.list_alg = 0x0004, .total = 7, .entries = some}},
         false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[256];
        struct ratls_writer w = ratls_writer(out, sizeof out);

        ratls_evidence_write(&cases[i].evidence, &w);
        cr_expect_eq(!w.failed, cases[i].is_written, "%s", cases[i].name);
    }
}

static void expect_manifest(const char *evidence_hex, const char *covered_hex)
{
    struct octets in = octets_from_hex(evidence_hex);
    struct octets covered = octets_from_hex(covered_hex);
    struct ratls_evidence evidence;
    uint8_t expected[32];
    uint8_t hash[32];
    struct ratls_slice manifest;

    cr_assert(ratls_evidence_read(octets_slice(in), &evidence));
    cr_assert_eq(ratls_sha256(octets_slice(covered), expected, NULL), RATLS_OK);
    cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(manifest, ratls_slice(expected, sizeof expected)), "%s",
              covered_hex);
    free(in.p);
    free(covered.p);
}

Test(evidence, without_certificates_the_manifest_is_empty)
{
    static const char *const cases[] = {MINIMAL, "a3" RECORD BOOT_LOG IMA_LIST};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);
        struct ratls_evidence evidence;
        struct ratls_slice manifest = ratls_slice("x", 1);
        uint8_t hash[32];

        cr_assert(ratls_evidence_read(octets_slice(in), &evidence));
        cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, NULL), RATLS_OK);
        cr_expect_eq(manifest.len, 0);
        free(in.p);
    }
}

Test(evidence, the_manifest_covers_the_certificates)
{
    expect_manifest("a2" RECORD CERTIFICATE_2, "a1" CERTIFICATE_2);
    expect_manifest("a3" RECORD CERTIFICATE_2 CERTIFICATE_3, "a2" CERTIFICATE_2 CERTIFICATE_3);
    expect_manifest(FULL, "a3" CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4);
}

/* WIRE.md, 5.1: what the quote says is said of this time stamp. */
Test(evidence, the_manifest_covers_the_token)
{
    expect_manifest(EPOCH, "a1" TOKEN);
    expect_manifest("a4" RECORD CERTIFICATE_2 TOKEN SESSION, "a2" CERTIFICATE_2 TOKEN);
}

/* WIRE.md, 5: logs are bound by the PCRs that they lead to. */
Test(evidence, the_manifest_does_not_cover_logs)
{
    expect_manifest(ALL_ITEMS, "a3" CERTIFICATE_2 CERTIFICATE_3 CERTIFICATE_4);
}
