#include <criterion/criterion.h>
#include <string.h>

#include "octets.h"
#include "tpm_wire.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SIGNER "0022 000b" DIGEST
#define EXTRA "0020" DIGEST
#define CLOCK "0000000000abcdef 00000007 00000003 01"
#define FIRMWARE "2019102300163636"
#define BEGIN "ff544347 8018" SIGNER EXTRA CLOCK FIRMWARE
#define BANK "000b 03 830001"
#define QUOTE BEGIN "00000001" BANK "0020" DIGEST

static bool accepts_attest(struct ratls_slice in)
{
    struct ratls_tpm_attest attest;

    return ratls_tpm_read_attest(in, &attest);
}

Test(tpm_wire, every_field_of_a_quote_arrives)
{
    struct octets in = octets_from_hex(QUOTE);
    struct octets digest = octets_from_hex(DIGEST);
    struct ratls_tpm_attest a;

    cr_assert(ratls_tpm_read_attest(octets_slice(in), &a));
    cr_expect(a.raw.p == in.p && a.raw.len == in.len);
    cr_expect_eq(a.magic, RATLS_TPM_GENERATED);
    cr_expect_eq(a.type, RATLS_TPM_ST_ATTEST_QUOTE);
    cr_expect_eq(a.qualified_signer.len, 34);
    cr_expect_eq(a.qualified_signer.p[1], 0x0b);
    cr_expect(ratls_slice_equal(a.extra_data, octets_slice(digest)));
    cr_expect_eq(a.clock_ms, 0xabcdef);
    cr_expect_eq(a.reset_count, 7);
    cr_expect_eq(a.restart_count, 3);
    cr_expect(a.safe);
    cr_expect_eq(a.firmware_version, UINT64_C(0x2019102300163636));
    cr_assert_eq(a.selection.count, 1);
    cr_expect_eq(a.selection.banks[0].hash_alg, RATLS_ALG_SHA256);
    cr_expect_eq(a.selection.banks[0].pcrs, 1u << 0 | 1u << 1 | 1u << 7 | 1u << 16);
    cr_expect(ratls_slice_equal(a.pcr_digest, octets_slice(digest)));
    free(in.p);
    free(digest.p);
}

Test(tpm_wire, the_selection_keeps_what_was_signed)
{
    struct octets in = octets_from_hex(BEGIN "00000003 000c 03 000000 000b 01 80 000b 04 00008000"
                                             "0000");
    struct ratls_tpm_attest a;

    cr_assert(ratls_tpm_read_attest(octets_slice(in), &a));
    cr_assert_eq(a.selection.count, 3);
    cr_expect_eq(a.selection.banks[0].hash_alg, RATLS_ALG_SHA384);
    cr_expect_eq(a.selection.banks[0].pcrs, 0, "an empty bank");
    cr_expect_eq(a.selection.banks[1].pcrs, 1u << 7);
    cr_expect_eq(a.selection.banks[2].hash_alg, RATLS_ALG_SHA256, "a bank twice");
    cr_expect_eq(a.selection.banks[2].pcrs, 1u << 23);
    cr_expect_eq(a.pcr_digest.len, 0);
    free(in.p);
}

Test(tpm_wire, only_the_whole_attest_is_accepted)
{
    struct octets in = octets_from_hex(QUOTE);

    assert_only_whole(octets_slice(in), accepts_attest);
    free(in.p);
}

Test(tpm_wire, shapes_of_attest)
{
    static const struct shape cases[] = {
        {"quote", QUOTE, true},
        {"wrong magic: left to the checks",
         "ff544348 8018" SIGNER EXTRA CLOCK FIRMWARE "00000001" BANK "0020" DIGEST, true},
        {"wrong magic, no selection", "ff544348 8018" SIGNER EXTRA CLOCK FIRMWARE, false},
        {"certify: what follows is not looked at",
         "ff544347 8017" SIGNER EXTRA CLOCK FIRMWARE "0004 01020304 0000", true},
        {"time: nothing follows", "ff544347 8019" SIGNER EXTRA CLOCK FIRMWARE, true},
        {"certify, cut in firmwareVersion", "ff544347 8017" SIGNER EXTRA CLOCK "20191023", false},
        {"no signer, no extraData", "ff544347 8018 0000 0000" CLOCK FIRMWARE "00000001" BANK "0000",
         true},
        {"safe is 0",
         "ff544347 8018" SIGNER EXTRA "0000000000abcdef 00000007 00000003 00" FIRMWARE
         "00000000 0000",
         true},
        {"safe is 2",
         "ff544347 8018" SIGNER EXTRA "0000000000abcdef 00000007 00000003 02" FIRMWARE
         "00000000 0000",
         false},
        {"no bank", BEGIN "00000000 0000", true},
        {"2^32-1 banks", BEGIN "ffffffff" BANK "0020" DIGEST, false},
        {"more banks than there are", BEGIN "00000002" BANK, false},
        {"sizeofSelect 0", BEGIN "00000001 000b 00 0020" DIGEST, false},
        {"sizeofSelect 1", BEGIN "00000001 000b 01 ff 0020" DIGEST, true},
        {"sizeofSelect 4, bits below 24", BEGIN "00000001 000b 04 ffffff00 0020" DIGEST, true},
        {"sizeofSelect 4, PCR 24", BEGIN "00000001 000b 04 ffffff01 0020" DIGEST, false},
        {"sizeofSelect 4, PCR 31", BEGIN "00000001 000b 04 00000080 0020" DIGEST, false},
        {"sizeofSelect 5", BEGIN "00000001 000b 05 ffffff0000 0020" DIGEST, false},
        {"bank of SHA-1", BEGIN "00000001 0004 03 010000 0000", true},
        {"bank of SM3", BEGIN "00000001 0012 03 010000 0000", true},
        {"bank of TPM_ALG_NULL", BEGIN "00000001 0010 03 010000 0000", false},
        {"bank of no hash", BEGIN "00000001 0006 03 010000 0000", false},
    };

    expect_shapes(accepts_attest, cases, sizeof cases / sizeof *cases);
}

/* A quote whose fields are filled up to these lengths. */
static bool accepts_lengths(size_t signer, size_t extra, size_t digest, size_t banks)
{
    static const uint8_t zeros[128];
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_write_u32(&w, RATLS_TPM_GENERATED);
    ratls_write_u16(&w, RATLS_TPM_ST_ATTEST_QUOTE);
    ratls_write_u16(&w, (uint16_t)signer);
    ratls_write_bytes(&w, ratls_slice(zeros, signer));
    ratls_write_u16(&w, (uint16_t)extra);
    ratls_write_bytes(&w, ratls_slice(zeros, extra + 8 + 4 + 4 + 1 + 8));
    ratls_write_u32(&w, (uint32_t)banks);
    for (size_t i = 0; i < banks; i++) {
        ratls_write_u16(&w, RATLS_ALG_SHA256);
        ratls_write_u8(&w, 3);
        ratls_write_bytes(&w, ratls_slice(zeros, 3));
    }
    ratls_write_u16(&w, (uint16_t)digest);
    ratls_write_bytes(&w, ratls_slice(zeros, digest));
    cr_assert_not(w.failed);
    return accepts_attest(ratls_writer_slice(&w));
}

Test(tpm_wire, limits_of_attest)
{
    cr_expect(accepts_lengths(66, 66, 64, 16), "every field at its largest");
    cr_expect_not(accepts_lengths(67, 66, 64, 16), "qualifiedSigner");
    cr_expect_not(accepts_lengths(66, 67, 64, 16), "extraData");
    cr_expect_not(accepts_lengths(66, 66, 65, 16), "pcrDigest");
    cr_expect_not(accepts_lengths(66, 66, 64, 17), "banks");
}
