/* Target: ratls_roots_read. */
#include "fuzz.h"
#include "roots_file.h"

struct seen {
    size_t count;
    size_t len;
};

static enum ratls_status take(void *arg, struct ratls_slice der, struct ratls_error *err)
{
    struct seen *seen = arg;

    (void)err;
    seen->count++;
    seen->len += der.len;
    return RATLS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ratls_slice file = ratls_slice(data, size);
    struct seen seen = {0};
    bool whole = false;

    FUZZ_CHECK(ratls_roots_read(file, take, &seen, &whole, NULL) == RATLS_OK);
    FUZZ_CHECK(seen.len <= size);
    FUZZ_CHECK(ratls_roots_is_file(file) || (whole && seen.count == 1));
    return 0;
}
