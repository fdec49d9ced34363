/* What is known of a P-256 key of a TPM, without a TPM: its public area, and what it signs. */
#ifndef RATLS_TEST_TPM_P256_H
#define RATLS_TEST_TPM_P256_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "must.h"
#include "tpm_wire.h"

#define TPM_P256_POINT 65 /* both coordinates behind a 4 (SEC 1, 2.3.3) */

/* The area borrows the point. */
static inline struct ratls_tpm_public tpm_p256_area(EVP_PKEY *key, uint8_t point[TPM_P256_POINT])
{
    size_t len = 0;

    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, TPM_P256_POINT,
                                         &len) == 1);
    return (struct ratls_tpm_public){.type = RATLS_ALG_ECC,
                                     .scheme = RATLS_ALG_ECDSA,
                                     .scheme_hash = RATLS_ALG_SHA256,
                                     .curve = RATLS_CURVE_P256,
                                     .x = {point + 1, 32},
                                     .y = {point + 33, 32}};
}

/* The signature borrows r and s. */
static inline struct ratls_tpm_signature tpm_p256_sign(EVP_PKEY *key, const char *message,
                                                       uint8_t r[32], uint8_t s[32])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ECDSA_SIG *pair = NULL;
    uint8_t der[80];
    const uint8_t *p = der;
    size_t len = sizeof der;

    must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(ctx, der, &len, (const uint8_t *)message, strlen(message)) == 1);
    pair = d2i_ECDSA_SIG(NULL, &p, (long)len);
    must(pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), r, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(pair), s, 32) == 32);
    ECDSA_SIG_free(pair);
    EVP_MD_CTX_free(ctx);
    return (struct ratls_tpm_signature){
        .alg = RATLS_ALG_ECDSA, .hash = RATLS_ALG_SHA256, .r = {r, 32}, .s = {s, 32}};
}

#endif
