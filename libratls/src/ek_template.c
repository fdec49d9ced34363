#include "ek_template.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "fail.h"
#include "tpm_wire.h"

#define AES_MODE_CFB 0x0043 /* TPM 2.0 Part 2, 6.3 (TPM_ALG_CFB) */
#define BITS_PER_BYTE 8
#define MODULUS_MAX 512 /* RSA 4096 */
#define RSA_EXPONENT 65537

static const struct ratls_ek_profile profiles[] = {
    {RATLS_EK_L1, "L-1", "RSA 2048", false, RATLS_ALG_RSA, RATLS_ALG_SHA256, 128, 2048, 0,
     0x01c00002, 0x01c00003, 0x01c00004, 0x81010001},
    {RATLS_EK_L2, "L-2", "P-256", false, RATLS_ALG_ECC, RATLS_ALG_SHA256, 128, 0, RATLS_CURVE_P256,
     0x01c0000a, 0x01c0000b, 0x01c0000c, 0x81010002},
    {RATLS_EK_H1, "H-1", "RSA 2048", true, RATLS_ALG_RSA, RATLS_ALG_SHA256, 128, 2048, 0,
     0x01c00012, 0, 0x01c00013, 0},
    {RATLS_EK_H2, "H-2", "P-256", true, RATLS_ALG_ECC, RATLS_ALG_SHA256, 128, 0, RATLS_CURVE_P256,
     0x01c00014, 0, 0x01c00015, 0},
    {RATLS_EK_H3, "H-3", "P-384", true, RATLS_ALG_ECC, RATLS_ALG_SHA384, 256, 0, RATLS_CURVE_P384,
     0x01c00016, 0, 0x01c00017, 0x81010016},
    {RATLS_EK_H4, "H-4", "P-521", true, RATLS_ALG_ECC, RATLS_ALG_SHA512, 256, 0, RATLS_CURVE_P521,
     0x01c00018, 0, 0x01c00019, 0},
    {RATLS_EK_H6, "H-6", "RSA 3072", true, RATLS_ALG_RSA, RATLS_ALG_SHA384, 256, 3072, 0,
     0x01c0001c, 0, 0x01c0001d, 0x8101001c},
    {RATLS_EK_H7, "H-7", "RSA 4096", true, RATLS_ALG_RSA, RATLS_ALG_SHA384, 256, 4096, 0,
     0x01c0001e, 0, 0x01c0001f, 0},
};

#define PROFILE_COUNT (sizeof profiles / sizeof *profiles)

/* PolicyA: PolicySecret(TPM_RH_ENDORSEMENT). */
static const uint8_t policy_a[] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                   0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                   0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

/* PolicyB: that, or PolicyAuthorizeNV of an index for each hash. */
static const uint8_t policy_b_sha256[] = {
    0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
    0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0};

static const uint8_t policy_b_sha384[] = {
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
    0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
    0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12};

static const uint8_t policy_b_sha512[] = {
    0xb8, 0x22, 0x1c, 0xa6, 0x9e, 0x85, 0x50, 0xa4, 0x91, 0x4d, 0xe3, 0xfa, 0xa6, 0xa1, 0x8c, 0x07,
    0x2c, 0xc0, 0x12, 0x08, 0x07, 0x3a, 0x92, 0x8d, 0x5d, 0x66, 0xd5, 0x9e, 0xf7, 0x9e, 0x49, 0xa4,
    0x29, 0xc4, 0x1a, 0x6b, 0x26, 0x95, 0x71, 0xd5, 0x7e, 0xdb, 0x25, 0xfb, 0xdb, 0x18, 0x38, 0x42,
    0x56, 0x08, 0xb4, 0x13, 0xcd, 0x61, 0x6a, 0x5f, 0x6d, 0xb5, 0xb6, 0x07, 0x1a, 0xf9, 0x9b, 0xea};

const struct ratls_ek_profile *ratls_ek_profile(unsigned id)
{
    for (size_t i = 0; i < PROFILE_COUNT; i++)
        if (profiles[i].id == id)
            return &profiles[i];
    return NULL;
}

const struct ratls_ek_profile *ratls_ek_profile_named(const char *name)
{
    for (size_t i = 0; i < PROFILE_COUNT; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

uint32_t ratls_ek_attributes(const struct ratls_ek_profile *profile)
{
    const uint32_t low = RATLS_TPMA_FIXED_TPM | RATLS_TPMA_FIXED_PARENT |
                         RATLS_TPMA_SENSITIVE_DATA_ORIGIN | RATLS_TPMA_ADMIN_WITH_POLICY |
                         RATLS_TPMA_RESTRICTED | RATLS_TPMA_DECRYPT;

    return profile->is_high ? low | RATLS_TPMA_USER_WITH_AUTH : low;
}

struct ratls_slice ratls_ek_policy(const struct ratls_ek_profile *profile)
{
    if (!profile->is_high)
        return ratls_slice(policy_a, sizeof policy_a);
    switch (profile->name_alg) {
    case RATLS_ALG_SHA256:
        return ratls_slice(policy_b_sha256, sizeof policy_b_sha256);
    case RATLS_ALG_SHA384:
        return ratls_slice(policy_b_sha384, sizeof policy_b_sha384);
    default:
        return ratls_slice(policy_b_sha512, sizeof policy_b_sha512);
    }
}

static const struct {
    uint16_t curve;
    const char *group; /* OpenSSL's name */
    size_t len;        /* of a coordinate */
} groups[] = {
    {RATLS_CURVE_P256, "prime256v1", 32},
    {RATLS_CURVE_P384, "secp384r1", 48},
    {RATLS_CURVE_P521, "secp521r1", 66},
};

static size_t coordinate_len(uint16_t curve)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (groups[i].curve == curve)
            return groups[i].len;
    return 0;
}

static bool is_on_curve(const EVP_PKEY *key, uint16_t curve)
{
    char group[32];
    size_t len;

    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1)
        return false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (groups[i].curve == curve)
            return strcmp(groups[i].group, group) == 0;
    return false;
}

/* Of the exponent that templates ask for: 0 stands for it. */
static bool has_default_exponent(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool is_default = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                      BN_is_word(e, RSA_EXPONENT) == 1;

    BN_free(e);
    return is_default;
}

bool ratls_ek_fits(const struct ratls_ek_profile *profile, const EVP_PKEY *key)
{
    if (profile->type == RATLS_ALG_RSA)
        return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == profile->rsa_bits &&
               has_default_exponent(key);
    return is_on_curve(key, profile->curve);
}

static void write_tpm2b(struct ratls_writer *w, struct ratls_slice bytes)
{
    ratls_write_u16(w, (uint16_t)bytes.len);
    ratls_write_bytes(w, bytes);
}

static void write_modulus(struct ratls_writer *w, const EVP_PKEY *key, size_t len)
{
    uint8_t bytes[MODULUS_MAX];
    BIGNUM *modulus = NULL;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 && len <= sizeof bytes &&
        BN_bn2binpad(modulus, bytes, (int)len) == (int)len)
        write_tpm2b(w, ratls_slice(bytes, len));
    else
        w->failed = true;
    BN_free(modulus);
}

static struct ratls_slice strip(struct ratls_slice number)
{
    while (number.len > 0 && number.p[0] == 0)
        number = ratls_slice(number.p + 1, number.len - 1);
    return number;
}

/* TPMS_ECC_POINT (Part 2, 11.2.5.2). */
static void write_point(struct ratls_writer *w, EVP_PKEY *key, size_t len, bool is_stripped)
{
    unsigned char *point = NULL;
    const size_t point_len = EVP_PKEY_get1_encoded_public_key(key, &point);

    if (point_len == 1 + 2 * len && point[0] == POINT_CONVERSION_UNCOMPRESSED) {
        const struct ratls_slice x = ratls_slice(point + 1, len);
        const struct ratls_slice y = ratls_slice(point + 1 + len, len);

        write_tpm2b(w, is_stripped ? strip(x) : x);
        write_tpm2b(w, is_stripped ? strip(y) : y);
    } else {
        w->failed = true;
    }
    OPENSSL_free(point);
}

/* TPMT_PUBLIC (Part 2, 12.2.4). */
enum ratls_status ratls_ek_area(const struct ratls_ek_profile *profile, EVP_PKEY *key,
                                bool is_stripped, uint8_t out[static RATLS_EK_AREA_MAX],
                                size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(out, RATLS_EK_AREA_MAX);
    const size_t len = coordinate_len(profile->curve);

    if (!ratls_ek_fits(profile, key))
        return ratls_fail(err, RATLS_MALFORMED, "not a key of template %s (%s)", profile->name,
                          profile->key);
    ratls_write_u16(&w, profile->type);
    ratls_write_u16(&w, profile->name_alg);
    ratls_write_u32(&w, ratls_ek_attributes(profile));
    write_tpm2b(&w, ratls_ek_policy(profile));
    ratls_write_u16(&w, RATLS_ALG_AES);
    ratls_write_u16(&w, profile->aes_bits);
    ratls_write_u16(&w, AES_MODE_CFB);
    ratls_write_u16(&w, RATLS_ALG_NULL); /* scheme */
    if (profile->type == RATLS_ALG_RSA) {
        ratls_write_u16(&w, profile->rsa_bits);
        ratls_write_u32(&w, 0); /* exponent: the default */
        write_modulus(&w, key, profile->rsa_bits / BITS_PER_BYTE);
    } else {
        ratls_write_u16(&w, profile->curve);
        ratls_write_u16(&w, RATLS_ALG_NULL); /* kdf */
        write_point(&w, key, len, is_stripped);
    }
    if (w.failed)
        return ratls_fail_openssl(err, "public area of an endorsement key");
    *ret_len = w.len;
    return RATLS_OK;
}

enum ratls_status ratls_ek_area_matches(const struct ratls_ek_profile *profile, EVP_PKEY *key,
                                        struct ratls_slice area, bool *ret_matches,
                                        struct ratls_error *err)
{
    uint8_t made[RATLS_EK_AREA_MAX];
    bool matches = false;

    for (int is_stripped = 0; !matches && is_stripped <= 1; is_stripped++) {
        size_t len = 0;
        enum ratls_status status = ratls_ek_area(profile, key, is_stripped == 1, made, &len, err);

        if (status != RATLS_OK)
            return status;
        matches = ratls_slice_equal(ratls_slice(made, len), area);
    }
    *ret_matches = matches;
    return RATLS_OK;
}
