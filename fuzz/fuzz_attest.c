/* Targets: ratls_tpm_read_attest, ratls_tpm_selection_text, ratls_tpm_selection_values_len. */
#include <string.h>

#include "fuzz.h"
#include "tpm_wire.h"

static void check_selection(const struct ratls_tpm_selection *selection)
{
    char text[32];

    FUZZ_CHECK(selection->count <= RATLS_TPM_BANKS_MAX);
    for (size_t i = 0; i < selection->count; i++)
        FUZZ_CHECK(selection->banks[i].pcrs >> RATLS_PCR_COUNT == 0);
    for (size_t cap = 1; cap <= sizeof text; cap++) {
        ratls_tpm_selection_text(selection->banks, selection->count, text, cap);
        FUZZ_CHECK(strlen(text) < cap);
    }
    FUZZ_CHECK(ratls_tpm_selection_values_len(selection->banks, selection->count) <=
               RATLS_TPM_BANKS_MAX * RATLS_PCR_COUNT * 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_tpm_attest attest;
    char text[64];

    if (ratls_tpm_read_attest(ratls_slice(data, size), &attest)) {
        FUZZ_CHECK(attest.raw.p == data && attest.raw.len == size);
        FUZZ_CHECK(attest.qualified_signer.len <= RATLS_TPM_NAME_MAX);
        FUZZ_CHECK(attest.extra_data.len <= 66 && attest.pcr_digest.len <= 64);
        ratls_hex(attest.extra_data, text, sizeof text);
        ratls_escape(attest.qualified_signer, text, sizeof text);
        /* Nothing may be left behind the last field of a quote. */
        FUZZ_CHECK(attest.type != RATLS_TPM_ST_ATTEST_QUOTE ||
                   attest.pcr_digest.p + attest.pcr_digest.len == data + size);
        check_selection(&attest.selection);
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
