#include "quote_file.h"

#include <openssl/bn.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "bank_hash.h"
#include "crypto.h"
#include "fail.h"

#define DER_SEQUENCE 0x30
#define PEM_BEGIN "-----BEGIN "
#define DER_MAX 512 /* of an ECDSA-Sig-Value with the longest curve */

/* A TPM2B around the structure, or the structure itself. */
static struct ratls_slice unwrap(struct ratls_slice bytes)
{
    struct ratls_reader r = ratls_reader(bytes);
    uint16_t len = ratls_read_u16(&r);

    return !r.failed && len == r.rest.len && len > 0 ? r.rest : bytes;
}

bool ratls_is_attestation(struct ratls_slice bytes, struct ratls_slice *ret_attest)
{
    struct ratls_slice inner = unwrap(bytes);
    struct ratls_reader r = ratls_reader(inner);

    if (ratls_read_u32(&r) != RATLS_TPM_GENERATED || r.failed)
        return false;
    *ret_attest = inner;
    return true;
}

bool ratls_is_quote(struct ratls_slice attest)
{
    struct ratls_reader r = ratls_reader(attest);

    ratls_read_u32(&r);
    return ratls_read_u16(&r) == RATLS_TPM_ST_ATTEST_QUOTE && !r.failed;
}

static EVP_PKEY *read_tpm_key(struct ratls_slice bytes)
{
    struct ratls_tpm_public area;
    EVP_PKEY *key = NULL;

    if (!ratls_tpm_read_public(bytes, &area) && !ratls_tpm_read_public(unwrap(bytes), &area))
        return NULL;
    return ratls_public_key(&area, &key, NULL) == RATLS_OK ? key : NULL;
}

/* Behind a certificate that was read from a TPM's NV memory there may be what fills it. */
static EVP_PKEY *read_certificate(struct ratls_slice bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.len);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    const uint8_t *p = bytes.p;
    EVP_PKEY *key;

    BIO_free(bio);
    if (certificate == NULL)
        certificate = d2i_X509(NULL, &p, (long)bytes.len);
    key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
    X509_free(certificate);
    return key;
}

static EVP_PKEY *read_public_key(struct ratls_slice bytes)
{
    const uint8_t *p = bytes.p;
    size_t len = bytes.len;
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(
        &key, NULL, NULL, NULL, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, NULL, NULL);

    if (decoder != NULL && OSSL_DECODER_from_data(decoder, &p, &len) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    OSSL_DECODER_CTX_free(decoder);
    return key;
}

/* Asked before OpenSSL's decoders, which are slow to find that they know nothing. */
static bool may_be_encoded(struct ratls_slice bytes)
{
    return bytes.p[0] == DER_SEQUENCE ||
           memmem(bytes.p, bytes.len, PEM_BEGIN, strlen(PEM_BEGIN)) != NULL;
}

EVP_PKEY *ratls_ak_read(struct ratls_slice bytes)
{
    EVP_PKEY *key;

    if (bytes.len == 0)
        return NULL;
    key = read_tpm_key(bytes);
    if (key != NULL || !may_be_encoded(bytes))
        return key;
    key = read_certificate(bytes);
    return key == NULL ? read_public_key(bytes) : key;
}

struct ratls_signature_file ratls_signature_file(struct ratls_slice bytes)
{
    struct ratls_signature_file signature = {.alone = ratls_slice(NULL, 0)};

    if (!ratls_tpm_read_signature(bytes, &signature.tpmt) &&
        !ratls_tpm_read_signature(unwrap(bytes), &signature.tpmt))
        signature.alone = bytes;
    return signature;
}

/* False also where OpenSSL cannot: another kind of key, say. */
static bool verify(EVP_PKEY *key, const char *hash, int padding, struct ratls_slice signature,
                   struct ratls_slice message)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* belongs to ctx */
    bool is_good = ctx != NULL &&
                   EVP_DigestVerifyInit_ex(ctx, &options, hash, NULL, NULL, key, NULL) == 1 &&
                   (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1) &&
                   EVP_DigestVerify(ctx, signature.p, signature.len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return is_good;
}

/* The DER that OpenSSL wants; 0 bytes if it cannot be made. */
static size_t encode_ecdsa(struct ratls_slice r, struct ratls_slice s, uint8_t out[static DER_MAX])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r_number = BN_bin2bn(r.p, (int)r.len, NULL);
    BIGNUM *s_number = BN_bin2bn(s.p, (int)s.len, NULL);
    uint8_t *p = out;
    int len = 0;

    if (pair != NULL && ECDSA_SIG_set0(pair, r_number, s_number) == 1) {
        r_number = s_number = NULL;
        if (i2d_ECDSA_SIG(pair, NULL) <= DER_MAX)
            len = i2d_ECDSA_SIG(pair, &p);
    }
    BN_free(r_number);
    BN_free(s_number);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

static bool verify_ecdsa(EVP_PKEY *key, const char *hash, struct ratls_slice r,
                         struct ratls_slice s, struct ratls_slice message)
{
    uint8_t der[DER_MAX];
    size_t len = encode_ecdsa(r, s, der);

    return len > 0 && verify(key, hash, 0, ratls_slice(der, len), message);
}

static bool verify_tpmt(const struct ratls_tpm_signature *signature, EVP_PKEY *key,
                        struct ratls_slice message)
{
    const char *hash = ratls_bank_method(signature->hash);

    if (hash == NULL || EVP_PKEY_is_a(key, "EC") != (signature->alg == RATLS_ALG_ECDSA))
        return false;
    if (signature->alg == RATLS_ALG_ECDSA)
        return verify_ecdsa(key, hash, signature->r, signature->s, message);
    return verify(key, hash,
                  signature->alg == RATLS_ALG_RSAPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING,
                  signature->rsa, message);
}

static bool verify_alone(struct ratls_slice signature, EVP_PKEY *key, const char *hash,
                         struct ratls_slice message)
{
    const struct ratls_slice r = {signature.p, signature.len / 2};
    const struct ratls_slice s = {signature.p + signature.len / 2, signature.len / 2};

    if (!EVP_PKEY_is_a(key, "EC"))
        return verify(key, hash, RSA_PKCS1_PADDING, signature, message) ||
               verify(key, hash, RSA_PKCS1_PSS_PADDING, signature, message);
    return verify(key, hash, 0, signature, message) ||
           (signature.len % 2 == 0 && verify_ecdsa(key, hash, r, s, message));
}

enum ratls_status ratls_signature_file_check(const struct ratls_signature_file *signature,
                                             EVP_PKEY *key, struct ratls_slice message,
                                             bool *ret_good, uint16_t *ret_hash,
                                             struct ratls_error *err)
{
    static const uint16_t hashes[] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384, RATLS_ALG_SHA512,
                                      RATLS_ALG_SHA1};

    if (!EVP_PKEY_is_a(key, "EC") && !EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "RSA-PSS"))
        return ratls_fail(err, RATLS_USAGE, "the key is neither of RSA nor of an elliptic curve");
    *ret_hash = signature->tpmt.hash;
    if (signature->alone.len == 0) {
        *ret_good = verify_tpmt(&signature->tpmt, key, message);
        return RATLS_OK;
    }
    *ret_good = false;
    for (size_t i = 0; !*ret_good && i < sizeof hashes / sizeof *hashes; i++) {
        *ret_good = verify_alone(signature->alone, key, ratls_bank_method(hashes[i]), message);
        if (*ret_good)
            *ret_hash = hashes[i];
    }
    return RATLS_OK;
}
