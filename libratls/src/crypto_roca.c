#include "crypto_roca.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#define GENERATOR 65537

/*
 * A prime of such a key is a power of 65537 modulo each of these, and so is the modulus. Not those
 * of which 65537 generates the whole group, and which therefore tell nothing: they do no harm.
 */
static const unsigned primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                  47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                  107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

static bool is_power(unsigned value, unsigned prime)
{
    unsigned power = 1;

    do {
        if (power == value)
            return true;
        power = power * (GENERATOR % prime) % prime;
    } while (power != 1);
    return false;
}

bool ratls_is_roca_modulus(const BIGNUM *modulus)
{
    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        const BN_ULONG rest = BN_mod_word(modulus, primes[i]);

        if (rest == (BN_ULONG)-1 || !is_power((unsigned)rest, primes[i]))
            return false;
    }
    return true;
}

bool ratls_is_roca(const EVP_PKEY *key)
{
    BIGNUM *modulus = NULL;
    bool is_roca = EVP_PKEY_is_a(key, "RSA") &&
                   EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
                   ratls_is_roca_modulus(modulus);

    BN_free(modulus);
    return is_roca;
}
