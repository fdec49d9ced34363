#include "credential.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "credential_seed.h"
#include "crypto.h"
#include "fail.h"
#include "tpm_kdf.h"
#include "tpm_wire.h"

#define AES_KEY_MAX 32
#define AES_BLOCK 16
#define BITS_PER_BYTE 8

/* Part 1, 24.4: AES in CFB mode with an initialization vector of zeros, for the key is new. */
static bool encrypt(uint16_t bits, const uint8_t *key, struct ratls_slice plain, uint8_t *out)
{
    static const uint8_t iv[AES_BLOCK];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, bits == 128 ? "AES-128-CFB" : "AES-256-CFB", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool done =
        cipher != NULL && ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, out, &len, plain.p, (int)plain.len) == 1 && (size_t)len == plain.len;

    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return done;
}

static enum ratls_status encrypt_value(const struct ratls_credential_wish *wish,
                                       struct ratls_slice seed, uint8_t *out, size_t *ret_len,
                                       struct ratls_error *err)
{
    uint8_t plain[sizeof(uint16_t) + RATLS_CREDENTIAL_MAX], key[AES_KEY_MAX];
    struct ratls_writer w = ratls_writer(plain, sizeof plain);
    enum ratls_status status = ratls_kdfa(wish->profile->name_alg, seed, "STORAGE", wish->name,
                                          wish->profile->aes_bits / BITS_PER_BYTE, key, err);

    ratls_write_u16(&w, (uint16_t)wish->value.len);
    ratls_write_bytes(&w, wish->value);
    if (status == RATLS_OK && !encrypt(wish->profile->aes_bits, key, ratls_writer_slice(&w), out))
        status = ratls_fail_openssl(err, "sealing a credential");
    *ret_len = w.len;
    OPENSSL_cleanse(plain, sizeof plain);
    OPENSSL_cleanse(key, sizeof key);
    return status;
}

/* Part 1, 24.5: over what is encrypted and the Name, so that it opens for no other key. */
static enum ratls_status sign_value(const struct ratls_credential_wish *wish,
                                    struct ratls_slice seed, struct ratls_slice encrypted,
                                    uint8_t *out, struct ratls_error *err)
{
    const size_t len = ratls_tpm_hash_len(wish->profile->name_alg);
    const struct ratls_slice parts[] = {encrypted, wish->name};
    uint8_t key[RATLS_DIGEST_MAX];
    enum ratls_status status =
        ratls_kdfa(wish->profile->name_alg, seed, "INTEGRITY", ratls_slice(NULL, 0), len, key, err);

    if (status == RATLS_OK)
        status = ratls_hmac(wish->profile->name_alg, ratls_slice(key, len), parts, 2, out, err);
    OPENSSL_cleanse(key, sizeof key);
    return status;
}

static enum ratls_status seal(const struct ratls_credential_wish *wish, struct ratls_slice seed,
                              struct ratls_credential *ret, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(ret->blob, sizeof ret->blob);
    uint8_t encrypted[sizeof(uint16_t) + RATLS_CREDENTIAL_MAX], integrity[RATLS_DIGEST_MAX];
    size_t len = 0;
    enum ratls_status status = encrypt_value(wish, seed, encrypted, &len, err);

    if (status == RATLS_OK)
        status = sign_value(wish, seed, ratls_slice(encrypted, len), integrity, err);
    if (status != RATLS_OK)
        return status;
    ratls_write_u16(&w, (uint16_t)seed.len);
    ratls_write_bytes(&w, ratls_slice(integrity, seed.len));
    ratls_write_bytes(&w, ratls_slice(encrypted, len));
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "a credential of %zu bytes", wish->value.len);
    ret->blob_len = w.len;
    return RATLS_OK;
}

enum ratls_status ratls_make_credential(const struct ratls_credential_wish *wish,
                                        struct ratls_credential *ret_credential,
                                        struct ratls_error *err)
{
    const size_t seed_len = ratls_tpm_hash_len(wish->profile->name_alg);
    struct ratls_credential made = {.blob_len = 0};
    uint8_t seed[RATLS_DIGEST_MAX];
    enum ratls_status status;

    if (wish->value.len == 0 || wish->value.len > seed_len)
        return ratls_fail(err, RATLS_USAGE, "a credential has 1 to %zu bytes", seed_len);
    if (!ratls_ek_fits(wish->profile, wish->key))
        return ratls_fail(err, RATLS_MALFORMED, "not a key of template %s (%s)",
                          wish->profile->name, wish->profile->key);
    status = ratls_credential_seed(wish, seed, &made, err);
    if (status == RATLS_OK)
        status = seal(wish, ratls_slice(seed, seed_len), &made, err);
    OPENSSL_cleanse(seed, sizeof seed);
    if (status == RATLS_OK)
        *ret_credential = made;
    return status;
}
