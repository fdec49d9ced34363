/*
 * ROCA (CVE-2017-15361): RSA keys that a library of Infineon made in many TPMs, and that can be
 * factored by whoever has the public key.
 */
#ifndef RATLS_CRYPTO_ROCA_H
#define RATLS_CRYPTO_ROCA_H

#include <openssl/types.h>
#include <stdbool.h>

/*
 * Whether a key has their mark: Nemec et al., "The Return of Coppersmith's Attack", 2.2. False for
 * a key that is not RSA. A good key has the mark by chance once in about 2^27 keys.
 */
bool ratls_is_roca(const EVP_PKEY *key);
/* The same of the modulus alone: allocates nothing, so that no lack of memory hides the mark. */
bool ratls_is_roca_modulus(const BIGNUM *modulus);

#endif
