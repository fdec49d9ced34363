#include <stdio.h>

#include "crypto.h"
#include "describe.h"

struct attribute {
    uint32_t bit;
    const char *name; /* as in Part 2, 8.3 */
};

/* All attributes of TPMA_OBJECT, also those that no check asks for. */
static const struct attribute attributes[] = {
    {1u << 1, "fixedTPM"},     {1u << 2, "stClear"},
    {1u << 4, "fixedParent"},  {1u << 5, "sensitiveDataOrigin"},
    {1u << 6, "userWithAuth"}, {1u << 7, "adminWithPolicy"},
    {1u << 10, "noDA"},        {1u << 11, "encryptedDuplication"},
    {1u << 16, "restricted"},  {1u << 17, "decrypt"},
    {1u << 18, "sign"},        {1u << 19, "x509sign"},
};

static const char *curve_name(uint16_t curve)
{
    switch (curve) {
    case RATLS_CURVE_P256:
        return "P-256";
    case RATLS_CURVE_P384:
        return "P-384";
    case RATLS_CURVE_P521:
        return "P-521";
    default:
        return "unknown curve";
    }
}

static void describe_attributes(struct ratls_view *v, uint32_t bits)
{
    char text[256] = "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if ((bits & attributes[i].bit) == 0)
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len == 0 ? "" : " ",
                                attributes[i].name);
    }
    ratls_view_text(v, "attributes", "attributes", text);
    snprintf(text, sizeof text, "0x%08x", bits);
    ratls_view_text(v, "attributesValue", NULL, text);
}

static void describe_algorithm(struct ratls_view *v, const struct ratls_tpm_public *key)
{
    const char *scheme = ratls_tpm_alg_name(key->scheme);
    const char *hash =
        key->scheme == RATLS_ALG_NULL ? "any hash" : ratls_tpm_alg_name(key->scheme_hash);
    char text[128];

    if (key->type == RATLS_ALG_RSA) {
        snprintf(text, sizeof text, "%s with RSA-%u and %s", scheme, key->rsa_bits, hash);
        ratls_view_text(v, "algorithm", "algorithm", text);
        ratls_view_hex(v, "modulus", "modulus", key->rsa_modulus);
        ratls_view_uint(v, "exponent", "exponent", key->rsa_exponent, NULL);
    } else {
        snprintf(text, sizeof text, "%s with %s and %s", scheme, curve_name(key->curve), hash);
        ratls_view_text(v, "algorithm", "algorithm", text);
        ratls_view_hex(v, "x", "x", key->x);
        ratls_view_hex(v, "y", "y", key->y);
    }
}

void ratls_describe_key(struct ratls_view *v, const struct ratls_tpm_public *key)
{
    const bool can_attest = (key->attributes & RATLS_TPMA_RESTRICTED) != 0 &&
                            (key->attributes & RATLS_TPMA_SIGN) != 0 &&
                            (key->attributes & RATLS_TPMA_DECRYPT) == 0;
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t name_len = 0;

    if (ratls_tpm_name(key, name, &name_len, NULL) == RATLS_OK)
        ratls_view_digest(v, "name", "Name", ratls_slice(name, name_len));
    describe_algorithm(v, key);
    describe_attributes(v, key->attributes);
    ratls_view_bool(v, "restrictedSigningKey", "can only attest", can_attest);
    ratls_view_hex(v, "authPolicy", key->auth_policy.len == 0 ? NULL : "authPolicy",
                   key->auth_policy);
    ratls_view_hex(v, "publicArea", NULL, key->raw);
}

void ratls_describe_signature(struct ratls_view *v, const struct ratls_tpm_signature *signature)
{
    char text[64];

    snprintf(text, sizeof text, "%s with %s", ratls_tpm_alg_name(signature->alg),
             ratls_tpm_alg_name(signature->hash));
    ratls_view_text(v, "signatureAlgorithm", "signed with", text);
    if (signature->alg == RATLS_ALG_ECDSA) {
        ratls_view_hex(v, "signatureR", NULL, signature->r);
        ratls_view_hex(v, "signatureS", NULL, signature->s);
    } else {
        ratls_view_hex(v, "signature", NULL, signature->rsa);
    }
}
