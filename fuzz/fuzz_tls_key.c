/* Targets: ratls_tls_key_item_read, ratls_tls_key_item_write, ratls_tpm_read_certify. */
#include <string.h>

#include "evidence.h"
#include "fuzz.h"
#include "tls_key_item.h"
#include "tpm_wire.h"

static void check_item(struct ratls_slice in, const struct ratls_tls_key_item *item)
{
    uint8_t out[RATLS_TLS_KEY_ITEM_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    FUZZ_CHECK(in.len <= RATLS_TLS_KEY_ITEM_MAX);
    FUZZ_CHECK(item->public_area.len - 1 < RATLS_TPM_STRUCTURE_MAX);
    FUZZ_CHECK(item->attest.len - 1 < RATLS_TPM_STRUCTURE_MAX);
    FUZZ_CHECK(item->signature.p + item->signature.len == in.p + in.len);
    ratls_tls_key_item_write(item, &w);
    FUZZ_CHECK(!w.failed && ratls_slice_equal(ratls_writer_slice(&w), in));
}

static void check_certify(struct ratls_slice in)
{
    struct ratls_tpm_attest attest;
    struct ratls_slice name;

    if (!ratls_tpm_read_certify(in, &attest, &name))
        return;
    FUZZ_CHECK(attest.raw.p == in.p && attest.raw.len == in.len);
    FUZZ_CHECK(name.len <= RATLS_TPM_NAME_MAX && name.len <= in.len);
    FUZZ_CHECK(attest.type == RATLS_TPM_ST_ATTEST_CERTIFY || name.len == 0);
    FUZZ_CHECK(attest.selection.count == 0 && attest.pcr_digest.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    struct ratls_tls_key_item item;

    if (ratls_tls_key_item_read(in, &item)) {
        check_item(in, &item);
        check_certify(item.attest);
    }
    check_certify(in);
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
