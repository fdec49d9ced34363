/* Certificates of endorsement keys: what makes each of them good, and that one thing wrong. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto_roca.h"
#include "ek_scene.h"
#include "roca_modulus.h"
#include "tpm_wire.h"

/* SAN: a directoryName with tpmManufacturer "id:00001014", or "id:49465800". */
#define SAN(digits)                                                                                \
    "\x30\x1c\xa4\x1a\x30\x18\x31\x16\x30\x14\x06\x05\x67\x81\x05\x02\x01\x0c\x0b"                 \
    "id:" digits
/* subjectDirectoryAttributes: tpmSpecification, this family, level 0, revision 116. */
#define SPECIFICATION(family)                                                                      \
    "\x30\x18\x30\x16\x06\x05\x67\x81\x05\x02\x10\x31\x0d\x30\x0b\x0c\x03" family                  \
    "\x02\x01\x00\x02\x01\x74"

TestSuite(ek_check, .init = make_world, .fini = free_world);

Test(ek_check, good)
{
    struct pki_spec spec = good();
    struct ratls_ek_answer a = ask(pki_certificate(&spec), NULL, false);

    cr_expect_eq(a.defects, 0, "%s", a.why);
    cr_expect_eq(a.path_count, 2);
    ratls_ek_answer_done(&a);
    spec.key_usage = "critical,keyEncipherment"; /* Intel, for ECC */
    expect("keyEncipherment", &spec, 0, "");
}

Test(ek_check, usage)
{
    static const struct {
        const char *key_usage;
        const char *eku;
        const char *ca;
        unsigned defects;
        const char *words;
    } rows[] = {
        {"critical,digitalSignature", EKU_EK, NULL, DEFECT(USAGE), "key usage"},
        {"critical,keyAgreement,digitalSignature", EKU_EK, NULL, DEFECT(USAGE), "alone"},
        {"critical,keyAgreement,keyCertSign", EKU_EK, NULL, DEFECT(USAGE), "alone"},
        {"critical,keyAgreement", "serverAuth", NULL, DEFECT(PURPOSE), "2.23.133.8.1"},
        {"critical,keyAgreement", NULL, NULL, DEFECT(PURPOSE), "2.23.133.8.1"},
        {"critical,keyAgreement", PKI_EKU_AK, NULL, DEFECT(PURPOSE), "2.23.133.8.1"},
        {"critical,keyAgreement", EKU_EK, "critical,CA:TRUE", DEFECT(CA), "CA"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pki_spec spec = good();

        spec.key_usage = rows[i].key_usage;
        spec.eku = rows[i].eku;
        spec.ca = rows[i].ca;
        expect(rows[i].words, &spec, rows[i].defects, rows[i].words);
    }
}

Test(ek_check, time)
{
    struct pki_spec spec = good();

    spec.not_after_s = -60;
    expect("expired", &spec, DEFECT(TIME), "expired");
    spec = good();
    spec.not_before_s = 3600;
    expect("to come", &spec, DEFECT(TIME), "not valid yet");
}

Test(ek_check, extensions)
{
    static const char san[] = SAN("49465800");
    struct {
        X509_EXTENSION *extension;
        const char *eku;
        unsigned defects;
        const char *words;
    } rows[] = {
        {EXTENSION("2.5.29.17", true, SAN("49465800")), EKU_EK, 0, ""},
        {EXTENSION("2.5.29.17", true, SAN("49465800")), NULL, 0, ""}, /* it is of a TPM's maker */
        {EXTENSION("2.5.29.17", true, SAN("00001014")), EKU_EK, DEFECT(SOFTWARE), "software TPM"},
        {EXTENSION("2.5.29.9", false, SPECIFICATION("2.0")), EKU_EK, 0, ""},
        {EXTENSION("2.5.29.9", false, SPECIFICATION("1.2")), EKU_EK, DEFECT(FAMILY), "TPM 1.2"},
        {EXTENSION("2.5.29.9", true, SPECIFICATION("2.0")), EKU_EK, DEFECT(CRITICAL), "2.5.29.9"},
        {EXTENSION("2.5.29.9", false, "\x30\x01\x30"), EKU_EK, DEFECT(FORMAT), "cannot be read"},
        {EXTENSION("1.2.3.4", true, "\x05\x00"), EKU_EK, DEFECT(CRITICAL), "1.2.3.4"},
        {EXTENSION("1.2.3.4", false, "\x05\x00"), EKU_EK, 0, ""},
        {EXTENSION("2.5.29.37", false, "\x30\x07\x06\x05\x67\x81\x05\x08\x01"), EKU_EK,
         DEFECT(FORMAT) | DEFECT(USAGE) | DEFECT(PURPOSE), "twice"},
        {extension("2.5.29.17", false, san, 3), EKU_EK, DEFECT(FORMAT) | DEFECT(USAGE),
         "cannot be read"},
        {EXTENSION("1.3.6.1.4.1.11129.2.1.21", false, "\x30\x00"), NULL, 0, ""}, /* Google */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pki_spec spec = good();
        char name[16];

        snprintf(name, sizeof name, "row %zu", i);
        spec.eku = rows[i].eku;
        spec.extensions[0] = rows[i].extension;
        expect(name, &spec, rows[i].defects, rows[i].words);
        X509_EXTENSION_free(rows[i].extension);
    }
}

Test(ek_check, software_where_it_is_allowed)
{
    struct pki_spec spec = good();
    struct ratls_ek_answer a;

    spec.extensions[0] = EXTENSION("2.5.29.17", true, SAN("00001014"));
    a = ask(pki_certificate(&spec), NULL, true);
    cr_expect_eq(a.defects, 0, "%s", a.why);
    cr_expect(a.ek.is_software);
    ratls_ek_answer_done(&a);
    X509_EXTENSION_free(spec.extensions[0]);
}

/* ---- keys ---- */

static EVP_PKEY *make_marked_key(unsigned long more)
{
    uint8_t modulus[ROCA_MODULUS_BYTES];
    BIGNUM *n;
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;

    roca_modulus(more, modulus);
    n = BN_bin2bn(modulus, sizeof modulus, NULL);
    cr_assert(OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_uint(parts, OSSL_PKEY_PARAM_RSA_E, 65537) == 1);
    params = OSSL_PARAM_BLD_to_param(parts);
    cr_assert(EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(parts);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    return key;
}

Test(ek_check, keys)
{
    EVP_PKEY *marked = make_marked_key(0), *near = make_marked_key(6);
    struct pki_spec spec = good();

    cr_expect(ratls_is_roca(marked));
    cr_expect(!ratls_is_roca(near));
    cr_expect(!ratls_is_roca(w.key));
    spec.key_usage = "critical,keyEncipherment";
    spec.key = marked;
    expect("ROCA", &spec, DEFECT(KEY), "CVE-2017-15361");
    spec.key = near;
    expect("RSA 2048", &spec, 0, "");
    EVP_PKEY_free(marked);
    EVP_PKEY_free(near);
}

/* ---- public areas ---- */

Test(ek_check, areas)
{
    const struct ratls_ek_profile *l2 = ratls_ek_profile(RATLS_EK_L2);
    struct pki_spec spec = good();
    X509 *certificate = pki_certificate(&spec);
    size_t len, cert_len;
    uint8_t *der = pki_der(certificate, &cert_len), area[RATLS_EK_AREA_MAX];
    const struct ratls_slice certificates = ratls_slice(der, cert_len);
    struct ratls_ek_question question = {.certificates = &certificates,
                                         .count = 1,
                                         .roots = w.roots,
                                         .now = (int64_t)time(NULL),
                                         .profile = l2};

    cr_assert(ratls_ek_area(l2, w.key, false, area, &len, NULL) == RATLS_OK);
    for (size_t i = 0; i <= len + 1; i++) { /* each byte changed; the whole; and cut */
        struct ratls_ek_answer a;

        if (i < len)
            area[i] ^= 4;
        question.area = ratls_slice(area, i <= len ? len : len - 1);
        cr_assert(ratls_ek_check(&question, &a, NULL) == RATLS_OK);
        cr_expect_eq(a.defects, i == len ? 0 : DEFECT(AREA), "%zu: %s", i, a.why);
        ratls_ek_answer_done(&a);
        if (i < len)
            area[i] ^= 4;
    }
    question.profile = ratls_ek_profile(RATLS_EK_H2); /* the area of L-2 under H-2 */
    question.area = ratls_slice(area, len);
    for (unsigned id = RATLS_EK_L1; id <= RATLS_EK_H7; id++) {
        struct ratls_ek_answer a;

        question.profile = ratls_ek_profile(id);
        cr_assert(ratls_ek_check(&question, &a, NULL) == RATLS_OK);
        cr_expect_eq(a.defects, id == RATLS_EK_L2 ? 0 : DEFECT(AREA), "%u: %s", id, a.why);
        ratls_ek_answer_done(&a);
    }
    OPENSSL_free(der);
    X509_free(certificate);
}

/* One key in 128 has a coordinate that begins with zeros, which some TPMs leave out. */
static EVP_PKEY *make_key_with_zeros(uint8_t area[static RATLS_EK_AREA_MAX], size_t *ret_len)
{
    const struct ratls_ek_profile *l2 = ratls_ek_profile(RATLS_EK_L2);
    size_t whole;

    for (int i = 0; i < 20000; i++) {
        EVP_PKEY *key = pki_key(PKI_P256);

        cr_assert(ratls_ek_area(l2, key, false, area, &whole, NULL) == RATLS_OK);
        cr_assert(ratls_ek_area(l2, key, true, area, ret_len, NULL) == RATLS_OK);
        if (*ret_len < whole)
            return key;
        EVP_PKEY_free(key);
    }
    cr_assert_fail("no such key");
    return NULL;
}

Test(ek_check, areas_without_leading_zeros)
{
    uint8_t area[RATLS_EK_AREA_MAX];
    size_t len = 0;
    EVP_PKEY *key = make_key_with_zeros(area, &len);
    struct ratls_tpm_public read;
    bool matches = false;

    cr_assert(ratls_tpm_read_public(ratls_slice(area, len), &read));
    cr_expect(read.x.len + read.y.len < 64);
    cr_assert(ratls_ek_area_matches(ratls_ek_profile(RATLS_EK_L2), key, ratls_slice(area, len),
                                    &matches, NULL) == RATLS_OK);
    cr_expect(matches);
    EVP_PKEY_free(key);
}

Test(ek_check, no_certificate)
{
    static const char text[] = "0\x03 no";
    const struct ratls_slice certificate = ratls_slice(text, sizeof text - 1);
    struct ratls_ek_question question = {
        .certificates = &certificate, .count = 1, .roots = w.roots, .now = 0};
    struct ratls_ek_answer a;
    struct ratls_error err = {0};

    cr_assert(ratls_ek_check(&question, &a, &err) == RATLS_OK);
    cr_expect_eq(a.defects, DEFECT(FORMAT));
    ratls_ek_answer_done(&a);
    question.count = 0;
    cr_expect(ratls_ek_check(&question, &a, &err) == RATLS_USAGE);
}
