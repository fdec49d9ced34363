/* Targets: all of cbor.h. The input is a sequence of items, taken one by one as what they claim. */
#include <string.h>

#include "cbor.h"
#include "fuzz.h"

#define INPUT_MAX 4096

static void copy_item(struct ratls_cbor *c, struct ratls_writer *w)
{
    switch (c->rest.p[0] >> 5) { /* RFC 8949, 3.1: the major type */
    case 0:
        ratls_cbor_put_uint(w, ratls_cbor_uint(c, UINT64_MAX));
        break;
    case 2:
        ratls_cbor_put_bytes(w, ratls_cbor_bytes(c, 0, SIZE_MAX));
        break;
    case 3:
        ratls_cbor_put_text(w, ratls_cbor_text(c, 0, SIZE_MAX));
        break;
    case 4:
        ratls_cbor_put_array(w, ratls_cbor_array(c, 0, SIZE_MAX));
        break;
    case 5:
        ratls_cbor_put_map(w, ratls_cbor_map(c, 0, SIZE_MAX));
        break;
    default: /* negative integers, tags, floats, simple values: refused as what they are not */
        ratls_cbor_uint(c, UINT64_MAX);
        FUZZ_CHECK(c->failed);
    }
}

/* skip() goes on, and keeps within the input. */
static void skip_all(struct ratls_slice in)
{
    struct ratls_cbor c = ratls_cbor(in);
    size_t left = in.len;

    while (!c.failed && c.rest.len > 0) {
        ratls_cbor_skip(&c);
        FUZZ_CHECK(c.failed || c.rest.len < left);
        FUZZ_CHECK(c.rest.p + c.rest.len == in.p + in.len);
        left = c.rest.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    static uint8_t out[INPUT_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_cbor c = ratls_cbor(ratls_slice(data, size));

    if (size > INPUT_MAX)
        return 0;
    while (!c.failed && c.rest.len > 0)
        copy_item(&c, &w);
    FUZZ_CHECK(ratls_cbor_done(&c) == !c.failed);
    FUZZ_CHECK(c.failed || ratls_slice_equal(ratls_writer_slice(&w), ratls_slice(data, size)));
    skip_all(ratls_slice(data, size));
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
