/* WIRE.md, 6: how long the items of evidence may be. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "cbor.h"
#include "crypto.h"
#include "evidence.h"
#include "octets.h"
#include "statement.h"

/* Content-Format 65300, and "application/vnd.ratls.boot-log" */
#define QUOTE_TYPE "19ff14"
#define BOOT_TYPE "781e 6170706c69636174696f6e2f766e642e7261746c732e626f6f742d6c6f67"
#define RECORD "01 83" QUOTE_TYPE "4f 86 4101 83000140 4102 4103 4104 4105 04"

static bool accepts(struct ratls_slice in)
{
    struct ratls_evidence evidence;

    return ratls_evidence_read(in, &evidence);
}

/* The lengths of everything that has a limit. */
struct lengths {
    size_t statement, attest, signature, ak_public, pcr_values, certificate, certificates, hashes;
    size_t boot_log;
};

static const struct lengths LARGEST = {
    RATLS_STATEMENT_MAX,     RATLS_TPM_STRUCTURE_MAX, RATLS_TPM_STRUCTURE_MAX,
    RATLS_TPM_STRUCTURE_MAX, RATLS_PCR_VALUES_MAX,    RATLS_CERTIFICATE_MAX,
    RATLS_CERTIFICATES_MAX,  RATLS_MERKLE_DEPTH_MAX,  RATLS_BOOT_LOG_MAX};

static struct ratls_evidence make_evidence(const struct lengths *l)
{
    static const uint8_t zeros[RATLS_BOOT_LOG_MAX + 1];
    struct ratls_evidence evidence = {
        .has_quote = true,
        .statement = ratls_slice(zeros, l->statement),
        .path = {.leaf_index = 65535, .tree_size = 65536, .count = l->hashes},
        .attest = ratls_slice(zeros, l->attest),
        .signature = ratls_slice(zeros, l->signature),
        .ak_public = ratls_slice(zeros, l->ak_public),
        .pcr_values = ratls_slice(zeros, l->pcr_values),
        .certificate_count = l->certificates,
        .boot_log = ratls_slice(zeros, l->boot_log),
        .has_ima = true,
        .ima = {.list_alg = 0x0004},
    };

    for (size_t i = 0; i < RATLS_CERTIFICATES_MAX; i++)
        evidence.certificates[i] = ratls_slice(zeros, l->certificate);
    return evidence;
}

Test(evidence_limits, the_largest_comes_back)
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
    cr_expect_eq(again.boot_log.len, RATLS_BOOT_LOG_MAX);
    cr_expect(again.has_ima);
}

/* WIRE.md, 6: what is left over is for the IMA list, to the last byte. */
Test(evidence_limits, no_more_than_the_extension_holds)
{
    static const uint8_t zeros[RATLS_EVIDENCE_MAX];
    static uint8_t out[RATLS_EVIDENCE_MAX + 1];
    struct ratls_evidence evidence = {.has_ima = true, .ima = {.list_alg = 0x0004}};
    struct ratls_evidence again;
    struct ratls_writer w = ratls_writer(out, sizeof out);

    evidence.ima.total = RATLS_EVIDENCE_MAX;
    evidence.ima.entries = ratls_slice(zeros, RATLS_EVIDENCE_MAX - 64);
    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    evidence.ima.entries.len += RATLS_EVIDENCE_MAX - w.len;
    w = ratls_writer(out, sizeof out);
    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    cr_assert_eq(w.len, RATLS_EVIDENCE_MAX);
    cr_expect(ratls_evidence_read(ratls_writer_slice(&w), &again));
    evidence.ima.entries.len++;
    w = ratls_writer(out, sizeof out);
    ratls_evidence_write(&evidence, &w);
    cr_expect(w.failed);
    cr_expect_eq(w.len, RATLS_EVIDENCE_MAX + 1);
    cr_expect_not(ratls_evidence_read(ratls_slice(out, w.len), &again));
}

/* What a server counts with: never too much, and no more than some bytes too few. */
Test(evidence_limits, room_for_the_ima_list)
{
    static const uint8_t zeros[RATLS_EVIDENCE_MAX];
    static uint8_t out[RATLS_EVIDENCE_MAX];
    struct ratls_evidence largest = make_evidence(&LARGEST);
    struct ratls_evidence cases[] = {{.has_quote = false}, largest, largest, largest};

    cases[2].certificate_count = 0;
    cases[3].boot_log.len = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_writer w = ratls_writer(out, sizeof out);
        size_t room = ratls_evidence_ima_room(&cases[i]);

        cases[i].has_ima = true;
        cases[i].ima = (struct ratls_ima_slice){
            .list_alg = 0x000b, .total = room, .entries = ratls_slice(zeros, room)};
        ratls_evidence_write(&cases[i], &w);
        cr_expect_not(w.failed, "case %zu", i);
        cr_expect_gt(w.len, RATLS_EVIDENCE_MAX - 32, "case %zu: %zu", i, w.len);
    }
}

Test(evidence_limits, the_writer_refuses_what_the_reader_would)
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
        {"boot log", offsetof(struct lengths, boot_log)},
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
    static const uint8_t zeros[RATLS_BOOT_LOG_MAX + 1];
    static uint8_t item_bytes[25000];
    static uint8_t bytes[25100];
    struct octets head = octets_from_hex("a1 01 83" QUOTE_TYPE);
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
Test(evidence_limits, the_reader_refuses_one_byte_more_than_each_limit)
{
    static const struct limited_item cases[] = {
        {"statement", "86", RATLS_STATEMENT_MAX, "83000140 4102 4103 4104 4105", true},
        {"attest", "86 4101 83000140", 1024, "4103 4104 4105", true},
        {"signature", "86 4101 83000140 4102", 1024, "4104 4105", true},
        {"ak-public", "86 4101 83000140 4102 4103", 1024, "4105", true},
        {"pcr-values", "86 4101 83000140 4102 4103 4104", 6144, "", true},
        {"certificate", "a2" RECORD "02 83 19011f", 8192, "02", false},
        {"boot log", "a1 05 83" BOOT_TYPE, 24576, "04", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect(accepts_length(&cases[i], cases[i].largest), "%s", cases[i].name);
        cr_expect_not(accepts_length(&cases[i], cases[i].largest + 1), "%s", cases[i].name);
    }
}

/* WIRE.md, 6: and whole hashes. */
Test(evidence_limits, a_path_has_at_most_16_hashes)
{
    static const struct limited_item path = {"path", "86 4101 8319ffff1a00010000", 512,
                                             "4102 4103 4104 4105", true};

    cr_expect(accepts_length(&path, 0));
    cr_expect(accepts_length(&path, 32));
    cr_expect(accepts_length(&path, 512));
    cr_expect_not(accepts_length(&path, 480 + 31));
    cr_expect_not(accepts_length(&path, 513));
    cr_expect_not(accepts_length(&path, 544));
}

Test(evidence_limits, the_manifest_of_the_largest_certificates)
{
    struct ratls_evidence evidence = make_evidence(&LARGEST);
    static uint8_t covered[3 * (RATLS_CERTIFICATE_MAX + 16)];
    struct ratls_writer w = ratls_writer(covered, sizeof covered);
    uint8_t expected[32];
    uint8_t hash[32];
    struct ratls_slice manifest;

    ratls_cbor_put_map(&w, 3);
    for (size_t i = 0; i < 3; i++) {
        ratls_cbor_put_uint(&w, 2 + i);
        ratls_cbor_put_array(&w, 3);
        ratls_cbor_put_uint(&w, 287);
        ratls_cbor_put_bytes(&w, evidence.certificates[i]);
        ratls_cbor_put_uint(&w, 2);
    }
    cr_assert_eq(ratls_sha256(ratls_writer_slice(&w), expected, NULL), RATLS_OK);
    cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(manifest, ratls_slice(expected, sizeof expected)));
}

Test(evidence_limits, a_manifest_of_too_many_certificates_is_an_error)
{
    struct ratls_evidence evidence = {.certificate_count = RATLS_CERTIFICATES_MAX + 1};
    struct ratls_error err = {0};
    uint8_t hash[32];
    struct ratls_slice manifest;

    cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, &err), RATLS_LIMIT);
    cr_expect_str_eq(err.text, "4 certificates in evidence, at most 3");
}
