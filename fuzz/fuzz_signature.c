/* Targets: ratls_tpm_read_signature, and the writer of bytes.h as its inverse. */
#include "fuzz.h"
#include "tpm_wire.h"

static void write_sized(struct ratls_writer *w, struct ratls_slice bytes)
{
    ratls_write_u16(w, (uint16_t)bytes.len);
    ratls_write_bytes(w, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_tpm_signature signature;

    if (ratls_tpm_read_signature(in, &signature)) {
        ratls_write_u16(&w, signature.alg);
        ratls_write_u16(&w, signature.hash);
        if (signature.alg == RATLS_ALG_ECDSA) {
            write_sized(&w, signature.r);
            write_sized(&w, signature.s);
        } else {
            write_sized(&w, signature.rsa);
        }
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
