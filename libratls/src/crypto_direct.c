/* Deprecated since 3.0 in favour of EVP, which is right for whoever hashes more than 64 bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto_direct.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
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

#else

bool ratls_direct_stands_for(const EVP_MD *method, uint16_t alg)
{
    const OSSL_PROVIDER *provider = EVP_MD_get0_provider(method);
    const char *name = provider == NULL ? NULL : OSSL_PROVIDER_get0_name(provider);

    return name != NULL && strcmp(name, "default") == 0 &&
           (alg == RATLS_ALG_SHA1 || alg == RATLS_ALG_SHA256 || alg == RATLS_ALG_SHA384 ||
            alg == RATLS_ALG_SHA512);
}

/* One function for each algorithm, which differ in nothing but OpenSSL's names. */
#define DIGEST(name, context, init, update, final)                                                 \
    static bool name(const struct ratls_slice *parts, size_t count, uint8_t *out)                  \
    {                                                                                              \
        context c;                                                                                 \
        bool is_good = init(&c) == 1;                                                              \
                                                                                                   \
        for (size_t i = 0; is_good && i < count; i++)                                              \
            if (parts[i].len > 0)                                                                  \
                is_good = update(&c, parts[i].p, parts[i].len) == 1;                               \
        return is_good && final(out, &c) == 1;                                                     \
    }

DIGEST(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final)
DIGEST(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final)
DIGEST(sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final)
DIGEST(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final)

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

#endif
