/* Targets: ratls_ek_nv_certificate, ratls_ek_nv_chain. */
#include "ek_nv.h"
#include "fuzz.h"

static size_t check_chain(struct ratls_slice content, const struct ratls_slice *chain, size_t count)
{
    size_t used = 0;

    FUZZ_CHECK(count <= RATLS_EK_CHAIN_MAX);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(chain[i].p == content.p + used && chain[i].len > 0);
        used += chain[i].len;
    }
    FUZZ_CHECK(used <= content.len);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ratls_slice content = ratls_slice(data, size);
    const unsigned long before = fuzz_allocations();
    struct ratls_slice chain[RATLS_EK_CHAIN_MAX], certificate;
    bool has_one = ratls_ek_nv_certificate(content, &certificate);
    size_t count = 0;

    if (has_one)
        FUZZ_CHECK(certificate.p == data && certificate.len > 0 && certificate.len <= size);
    if (ratls_ek_nv_chain(content, chain, &count)) {
        check_chain(content, chain, count);
        FUZZ_CHECK(has_one == (count == 1));
    } else {
        FUZZ_CHECK(!has_one);
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
