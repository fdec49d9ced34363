#include "ak_form.h"

#include <stdio.h>

#include "key_attributes.h"
#include "word_list.h"

static const struct ratls_key_attribute attributes[] = {
    {RATLS_TPMA_FIXED_TPM, true, "fixedTPM"},
    {RATLS_TPMA_FIXED_PARENT, true, "fixedParent"},
    {RATLS_TPMA_SENSITIVE_DATA_ORIGIN, true, "sensitiveDataOrigin"},
    {RATLS_TPMA_RESTRICTED, true, "restricted"},
    {RATLS_TPMA_SIGN, true, "sign"},
    {RATLS_TPMA_DECRYPT, false, "decrypt"},
    {RATLS_TPMA_ENCRYPTED_DUPLICATION, false, "encryptedDuplication"},
    {RATLS_TPMA_X509_SIGN, false, "x509sign"},
};

#define ATTRIBUTE_COUNT (sizeof attributes / sizeof attributes[0])

bool ratls_ak_has_attributes(const struct ratls_tpm_public *ak)
{
    return ratls_key_has_attributes(attributes, ATTRIBUTE_COUNT, ak->attributes);
}

void ratls_ak_say_attributes(const struct ratls_tpm_public *ak, struct ratls_ak_words *out)
{
    ratls_key_say_attributes(attributes, ATTRIBUTE_COUNT, ak->attributes, sizeof out->expected,
                             out->expected, out->actual);
}

static const struct {
    unsigned allowed;
    uint16_t scheme;
    uint16_t curve; /* 0: RSA */
    const char *name;
} algorithms[] = {
    {RATLS_ALLOW_ECDSA_P256, RATLS_ALG_ECDSA, RATLS_CURVE_P256, "ecdsa-p256"},
    {RATLS_ALLOW_ECDSA_P384, RATLS_ALG_ECDSA, RATLS_CURVE_P384, "ecdsa-p384"},
    {RATLS_ALLOW_ECDSA_P521, RATLS_ALG_ECDSA, RATLS_CURVE_P521, "ecdsa-p521"},
    {RATLS_ALLOW_RSASSA, RATLS_ALG_RSASSA, 0, "rsassa"},
    {RATLS_ALLOW_RSAPSS, RATLS_ALG_RSAPSS, 0, "rsapss"},
};

#define ALGORITHM_COUNT (sizeof algorithms / sizeof algorithms[0])

/* The row of algorithms that a key belongs to, or ALGORITHM_COUNT. */
static size_t find_algorithm(const struct ratls_tpm_public *ak)
{
    size_t i = 0;

    while (i < ALGORITHM_COUNT &&
           (algorithms[i].scheme != ak->scheme ||
            algorithms[i].curve != (ak->type == RATLS_ALG_ECC ? ak->curve : 0)))
        i++;
    return i;
}

static void print_algorithms(unsigned allowed, char *out, size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if ((allowed & algorithms[i].allowed) != 0)
            ratls_word_add(out, cap, ", ", algorithms[i].name);
    }
    ratls_word_add(out, cap, "; ", "by sha256, sha384 or sha512");
}

bool ratls_ak_has_algorithm(const struct ratls_tpm_public *ak, unsigned allowed)
{
    size_t i = find_algorithm(ak);

    return i < ALGORITHM_COUNT && (allowed & algorithms[i].allowed) != 0 &&
           ratls_tpm_is_strong_hash(ak->scheme_hash);
}

void ratls_ak_say_algorithm(const struct ratls_tpm_public *ak, unsigned allowed,
                            struct ratls_ak_words *out)
{
    size_t i = find_algorithm(ak);

    print_algorithms(allowed, out->expected, sizeof out->expected);
    if (ak->type == RATLS_ALG_RSA)
        snprintf(out->actual, sizeof out->actual, "%s by %s, %u bits, exponent %u",
                 ratls_tpm_alg_name(ak->scheme), ratls_tpm_alg_name(ak->scheme_hash), ak->rsa_bits,
                 ak->rsa_exponent);
    else
        snprintf(out->actual, sizeof out->actual, "%s by %s",
                 i < ALGORITHM_COUNT ? algorithms[i].name : ratls_tpm_alg_name(ak->scheme),
                 ratls_tpm_alg_name(ak->scheme_hash));
}
