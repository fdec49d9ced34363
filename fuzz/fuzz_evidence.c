/* Targets: ratls_evidence_read, ratls_evidence_write; and the readers of what lies in it. */
#include "evidence.h"
#include "fuzz.h"
#include "statement.h"
#include "tpm_wire.h"

static void read_items(const struct ratls_evidence *evidence)
{
    struct ratls_statement statement;
    struct ratls_tpm_attest attest;
    struct ratls_tpm_signature signature;
    struct ratls_tpm_public key;

    if (ratls_statement_read(evidence->statement, &statement))
        FUZZ_CHECK(statement.service.len <= RATLS_SERVICE_MAX);
    if (ratls_tpm_read_attest(evidence->attest, &attest))
        FUZZ_CHECK(attest.raw.len == evidence->attest.len);
    if (ratls_tpm_read_signature(evidence->signature, &signature))
        FUZZ_CHECK(signature.rsa.len < evidence->signature.len);
    if (ratls_tpm_read_public(evidence->ak_public, &key))
        FUZZ_CHECK(key.raw.len == evidence->ak_public.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    static uint8_t out[RATLS_EVIDENCE_MAX];
    struct ratls_slice in = ratls_slice(data, size);
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_evidence evidence;

    if (ratls_evidence_read(in, &evidence)) {
        ratls_evidence_write(&evidence, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
        read_items(&evidence);
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
