/* Targets: ratls_request_read, ratls_request_write, ratls_selection_valid. */
#include "fuzz.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    uint8_t out[RATLS_REQUEST_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_request request;

    if (ratls_request_read(in, &request) == RATLS_REQUEST_OK) {
        FUZZ_CHECK(ratls_selection_valid(&request.selection) || request.selection.count == 0);
        ratls_request_write(&request, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
