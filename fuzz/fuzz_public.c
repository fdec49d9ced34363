/* Targets: ratls_tpm_read_public. */
#include "fuzz.h"
#include "tpm_wire.h"

static void check_rsa(const struct ratls_tpm_public *key, const uint8_t *end)
{
    FUZZ_CHECK(key->rsa_exponent != 0);
    FUZZ_CHECK(key->rsa_modulus.len <= 512);
    FUZZ_CHECK(key->rsa_modulus.p + key->rsa_modulus.len == end);
    FUZZ_CHECK(key->curve == 0 && key->x.len == 0 && key->y.len == 0);
}

static void check_ecc(const struct ratls_tpm_public *key, const uint8_t *end)
{
    FUZZ_CHECK(key->curve != 0 && key->x.len <= 128 && key->y.len <= 128);
    FUZZ_CHECK(key->y.p + key->y.len == end);
    FUZZ_CHECK(key->rsa_bits == 0 && key->rsa_modulus.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_tpm_public key;

    if (ratls_tpm_read_public(ratls_slice(data, size), &key)) {
        FUZZ_CHECK(key.raw.p == data && key.raw.len == size);
        FUZZ_CHECK(key.auth_policy.len <= 64);
        if (key.type == RATLS_ALG_RSA)
            check_rsa(&key, data + size);
        else
            check_ecc(&key, data + size);
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
