/*
 * Quotes of real machines: every reader takes what real TPMs write. The corpus lies beside the
 * source tree and is no part of it; its list of cases says what is expected here.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "tpm_wire.h"

#define FILE_MAX 2048
#define ALL "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23"

/* In a block of exactly its length. */
static struct octets read_file(const char *folder, const char *file)
{
    char name[PATH_MAX / 2];
    struct octets content, exact;

    snprintf(name, sizeof name, "quotes/%s/%s", folder, file);
    content = corpus_read(name);
    cr_assert(content.len > 0 && content.len < FILE_MAX, "%s has %zu bytes", name, content.len);
    exact = octets_copy(content.p, content.len);
    free(content.p);
    return exact;
}

struct quote_case {
    const char *id;
    uint16_t type;
    const char *alg;
    const char *hash;
    const char *selection;
    const char *extra_data;
};

static const struct quote_case QUOTES[] = {
    {"goatt-windows-gcp-shielded-vm", 0x8018, "rsassa", "sha1", "sha1:" ALL, ""},
    {"goatt-windows-gcp-ak-creation", 0x801a, "rsassa", "sha1", "", ""},
    {"gce-cos-85-no-nonce-sha1", 0x8018, "rsassa", "sha256", "sha1:" ALL, ""},
    {"gce-cos-85-no-nonce-sha256", 0x8018, "rsassa", "sha256", "sha256:" ALL, ""},
    {"gce-cos-85-no-nonce-sha384", 0x8018, "rsassa", "sha256", "sha384:" ALL, ""},
    {"keylime-quote-out", 0x8018, "rsassa", "sha256", "sha256:15,16,22",
     "db1db298db6d60e6385b7231743e9c3056a18003"},
    {"trustee-az-snp-vtpm-evidence-v0", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "6368616c6c656e6765"},
    {"trustee-az-snp-vtpm-evidence-v1", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "6368616c6c656e6765"},
    {"trustee-az-snp-vtpm-evidence-v2", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9aa398f647caa2338748cd0fd9f5f81"
     "9ef"},
    {"trustee-az-tdx-vtpm-evidence-v0", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "6368616c6c656e6765"},
    {"trustee-az-tdx-vtpm-evidence-v1", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "6368616c6c656e6765"},
    {"trustee-az-snp-vtpm-tpm-quote-v1", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "6368616c6c656e6765"},
    {"trustee-az-tdx-vtpm-tpm-quote-v1", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "6368616c6c656e6765"},
    {"trustee-az-tdx-vtpm-tpm-quote-old", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "746478206368616c6c656e6765"},
    {"trustee-tpm-evidence", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "a04182b506878d4f29b91ee606a71a0d3361ccf1b22db20c98adcaa537bea393ef0e41a18b3569ab678f1497fbc5c"
     "12000000000000000000000000000000000"},
    {"kinvolk-azure-cvm-quote", 0x8018, "rsassa", "sha256", "sha256:" ALL, "6368616c6c656e6765"},
    {"kinvolk-azure-cvm-quote-old", 0x8018, "rsassa", "sha256", "sha256:15,16,22", "010203"},
    {"automata-gcp-rsa", 0x8018, "rsassa", "sha256", "sha256:0,4,5,7,9,11,16,23",
     "acddde55453462e71daab1341ad7ddc8a5f8ea5e87a0fcacd737265ef3f0555f"},
    {"cmc-tpm-valid", 0x8018, "rsassa", "sha256", "sha256:1,4", "db6c3c042fa12645"},
    {"cmc-azure-vtpm", 0x8018, "rsassa", "sha256", "sha256:1",
     "0000000000000000000000000000000000000000000000000000000000000000"},
    {"flashbots-azure-tdx-1764662251380464271", 0x8018, "rsassa", "sha256", "sha256:" ALL,
     "0000000000000000000000000000000000000000000000000000000000000000"},
    {"guard-DESKTOP-MIMU51J-EPP-ESET", 0x8018, "ecdsa", "sha256", "sha256:" ALL,
     "35c62dc0a6ffff184284ace534ac28052da5467c06953c5fcab9b80701e345c0"},
    {"guard-IMN-SUPERMICRO-EPP-MSDefender", 0x8018, "ecdsa", "sha256",
     "sha1:" ALL " "
     "sha256:" ALL,
     "4c3b60d5737d96346a55491a254f7042a32ce2bc30ca2537b9930c2df3f42129"},
    {"guard-dell-notebook-5eventlogs-WBCL", 0x8018, "ecdsa", "sha256", "sha256:" ALL,
     "0a7e8fbb85877cd5fab1bfb26a538d752d120ecd9282e379da25039b516bb8ce"},
    {"guard-failed-1", 0x8018, "ecdsa", "sha256", "sha256:0,1,2,3,4,5,6,7,8",
     "078fec8ef00405c11b8b3cef400a8ae40d0300347f10292f5b20f9964334c8e8"},
    {"guard-good-1", 0x8018, "ecdsa", "sha256", "sha256:0,1,2,3,4,5,6,7,8",
     "57cd4f0b9fbe528a1d23f04d45f1bb0a9fc25a01296ea098ca083b705c8eaa85"},
    {"guard-hahuri-no-eventlog", 0x8018, "ecdsa", "sha256", "sha256:0,1,2,3,4,5,6,7,8",
     "7813b955064a73a620f6dfc03710ca4bb5cd81ee35d8987776d882cf4effbf9b"},
    {"guard-issue926-x1carbon-ancient", 0x8018, "ecdsa", "sha256", "sha256:" ALL,
     "b98a8c17a3a30215e1ffe5c9aa044d1c51fbb3a9301200682c9d4b825bd22e59"},
    {"guard-issue926-x1carbon-before", 0x8018, "ecdsa", "sha256", "sha256:" ALL,
     "6e370b21330945ea5ad226328e705206548a92f3da3e4023d6a2752f56bd0cfe"},
    {"guard-latitude-7520", 0x8018, "ecdsa", "sha256", "sha256:" ALL,
     "b40ea4f957cf4d3875254daf0b5055746700cb19876fbf7cebd2cde4854d2747"},
    {"webauthn-surface_pro_4", 0x8017, "rsassa", "sha1", "",
     "600b44284199f3d312495b041ff4e7fb29c8028f"},
    {"webauthn-dell_xps_13", 0x8017, "rsassa", "sha1", "",
     "2a99f55abf738f41a7cc0fe1cc4c142d1f55ae8d"},
    {"webauthn-test_verify_tpm_with_ecc_public_area_type", 0x8017, "rsassa", "sha1", "",
     "b4c2270f75ad1927561cf5a28ccad6fd37d8a3e8"},
};

static void expect_attest(const struct quote_case *expected)
{
    struct octets in = read_file(expected->id, "quote.msg");
    struct octets extra_data = octets_from_hex(expected->extra_data);
    struct ratls_tpm_attest attest;
    char selection[256];

    cr_assert(ratls_tpm_read_attest(octets_slice(in), &attest), "%s", expected->id);
    ratls_tpm_selection_text(attest.selection.banks, attest.selection.count, selection,
                             sizeof selection);
    cr_expect_eq(attest.magic, RATLS_TPM_GENERATED, "%s", expected->id);
    cr_expect_eq(attest.type, expected->type, "%s", expected->id);
    cr_expect_str_eq(selection, expected->selection, "%s: %s", expected->id, selection);
    cr_expect(ratls_slice_equal(attest.extra_data, octets_slice(extra_data)), "%s", expected->id);
    cr_expect_eq(attest.raw.len, in.len, "%s", expected->id);
    if (expected->type == RATLS_TPM_ST_ATTEST_QUOTE)
        cr_expect_eq(attest.pcr_digest.len, ratls_tpm_hash_len(ratls_tpm_hash_alg(expected->hash)),
                     "%s", expected->id);
    free(in.p);
    free(extra_data.p);
}

static void expect_signature(const struct quote_case *expected)
{
    struct octets in = read_file(expected->id, "quote.sig");
    struct ratls_tpm_signature signature;

    cr_assert(ratls_tpm_read_signature(octets_slice(in), &signature), "%s", expected->id);
    cr_expect_str_eq(ratls_tpm_alg_name(signature.alg), expected->alg, "%s", expected->id);
    cr_expect_str_eq(ratls_tpm_alg_name(signature.hash), expected->hash, "%s", expected->id);
    if (signature.alg == RATLS_ALG_ECDSA)
        cr_expect(signature.r.len == 32 && signature.s.len == 32, "%s", expected->id);
    else
        cr_expect_eq(signature.rsa.len, 256, "%s", expected->id);
    free(in.p);
}

Test(tpm_corpus, quotes_and_signatures)
{
    for (size_t i = 0; i < sizeof QUOTES / sizeof *QUOTES; i++) {
        expect_attest(&QUOTES[i]);
        expect_signature(&QUOTES[i]);
    }
}

static bool accepts_attest(struct ratls_slice in)
{
    struct ratls_tpm_attest attest;

    return ratls_tpm_read_attest(in, &attest);
}

static bool accepts_signature(struct ratls_slice in)
{
    struct ratls_tpm_signature signature;

    return ratls_tpm_read_signature(in, &signature);
}

Test(tpm_corpus, only_the_whole_is_accepted)
{
    for (size_t i = 0; i < sizeof QUOTES / sizeof *QUOTES; i++) {
        struct octets attest = read_file(QUOTES[i].id, "quote.msg");
        struct octets signature = read_file(QUOTES[i].id, "quote.sig");

        if (QUOTES[i].type == RATLS_TPM_ST_ATTEST_QUOTE)
            assert_only_whole(octets_slice(attest), accepts_attest);
        assert_only_whole(octets_slice(signature), accepts_signature);
        free(attest.p);
        free(signature.p);
    }
}

static const struct {
    const char *file;
    size_t skip; /* the size field of a TPM2B_PUBLIC */
    uint16_t type;
    uint32_t attributes;
    uint16_t scheme;
    uint16_t scheme_hash;
    uint16_t bits_or_curve;
    size_t len; /* of the modulus, or of x */
} AREAS[] = {
    {"gce-cos-85-no-nonce-sha1/ak.tpmt_public", 0, 0x0001, 0x00050072, 0x0014, 0x000b, 2048, 256},
    {"gce-cos-85-no-nonce-sha256/ak.tpmt_public", 0, 0x0001, 0x00050072, 0x0014, 0x000b, 2048, 256},
    {"gce-cos-85-no-nonce-sha384/ak.tpmt_public", 0, 0x0001, 0x00050072, 0x0014, 0x000b, 2048, 256},
    {"goatt-windows-gcp-ak-creation/ak.tpmt_public", 0, 0x0001, 0x00050472, 0x0014, 0x0004, 2048,
     256},
    {"goatt-windows-gcp-shielded-vm/ak.tpmt_public", 0, 0x0001, 0x00050472, 0x0014, 0x0004, 2048,
     256},
    {"keylime-quote-out/ak.tpm2b_public", 2, 0x0001, 0x00050072, 0x0014, 0x000b, 2048, 256},
    {"keylime-quote-out/ek.tpm2b_public", 2, 0x0001, 0x000300b2, 0x0010, 0x0000, 2048, 256},
    {"webauthn-dell_xps_13/certified.tpmt_public", 0, 0x0001, 0x00060472, 0x0010, 0x0000, 2048,
     256},
    {"webauthn-surface_pro_4/certified.tpmt_public", 0, 0x0001, 0x00060472, 0x0010, 0x0000, 2048,
     256},
    {"webauthn-test_verify_tpm_with_ecc_public_area_type"
     "/certified.tpmt_public",
     0, 0x0023, 0x00040072, 0x0010, 0x0000, 3, 32},
};

Test(tpm_corpus, public_areas)
{
    for (size_t i = 0; i < sizeof AREAS / sizeof *AREAS; i++) {
        struct octets in = read_file(".", AREAS[i].file);
        struct ratls_slice area = ratls_slice(in.p + AREAS[i].skip, in.len - AREAS[i].skip);
        struct ratls_tpm_public key;
        bool is_rsa = AREAS[i].type == RATLS_ALG_RSA;

        cr_assert(ratls_tpm_read_public(area, &key), "%s", AREAS[i].file);
        cr_expect_eq(key.type, AREAS[i].type, "%s", AREAS[i].file);
        cr_expect_eq(key.name_alg, RATLS_ALG_SHA256, "%s", AREAS[i].file);
        cr_expect_eq(key.attributes, AREAS[i].attributes, "%s", AREAS[i].file);
        cr_expect_eq(key.scheme, AREAS[i].scheme, "%s", AREAS[i].file);
        cr_expect_eq(key.scheme_hash, AREAS[i].scheme_hash, "%s", AREAS[i].file);
        cr_expect_eq(is_rsa ? key.rsa_bits : key.curve, AREAS[i].bits_or_curve, "%s",
                     AREAS[i].file);
        cr_expect_eq(is_rsa ? key.rsa_modulus.len : key.x.len, AREAS[i].len, "%s", AREAS[i].file);
        cr_expect_eq(key.rsa_exponent, is_rsa ? 65537 : 0, "%s", AREAS[i].file);
        free(in.p);
    }
}

CORPUS_MAIN
