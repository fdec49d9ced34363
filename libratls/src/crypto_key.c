/* Keys from TPM public areas, and their signatures. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto.h"
#include "crypto_direct.h"
#include "crypto_ecdsa.h"
#include "crypto_roca.h"
#include "fail.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096
#define RSA_EXPONENT 65537
#define COORDINATE_MAX 66 /* P-521 */

static const struct curve {
    uint16_t id;
    int nid;
    const char *group;
    size_t coordinate_len;
} curves[] = {
    {RATLS_CURVE_P256, NID_X9_62_prime256v1, "P-256", 32},
    {RATLS_CURVE_P384, NID_secp384r1, "P-384", 48},
    {RATLS_CURVE_P521, NID_secp521r1, "P-521", 66},
};

static const struct curve *find_curve(uint16_t id)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].id == id)
            return &curves[i];
    return NULL;
}

/* Leading zeros may be missing or not: TPMs do both. */
static bool pad_coordinate(struct ratls_slice in, uint8_t *out, size_t len)
{
    if (in.len > len)
        return false;
    memset(out, 0, len - in.len);
    if (in.len > 0)
        memcpy(out + len - in.len, in.p, in.len);
    return true;
}

/* NULL if OpenSSL refuses the parts. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *parts)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

/* On the curve and not infinity; as the cofactor of the curves is 1 that is the whole group. */
static bool is_point(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx && EVP_PKEY_public_check_quick(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* By a provider. */
static enum ratls_status make_point_key(const struct curve *curve, struct ratls_slice point,
                                        EVP_PKEY **ret_key, struct ratls_error *err)
{
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY *key;
    if (!parts ||
        !OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.len)) {
        OSSL_PARAM_BLD_free(parts);
        return ratls_fail(err, RATLS_MEMORY, "elliptic curve key");
    }
    key = make_key("EC", parts);
    OSSL_PARAM_BLD_free(parts);
    if (!key || !is_point(key)) {
        EVP_PKEY_free(key);
        return ratls_fail(err, RATLS_MALFORMED, "the public key is not a point of %s",
                          curve->group);
    }
    *ret_key = key;
    return RATLS_OK;
}

static enum ratls_status make_ec_key(const struct ratls_tpm_public *area, EVP_PKEY **ret_key,
                                     struct ratls_error *err)
{
    uint8_t point[1 + 2 * COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    const struct curve *curve = find_curve(area->curve);
    if (!curve)
        return ratls_fail(err, RATLS_MALFORMED, "curve 0x%04x is none of P-256, P-384 and P-521",
                          (unsigned)area->curve);
    size_t len = curve->coordinate_len;
    if (!pad_coordinate(area->x, point + 1, len) || !pad_coordinate(area->y, point + 1 + len, len))
        return ratls_fail(err, RATLS_MALFORMED, "a coordinate is longer than those of %s",
                          curve->group);
    const struct ratls_slice whole = {point, 1 + 2 * len};
    EVP_PKEY *key = ratls_direct_ec_key(curve->nid, whole);
    /* What it does not take is asked again: only then it is known why. */
    if (!key)
        return make_point_key(curve, whole, ret_key, err);
    *ret_key = key;
    return RATLS_OK;
}

/*
 * An odd number of exactly the bits that are claimed. Whether it is a product of two large primes
 * costs milliseconds to test and is for whoever pins or certifies the key to know.
 */
static bool is_modulus(const BIGNUM *n, unsigned bits)
{
    return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && (unsigned)BN_num_bits(n) == bits &&
           BN_is_odd(n);
}

/* The modulus, if it and the exponent are what we take; the caller frees it. */
static enum ratls_status read_modulus(const struct ratls_tpm_public *area, BIGNUM **ret_n,
                                      struct ratls_error *err)
{
    if (area->rsa_exponent != RSA_EXPONENT)
        return ratls_fail(err, RATLS_MALFORMED, "RSA exponent %u is not 65537",
                          (unsigned)area->rsa_exponent);
    if (area->rsa_modulus.len > RSA_BITS_MAX / 8)
        return ratls_fail(err, RATLS_MALFORMED, "RSA modulus of %zu bytes", area->rsa_modulus.len);
    BIGNUM *n = BN_bin2bn(area->rsa_modulus.p, (int)area->rsa_modulus.len, NULL);
    if (!n)
        return ratls_fail(err, RATLS_MEMORY, "RSA key");
    if (!is_modulus(n, area->rsa_bits)) {
        int bits = BN_num_bits(n);
        BN_free(n);
        return ratls_fail(err, RATLS_MALFORMED, "not an RSA modulus of 2048 to 4096 bits: %d of %u",
                          bits, (unsigned)area->rsa_bits);
    }
    if (ratls_is_roca_modulus(n)) {
        BN_free(n);
        return ratls_fail(err, RATLS_MALFORMED, "a weak RSA key (CVE-2017-15361)");
    }
    *ret_n = n;
    return RATLS_OK;
}

static enum ratls_status make_rsa_key(const struct ratls_tpm_public *area, EVP_PKEY **ret_key,
                                      struct ratls_error *err)
{
    BIGNUM *n = NULL;
    EVP_PKEY *key = NULL;
    enum ratls_status status = read_modulus(area, &n, err);
    if (status != RATLS_OK)
        return status;
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    if (parts && OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_uint32(parts, OSSL_PKEY_PARAM_RSA_E, RSA_EXPONENT))
        key = make_key("RSA", parts);
    OSSL_PARAM_BLD_free(parts);
    BN_free(n);
    if (!key)
        return ratls_fail_openssl(err, "RSA key");
    *ret_key = key;
    return RATLS_OK;
}

enum ratls_status ratls_public_key(const struct ratls_tpm_public *key, EVP_PKEY **ret_key,
                                   struct ratls_error *err)
{
    EVP_PKEY *made = NULL;
    enum ratls_status status;
    ERR_set_mark();
    if (key->type == RATLS_ALG_ECC)
        status = make_ec_key(key, &made, err);
    else if (key->type == RATLS_ALG_RSA)
        status = make_rsa_key(key, &made, err);
    else
        status = ratls_fail(err, RATLS_MALFORMED, "key type 0x%04x is neither ECC nor RSA",
                            (unsigned)key->type);
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_key = made;
    return status;
}

enum ratls_status ratls_public_spki_sha256(const struct ratls_tpm_public *key,
                                           uint8_t out[static 32], struct ratls_error *err)
{
    unsigned char *der = NULL;
    EVP_PKEY *made = NULL;
    enum ratls_status status = ratls_public_key(key, &made, err);
    if (status != RATLS_OK)
        return status;
    int len = i2d_PUBKEY(made, &der);
    status = len > 0 ? ratls_sha256(ratls_slice(der, (size_t)len), out, err)
                     : ratls_fail_openssl(err, "cannot encode a public key");
    OPENSSL_free(der);
    EVP_PKEY_free(made);
    return status;
}

/* TPMs use a salt as long as the digest, or as long as fits: Part 1, B.7. */
static bool set_rsa_scheme(EVP_PKEY_CTX *ctx, uint16_t scheme, const EVP_MD *md)
{
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, scheme == RATLS_ALG_RSAPSS ? RSA_PKCS1_PSS_PADDING
                                                                     : RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return false;
    return scheme != RATLS_ALG_RSAPSS ||
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1;
}

/*
 * 1 valid, 0 not, below 0 OpenSSL failed. What it calls a failure of the verification itself counts
 * as not valid: so it calls a point at infinity, which whoever knows the private key can bring
 * about, and a peer must not pass its refusal off as a fault of ours.
 */
static int verify_digest(EVP_PKEY *key, const EVP_MD *md,
                         const struct ratls_tpm_signature *signature, const uint8_t *digest)
{
    int valid = -1;
    uint8_t *der = NULL;
    struct ratls_slice bytes = signature->rsa;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
        goto out;
    if (signature->alg == RATLS_ALG_ECDSA) {
        int len = ratls_ecdsa_der(signature->r, signature->s, &der);
        if (len < 1)
            goto out;
        bytes = (struct ratls_slice){der, (size_t)len};
    } else if (!set_rsa_scheme(ctx, signature->alg, md)) {
        goto out;
    }
    valid = EVP_PKEY_verify(ctx, bytes.p, bytes.len, digest, (size_t)EVP_MD_get_size(md)) == 1;
out:
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    return valid;
}

/* Whether a signature can be one by this key at all: its scheme, its hash and its length. */
static bool is_of_key(const EVP_PKEY *key, const struct ratls_tpm_public *area,
                      const struct ratls_tpm_signature *signature)
{
    if (signature->alg != area->scheme || signature->hash != area->scheme_hash ||
        !ratls_tpm_is_strong_hash(area->scheme_hash))
        return false;
    if (area->scheme == RATLS_ALG_ECDSA)
        return EVP_PKEY_is_a(key, "EC") && signature->r.len <= COORDINATE_MAX &&
               signature->s.len <= COORDINATE_MAX;
    return (area->scheme == RATLS_ALG_RSASSA || area->scheme == RATLS_ALG_RSAPSS) &&
           EVP_PKEY_is_a(key, "RSA") && signature->rsa.len == (size_t)EVP_PKEY_get_size(key);
}

/*
 * By EVP a fresh EVP_PKEY_CTX for each signature, for one cannot be shared between threads. No
 * digest is set for ECDSA: the fetch that it costs buys nothing when the digest is made already.
 */
enum ratls_status ratls_verify(EVP_PKEY *key, const struct ratls_tpm_public *area,
                               const struct ratls_tpm_signature *signature,
                               struct ratls_slice message, bool *ret_valid, struct ratls_error *err)
{
    uint8_t digest[RATLS_DIGEST_MAX];
    if (!is_of_key(key, area, signature)) {
        *ret_valid = false;
        return RATLS_OK;
    }
    enum ratls_status status = ratls_digest(area->scheme_hash, &message, 1, digest, err);
    if (status != RATLS_OK)
        return status;
    const EVP_MD *md = ratls_digest_method(area->scheme_hash);
    const struct ratls_slice hash = {digest, ratls_tpm_hash_len(area->scheme_hash)};
    bool is_valid = false;
    ERR_set_mark();
    int valid =
        area->scheme == RATLS_ALG_ECDSA && ratls_direct_ecdsa(key, signature, hash, &is_valid)
            ? is_valid
            : verify_digest(key, md, signature, digest);
    if (valid < 0)
        status = ratls_fail_openssl(err, "signature verification");
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_valid = valid == 1;
    return status;
}
