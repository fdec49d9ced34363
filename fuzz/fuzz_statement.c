/* Targets: ratls_statement_read, ratls_statement_write. */
#include "fuzz.h"
#include "statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    uint8_t out[RATLS_STATEMENT_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_statement statement;

    if (ratls_statement_read(in, &statement)) {
        ratls_statement_write(&statement, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
