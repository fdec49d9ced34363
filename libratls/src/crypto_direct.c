/* Deprecated since 3.0 in favour of EVP, which is right for whoever hashes more than 64 bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto_direct.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <string.h>

#ifdef OPENSSL_NO_DEPRECATED_3_0

bool ratls_direct_stands_for(const EVP_MD *method, uint16_t alg)
{
    (void)method;
    (void)alg;
    return false;
}

bool ratls_direct_digest(uint16_t alg, const struct ratls_slice *parts, size_t count, uint8_t *out)
{
    (void)alg;
    (void)parts;
    (void)count;
    (void)out;
    return false;
}

bool ratls_direct_secret_digest(uint16_t alg, const struct ratls_slice *parts, size_t count,
                                uint8_t *out)
{
    (void)alg;
    (void)parts;
    (void)count;
    (void)out;
    return false;
}

EVP_PKEY *ratls_direct_ec_key(int nid, struct ratls_slice point)
{
    (void)nid;
    (void)point;
    return NULL;
}

bool ratls_direct_ecdsa(EVP_PKEY *key, const struct ratls_tpm_signature *signature,
                        struct ratls_slice digest, bool *ret_valid)
{
    (void)key;
    (void)signature;
    (void)digest;
    (void)ret_valid;
    return false;
}

#else

static bool is_default(const OSSL_PROVIDER *provider)
{
    const char *name = provider == NULL ? NULL : OSSL_PROVIDER_get0_name(provider);

    return name != NULL && strcmp(name, "default") == 0;
}

bool ratls_direct_stands_for(const EVP_MD *method, uint16_t alg)
{
    return is_default(EVP_MD_get0_provider(method)) &&
           (alg == RATLS_ALG_SHA1 || alg == RATLS_ALG_SHA256 || alg == RATLS_ALG_SHA384 ||
            alg == RATLS_ALG_SHA512);
}

/* One function for each algorithm, which differ in nothing but OpenSSL's names. */
#define DIGEST(name, context, init, update, final, wipe)                                           \
    static bool name(const struct ratls_slice *parts, size_t count, uint8_t *out)                  \
    {                                                                                              \
        context c;                                                                                 \
        bool is_good = init(&c) == 1;                                                              \
                                                                                                   \
        for (size_t i = 0; is_good && i < count; i++)                                              \
            if (parts[i].len > 0)                                                                  \
                is_good = update(&c, parts[i].p, parts[i].len) == 1;                               \
        is_good = is_good && final(out, &c) == 1;                                                  \
        wipe(&c, sizeof c);                                                                        \
        return is_good;                                                                            \
    }

static void leave(const void *context, size_t len)
{
    (void)context, (void)len;
}

DIGEST(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final, leave)
DIGEST(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, leave)
DIGEST(sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final, leave)
DIGEST(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final, leave)
DIGEST(secret_sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, OPENSSL_cleanse)
DIGEST(secret_sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final, OPENSSL_cleanse)

bool ratls_direct_digest(uint16_t alg, const struct ratls_slice *parts, size_t count, uint8_t *out)
{
    switch (alg) {
    case RATLS_ALG_SHA1:
        return sha1(parts, count, out);
    case RATLS_ALG_SHA256:
        return sha256(parts, count, out);
    case RATLS_ALG_SHA384:
        return sha384(parts, count, out);
    case RATLS_ALG_SHA512:
        return sha512(parts, count, out);
    default:
        return false;
    }
}

bool ratls_direct_secret_digest(uint16_t alg, const struct ratls_slice *parts, size_t count,
                                uint8_t *out)
{
    switch (alg) {
    case RATLS_ALG_SHA256:
        return secret_sha256(parts, count, out);
    case RATLS_ALG_SHA384:
        return secret_sha384(parts, count, out);
    default:
        return false;
    }
}

/* NULL if memory is short. */
static ECDSA_SIG *make_pair(const struct ratls_tpm_signature *signature)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature->r.p, (int)signature->r.len, NULL);
    BIGNUM *s = BN_bin2bn(signature->s.p, (int)signature->s.len, NULL);

    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1)
        return pair;
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return NULL;
}

/* OpenSSL takes the key without const, and changes nothing of it. */
static EC_KEY *get_ec_key(EVP_PKEY *key)
{
    union {
        const EC_KEY *in;
        EC_KEY *out;
    } same = {.in = EVP_PKEY_get0_EC_KEY(key)};

    return same.out;
}

/* By its digests it shows which provider a program has chosen. */
static bool is_default_chosen(void)
{
    const EVP_MD *sha256 = ratls_digest_method(RATLS_ALG_SHA256);

    return sha256 != NULL && ratls_direct_stands_for(sha256, RATLS_ALG_SHA256);
}

/* To make one takes 12 us, to copy it 1. As fetched algorithms: never changes once set. */
static struct group {
    int nid;
    _Atomic(EC_GROUP *) group;
} groups[] = {{NID_X9_62_prime256v1, NULL}, {NID_secp384r1, NULL}, {NID_secp521r1, NULL}};

/* NULL: not one of these, or memory is short. */
static const EC_GROUP *find_group(int nid)
{
    EC_GROUP *known = NULL, *made;
    size_t i = 0;

    while (i < sizeof groups / sizeof *groups && groups[i].nid != nid)
        i++;
    if (i == sizeof groups / sizeof *groups)
        return NULL;
    known = atomic_load_explicit(&groups[i].group, memory_order_acquire);
    if (known != NULL)
        return known;
    made = EC_GROUP_new_by_curve_name(nid);
    if (made != NULL && !atomic_compare_exchange_strong(&groups[i].group, &known, made)) {
        EC_GROUP_free(made);
        return known;
    }
    return made;
}

EVP_PKEY *ratls_direct_ec_key(int nid, struct ratls_slice point)
{
    const EC_GROUP *group = is_default_chosen() ? find_group(nid) : NULL;
    EC_KEY *ec = group == NULL ? NULL : EC_KEY_new();
    EVP_PKEY *key = ec == NULL ? NULL : EVP_PKEY_new();
    /* Only points of the curve: EC_POINT_oct2point(3). */
    const bool is_made = key != NULL && EC_KEY_set_group(ec, group) == 1 &&
                         EC_KEY_oct2key(ec, point.p, point.len, NULL) == 1 &&
                         EVP_PKEY_set1_EC_KEY(key, ec) == 1;

    EC_KEY_free(ec);
    if (is_made)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* A key without a provider is one of those: nothing else of the library makes any. */
static bool may_be_direct(const EVP_PKEY *key)
{
    const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(key);

    return provider == NULL ? is_default_chosen() : is_default(provider);
}

bool ratls_direct_ecdsa(EVP_PKEY *key, const struct ratls_tpm_signature *signature,
                        struct ratls_slice digest, bool *ret_valid)
{
    EC_KEY *ec = may_be_direct(key) ? get_ec_key(key) : NULL;
    ECDSA_SIG *pair = ec == NULL ? NULL : make_pair(signature);

    if (pair == NULL)
        return false;
    *ret_valid = ECDSA_do_verify(digest.p, (int)digest.len, pair, ec) == 1;
    ECDSA_SIG_free(pair);
    return true;
}

#endif
