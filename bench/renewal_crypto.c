#include "renewal_crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "command.h"
#include "pki.h"

#define DIGEST 32
#define NONCE 32
#define TAG 16
#define CHALLENGE 96 /* bytes of a record, with its frame */
#define EVIDENCE 640
#define LABEL "EXPORTER-ratls-server"

struct renewal_crypto {
    SSL *ssl;
    EVP_PKEY *key;
    EVP_PKEY_CTX *verify;
    uint8_t signature[80];
    size_t signature_len;
    EVP_MD *sha256;
    EVP_CIPHER_CTX *seal, *open;
};

static const uint8_t zeros[1024];

/* The lengths are those of what renewal.c measures: eight PCRs, a key on P-256. */
static const size_t hashed[] = {
    91,         91, /* SubjectPublicKeyInfo, on each side */
    1,          1,  /* the map of certificates, which is empty: the key is known */
    220,            /* leaf */
    8 * DIGEST, 90, /* PCR values, TPMT_PUBLIC */
    129,            /* TPMS_ATTEST */
};

static void make_signature(struct renewal_crypto *crypto)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(crypto->key, NULL);

    crypto->signature_len = sizeof crypto->signature;
    bench_must(EVP_PKEY_sign_init(ctx) == 1 &&
                   EVP_PKEY_sign(ctx, crypto->signature, &crypto->signature_len, zeros, DIGEST) ==
                       1,
               "cannot sign");
    EVP_PKEY_CTX_free(ctx);
}

struct renewal_crypto *renewal_crypto_new(SSL *ssl)
{
    struct renewal_crypto *crypto = calloc(1, sizeof *crypto);

    bench_must(crypto != NULL, "out of memory");
    crypto->ssl = ssl;
    crypto->key = pki_key(PKI_P256);
    make_signature(crypto);
    crypto->verify = EVP_PKEY_CTX_new(crypto->key, NULL);
    crypto->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto->seal = EVP_CIPHER_CTX_new();
    crypto->open = EVP_CIPHER_CTX_new();
    bench_must(EVP_PKEY_verify_init(crypto->verify) == 1 && crypto->sha256 != NULL &&
                   EVP_EncryptInit_ex(crypto->seal, EVP_aes_256_gcm(), NULL, zeros, zeros) == 1 &&
                   EVP_DecryptInit_ex(crypto->open, EVP_aes_256_gcm(), NULL, zeros, zeros) == 1,
               "cannot prepare the cryptography");
    return crypto;
}

void renewal_crypto_free(struct renewal_crypto *crypto)
{
    EVP_PKEY_CTX_free(crypto->verify);
    EVP_PKEY_free(crypto->key);
    EVP_MD_free(crypto->sha256);
    EVP_CIPHER_CTX_free(crypto->seal);
    EVP_CIPHER_CTX_free(crypto->open);
    free(crypto);
}

static void carry_record(struct renewal_crypto *crypto, int len)
{
    uint8_t sealed[EVIDENCE], opened[EVIDENCE], tag[TAG];
    int out = 0;

    bench_must(EVP_EncryptInit_ex(crypto->seal, NULL, NULL, NULL, zeros) == 1 &&
                   EVP_EncryptUpdate(crypto->seal, sealed, &out, zeros, len) == 1 &&
                   EVP_EncryptFinal_ex(crypto->seal, sealed + out, &out) == 1 &&
                   EVP_CIPHER_CTX_ctrl(crypto->seal, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1 &&
                   EVP_DecryptInit_ex(crypto->open, NULL, NULL, NULL, zeros) == 1 &&
                   EVP_DecryptUpdate(crypto->open, opened, &out, sealed, len) == 1 &&
                   EVP_CIPHER_CTX_ctrl(crypto->open, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
                   EVP_DecryptFinal_ex(crypto->open, opened + out, &out) == 1,
               "cannot encrypt");
}

void renewal_crypto_run(struct renewal_crypto *crypto)
{
    uint8_t out[DIGEST];

    bench_must(RAND_bytes(out, NONCE) == 1, "no random numbers");
    for (int side = 0; side < 2; side++)
        bench_must(SSL_export_keying_material(crypto->ssl, out, DIGEST, LABEL, sizeof LABEL - 1,
                                              zeros, NONCE + 12, 1) == 1,
                   "no exporter");
    for (size_t i = 0; i < sizeof hashed / sizeof *hashed; i++)
        bench_must(EVP_Digest(zeros, hashed[i], out, NULL, crypto->sha256, NULL) == 1,
                   "cannot hash");
    bench_must(EVP_PKEY_verify(crypto->verify, crypto->signature, crypto->signature_len, zeros,
                               DIGEST) == 1,
               "cannot verify");
    carry_record(crypto, CHALLENGE);
    carry_record(crypto, EVIDENCE);
}
