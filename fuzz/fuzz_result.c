/*
 * Targets: ratls_cose_read, ratls_result_read, ratls_result_write; ratls_result_file_read for those
 * that are no CWT (which allocates: Jansson).
 */
#include "cose.h"
#include "fuzz.h"
#include "result_file.h"

static uint8_t first[RATLS_RESULT_MAX], again[RATLS_RESULT_MAX];

static bool is_in(struct ratls_slice part, struct ratls_slice whole)
{
    return part.len == 0 || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

/* Claims that are not known are passed over: what is written is the same from then on. */
static void check_claims(struct ratls_slice claims)
{
    struct ratls_writer w = ratls_writer(first, sizeof first);
    struct ratls_writer v = ratls_writer(again, sizeof again);
    struct ratls_result result, same;

    if (!ratls_result_read(claims, &result))
        return;
    FUZZ_CHECK(is_in(result.profile, claims) && is_in(result.ak_name, claims) &&
               is_in(result.server_name, claims) && is_in(result.key, claims));
    ratls_result_write(&result, &w);
    FUZZ_CHECK(!w.failed && w.len <= claims.len);
    FUZZ_CHECK(ratls_result_read(ratls_writer_slice(&w), &same));
    ratls_result_write(&same, &v);
    FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&v), ratls_writer_slice(&w)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    struct ratls_result_file file;
    struct ratls_cose cose;

    check_claims(in);
    if (ratls_cose_read(in, &cose)) {
        FUZZ_CHECK(is_in(cose.payload, in) && is_in(cose.signature, in));
        check_claims(cose.payload);
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    if (ratls_result_file_read(in, &file, NULL) == RATLS_OK) {
        FUZZ_CHECK(ratls_result_valid(&file.result));
        ratls_result_file_done(&file);
    }
    return 0;
}
