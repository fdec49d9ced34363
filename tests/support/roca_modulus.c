#include "roca_modulus.h"

#include <openssl/bn.h>

#include "must.h"

void roca_modulus(unsigned long more, uint8_t out[static ROCA_MODULUS_BYTES])
{
    BIGNUM *n = BN_new();

    must(n != NULL && BN_one(n) == 1 && BN_lshift(n, n, 1) == 1);
    for (BN_ULONG p = 3; p <= 167; p += 2)
        must(BN_mul_word(n, p) == 1);
    must(BN_lshift(n, n, 8 * ROCA_MODULUS_BYTES - BN_num_bits(n)) == 1);
    must(BN_add_word(n, 1 + more) == 1);
    must(BN_bn2binpad(n, out, ROCA_MODULUS_BYTES) == ROCA_MODULUS_BYTES);
    BN_free(n);
}
