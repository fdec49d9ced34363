#include "crypto_signer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "fail.h"

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 256

static void add_id(struct ratls_signer *signer, const uint8_t *bytes, size_t len)
{
    if (len < RATLS_SIGNER_ID_LEN)
        return;
    memcpy(signer->ids[signer->id_count++], bytes + len - RATLS_SIGNER_ID_LEN, RATLS_SIGNER_ID_LEN);
}

/* Whether key ids could be made. */
static bool make_ids(X509 *certificate, struct ratls_signer *signer)
{
    const ASN1_OCTET_STRING *named = X509_get0_subject_key_id(certificate);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_pubkey_digest(certificate, EVP_sha1(), digest, &len) != 1)
        return false;
    add_id(signer, digest, len);
    if (named != NULL)
        add_id(signer, ASN1_STRING_get0_data(named), (size_t)ASN1_STRING_length(named));
    return true;
}

static bool is_usable(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    return (EVP_PKEY_is_a(key, "RSA") && bits >= RSA_BITS_MIN) ||
           (EVP_PKEY_is_a(key, "EC") && bits >= EC_BITS_MIN);
}

enum ratls_status ratls_signer_init(X509 *certificate, struct ratls_signer *ret_signer,
                                    struct ratls_error *err)
{
    struct ratls_signer signer = {.key = X509_get_pubkey(certificate)};
    enum ratls_status status = RATLS_OK;

    if (signer.key == NULL)
        status = ratls_fail_openssl(err, "public key of a signer of files");
    else if (!is_usable(signer.key))
        status = ratls_fail(err, RATLS_USAGE,
                            "the key of a signer of files is neither RSA with %d bits or more, "
                            "nor ECDSA with %d or more",
                            RSA_BITS_MIN, EC_BITS_MIN);
    else if (!make_ids(certificate, &signer))
        status = ratls_fail_openssl(err, "key id of a signer of files");
    if (status == RATLS_OK)
        *ret_signer = signer;
    else
        EVP_PKEY_free(signer.key);
    return status;
}

void ratls_signer_done(struct ratls_signer *signer)
{
    EVP_PKEY_free(signer->key);
    *signer = (struct ratls_signer){0};
}

bool ratls_signer_has_id(const struct ratls_signer *signer, struct ratls_slice id)
{
    for (size_t i = 0; i < signer->id_count; i++)
        if (ratls_slice_equal(id, ratls_slice(signer->ids[i], RATLS_SIGNER_ID_LEN)))
            return true;
    return false;
}

/* 1 valid, 0 not, below 0 if OpenSSL could not get so far. */
static int verify(const struct ratls_signer *signer, const EVP_MD *md, struct ratls_slice digest,
                  struct ratls_slice signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, signer->key, NULL);
    int valid = -1;

    /* RSA signs the name of the digest, too; ECDSA does not, and to say it costs a fetch. */
    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
        (EVP_PKEY_is_a(signer->key, "RSA") &&
         (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
          EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)))
        goto out;
    valid = EVP_PKEY_verify(ctx, signature.p, signature.len, digest.p, digest.len) == 1;
out:
    EVP_PKEY_CTX_free(ctx);
    return valid;
}

enum ratls_status ratls_signer_verify(const struct ratls_signer *signer, uint16_t hash,
                                      struct ratls_slice digest, struct ratls_slice signature,
                                      bool *ret_valid, struct ratls_error *err)
{
    const EVP_MD *md = ratls_digest_method(hash);
    enum ratls_status status = RATLS_OK;
    int valid = 0;

    ERR_set_mark();
    if (ratls_tpm_is_strong_hash(hash) && md == NULL)
        status = ratls_fail_openssl(err, ratls_tpm_hash_name(hash));
    else if (md != NULL && digest.len == ratls_tpm_hash_len(hash) && signature.len > 0)
        valid = verify(signer, md, digest, signature);
    if (valid < 0)
        status = ratls_fail_openssl(err, "verification of the signature of a file");
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_valid = valid == 1;
    return status;
}
