/* Item 10 of evidence (WIRE.md, 3 and 5.3): proof that a TLS key is in the TPM, and what it is of.
 */
#include <criterion/criterion.h>

#include "crypto.h"
#include "evidence.h"
#include "fake_tpm.h"
#include "octets.h"
#include "pki.h"
#include "tls_key_item.h"
#include "values.h"

/* Content-Format 65300, and "application/vnd.ratls.tls-key+cbor" */
#define QUOTE_TYPE "19ff14"
#define KEY_TYPE "7822 6170706c69636174696f6e2f766e642e7261746c732e746c732d6b65792b63626f72"
#define QUOTE "01 83" QUOTE_TYPE "4f 86 4101 83000140 4102 4103 4104 4105 04"
#define LOG_TYPE "781e 6170706c69636174696f6e2f766e642e7261746c732e626f6f742d6c6f67"
#define LOG "05 83" LOG_TYPE "4101 04"
#define KEY "0a 83" KEY_TYPE "4178 04"

static bool accepts_evidence(struct ratls_slice in)
{
    struct ratls_evidence evidence;

    return ratls_evidence_read(in, &evidence);
}

/* What is in the item is looked at by the checks, for a policy that does not ask must not mind. */
Test(tls_key_item, in_evidence)
{
    static const struct shape cases[] = {
        {"a proof", "a2" QUOTE KEY, true},
        {"behind a log and a result", "a4" QUOTE LOG "09 83 190107 4178 08" KEY, true},
        {"without a quote", "a2" LOG KEY, false},
        {"alone", "a1" KEY, false},
        {"before the quote", "a2" KEY QUOTE, false},
        {"twice", "a3" QUOTE KEY KEY, false},
        {"empty", "a2" QUOTE "0a 83" KEY_TYPE "40 04", false},
        {"another media type", "a2" QUOTE "0a 83" LOG_TYPE "4178 04", false},
        {"the indicator of endorsements", "a2" QUOTE "0a 83" KEY_TYPE "4178 02", false},
        {"no indicator", "a2" QUOTE "0a 82" KEY_TYPE "4178", false},
        {"an item behind it", "a3" QUOTE KEY "0b 83" KEY_TYPE "4178 04", false},
    };

    expect_shapes(accepts_evidence, cases, sizeof cases / sizeof *cases);
}

static bool accepts_item(struct ratls_slice in)
{
    struct ratls_tls_key_item item;

    return ratls_tls_key_item_read(in, &item);
}

Test(tls_key_item, shapes)
{
    static const struct shape cases[] = {
        {"good", "83 4101 4102 4103", true},
        {"two", "82 4101 4102", false},
        {"four", "84 4101 4102 4103 4104", false},
        {"no public area", "83 40 4102 4103", false},
        {"no certification", "83 4101 40 4103", false},
        {"no signature", "83 4101 4102 40", false},
        {"more behind it", "83 4101 4102 4103 00", false},
        {"a text", "83 4101 4102 6103", false},
        {"a longer head", "83 580101 4102 4103", false},
        {"nothing", "", false},
    };

    expect_shapes(accepts_item, cases, sizeof cases / sizeof *cases);
}

Test(tls_key_item, comes_back_up_to_its_limits)
{
    static const uint8_t bytes[RATLS_TPM_STRUCTURE_MAX + 1];
    static uint8_t out[RATLS_TLS_KEY_ITEM_MAX + 16];

    for (size_t part = 0; part < 3; part++)
        for (size_t len = 0; len <= RATLS_TPM_STRUCTURE_MAX + 1; len++) {
            struct ratls_slice parts[3] = {ratls_slice(bytes, RATLS_TPM_STRUCTURE_MAX),
                                           ratls_slice(bytes, RATLS_TPM_STRUCTURE_MAX),
                                           ratls_slice(bytes, RATLS_TPM_STRUCTURE_MAX)};
            struct ratls_tls_key_item item, again;
            struct ratls_writer w = ratls_writer(out, sizeof out);

            parts[part].len = len;
            item = (struct ratls_tls_key_item){parts[0], parts[1], parts[2]};
            ratls_tls_key_item_write(&item, &w);
            cr_assert_eq(w.failed, len == 0 || len > RATLS_TPM_STRUCTURE_MAX, "%zu", len);
            if (w.failed)
                continue;
            cr_assert_leq(w.len, RATLS_TLS_KEY_ITEM_MAX);
            cr_assert(ratls_tls_key_item_read(ratls_writer_slice(&w), &again));
            cr_assert_eq(again.public_area.len + again.attest.len + again.signature.len,
                         2 * RATLS_TPM_STRUCTURE_MAX + len);
        }
}

/* By Python's hashlib: sha256(b"\x03" b"ratls-tls-key-1" + 32 * b"\x11") */
Test(tls_key_item, extra_data)
{
    struct octets expected =
        octets_from_hex("d1e23752ebbf00c22e7cbe7fb0f4d8553e95945135a04a56e8aa8388bf7792a6");
    uint8_t spki[32], out[32];

    memset(spki, 0x11, sizeof spki);
    cr_assert_eq(ratls_tls_key_extra_data(spki, out, NULL), RATLS_OK);
    cr_expect_arr_eq(out, expected.p, 32);
    free(expected.p);
}

/* The hash of a TPM's public area is that of the certificate which OpenSSL makes for the key. */
Test(tls_key_item, spki_of_a_public_area)
{
    static const enum pki_algorithm kinds[] = {PKI_P256, PKI_P384, PKI_RSA2048, PKI_RSA3072};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct fake_area area = {.name_alg = RATLS_ALG_SHA256, .scheme = RATLS_ALG_NULL};
        EVP_PKEY *key = pki_key(kinds[i]);
        uint8_t bytes[RATLS_TPM_STRUCTURE_MAX], expected[32], actual[32];
        struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
        struct ratls_tpm_public public;

        fake_write_public(key, &area, &w);
        cr_assert(ratls_tpm_read_public(ratls_writer_slice(&w), &public));
        cr_assert_eq(ratls_public_spki_sha256(&public, actual, NULL), RATLS_OK);
        fake_spki_sha256(key, expected);
        cr_expect_arr_eq(actual, expected, 32, "%zu", i);
        public.type = RATLS_ALG_AES;
        cr_expect_eq(ratls_public_spki_sha256(&public, actual, NULL), RATLS_MALFORMED);
        EVP_PKEY_free(key);
    }
}

static struct ratls_slice vector(const char *name)
{
    static struct values values;
    static char path[VECTOR_PATH_MAX];
    const char *source = getenv("RATLS_SOURCE_DIR");

    cr_assert_not_null(source, "RATLS_SOURCE_DIR is not set");
    if (values.count == 0) {
        snprintf(path, sizeof path, "%s/tests/vectors", source);
        values_load(path, "tls-key.values", &values);
    }
    return values_get(&values, name);
}

static void expect_vector(struct ratls_slice actual, const char *name)
{
    cr_expect(ratls_slice_equal(actual, vector(name)), "%s", name);
}

/* What Python made: the item, what it is of, and the manifest that covers it. */
Test(tls_key_item, vectors)
{
    struct ratls_tls_key_item item;
    struct ratls_tpm_public key;
    struct ratls_tpm_attest attest;
    struct ratls_slice name, manifest;
    struct ratls_evidence evidence = {
        .certificate_count = 1, .certificates = {vector("certificate")}, .tls_key = vector("item")};
    uint8_t bytes[RATLS_TLS_KEY_ITEM_MAX], hash[RATLS_TPM_NAME_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
    size_t len = 0;

    cr_assert(ratls_tls_key_item_read(vector("item"), &item));
    expect_vector(item.public_area, "public");
    expect_vector(item.attest, "attest");
    expect_vector(item.signature, "signature");
    ratls_tls_key_item_write(&item, &w);
    expect_vector(ratls_writer_slice(&w), "item");
    cr_assert(ratls_tpm_read_public(item.public_area, &key));
    cr_assert_eq(ratls_tpm_name(&key, hash, &len, NULL), RATLS_OK);
    expect_vector(ratls_slice(hash, len), "name");
    cr_assert_eq(ratls_public_spki_sha256(&key, hash, NULL), RATLS_OK);
    expect_vector(ratls_slice(hash, 32), "spki-sha256");
    cr_assert_eq(ratls_tls_key_extra_data(hash, hash, NULL), RATLS_OK);
    expect_vector(ratls_slice(hash, 32), "extra-data");
    cr_assert(ratls_tpm_read_certify(item.attest, &attest, &name));
    expect_vector(attest.extra_data, "extra-data");
    expect_vector(name, "name");
    cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, NULL), RATLS_OK);
    expect_vector(manifest, "manifest");
    evidence.certificate_count = 0;
    cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, NULL), RATLS_OK);
    expect_vector(manifest, "manifest-alone");
}

/* TPMS_ATTEST of TPM2_Certify: Part 2, 10.12.3. */
#define HEAD(type) "ff544347" type "0004 000b0102 0002 aabb 0000000000000001 00000002 00000003 01"
#define FIRMWARE "0000000000000004"

Test(tls_key_item, certifications)
{
    static const struct {
        const char *name;
        const char *hex;
        bool is_read;
        size_t name_len;
    } cases[] = {
        {"good", HEAD("8017") FIRMWARE "0003 000b01 0002 000b", true, 3},
        {"empty Names", HEAD("8017") FIRMWARE "0000 0000", true, 0},
        {"no qualified Name", HEAD("8017") FIRMWARE "0003 000b01", false, 0},
        {"cut", HEAD("8017") FIRMWARE "0003 000b01 0002 00", false, 0},
        {"more behind it", HEAD("8017") FIRMWARE "0003 000b01 0002 000b 00", false, 0},
        {"a Name of 67 bytes", HEAD("8017") FIRMWARE "0043", false, 0},
        {"another type, which is not looked at", HEAD("8019") FIRMWARE "ff", true, 0},
        {"cut before that", HEAD("8019") "0000", false, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        struct ratls_tpm_attest attest;
        struct ratls_slice name = {0};
        bool is_read = ratls_tpm_read_certify(octets_slice(in), &attest, &name);

        cr_expect_eq(is_read, cases[i].is_read, "%s", cases[i].name);
        cr_expect_eq(name.len, cases[i].name_len, "%s", cases[i].name);
        if (is_read)
            cr_expect_eq(attest.extra_data.len, 2, "%s", cases[i].name);
        free(in.p);
    }
}
