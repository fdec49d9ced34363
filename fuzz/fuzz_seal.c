/* Target: ratls_seal_read. What is read is written as it was, and has a policy. */
#include <string.h>

#include "fuzz.h"
#include "seal_authority.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[RATLS_SEAL_MAX];
    static struct ratls_seal_authority authority;
    const unsigned long before = fuzz_allocations();
    struct ratls_writer w = ratls_writer(again, sizeof again);
    uint8_t policy[RATLS_SEAL_DIGEST_LEN];
    struct ratls_seal seal;
    bool is_valid = true;

    if (!ratls_seal_read(ratls_slice(data, size), &seal))
        return 0;
    FUZZ_CHECK(fuzz_allocations() == before);
    ratls_seal_write(&seal, &w);
    FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), ratls_slice(data, size)));
    FUZZ_CHECK(ratls_seal_policy(&seal, policy, NULL) == RATLS_OK);
    /* Of nobody, whatever it says. */
    memcpy(authority.name, seal.authority.p, sizeof authority.name);
    FUZZ_CHECK(ratls_seal_authority_verify(&authority, &seal, &is_valid, NULL) == RATLS_OK);
    FUZZ_CHECK(!is_valid);
    return 0;
}
