/* Targets: ratls_challenge_read, ratls_challenge_write. */
#include "challenge.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    uint8_t out[RATLS_CHALLENGE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_challenge challenge;

    if (ratls_challenge_read(in, &challenge)) {
        FUZZ_CHECK(ratls_selection_valid(&challenge.request.selection));
        FUZZ_CHECK(challenge.period_ms <= RATLS_PERIOD_MAX_MS);
        ratls_challenge_write(&challenge, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
