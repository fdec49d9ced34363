#include "measured.h"

#include <stdlib.h>

#include "evidence.h"
#include "fail.h"
#include "tpm_wire.h"

#define LABEL "ratls-state" /* with its NUL */
#define MEASURED_MAX (sizeof LABEL + RATLS_TPM_NAME_MAX + 8 + RATLS_PCR_VALUES_MAX)

/* The formula stands in attester.h: who brings an attester of his own follows it. */
enum ratls_status ratls_measured_digest(const struct ratls_measured *measured,
                                        uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                        struct ratls_error *err)
{
    static const char label[] = LABEL;
    uint8_t *bytes = malloc(MEASURED_MAX);
    struct ratls_writer w = ratls_writer(bytes, MEASURED_MAX);
    enum ratls_status status;

    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ratls_write_bytes(&w, ratls_slice(label, sizeof label));
    ratls_write_bytes(&w, measured->signer);
    ratls_write_u32(&w, measured->reset_count);
    ratls_write_u32(&w, measured->restart_count);
    ratls_write_bytes(&w, measured->pcr_values);
    if (w.failed)
        status = ratls_fail(err, RATLS_LIMIT, "a key or PCR values are too long");
    else
        status = ratls_sha256(ratls_writer_slice(&w), ret_digest, err);
    free(bytes);
    return status;
}

enum ratls_status ratls_measured_evidence(struct ratls_slice in,
                                          uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                          struct ratls_error *err)
{
    struct ratls_evidence evidence;
    struct ratls_tpm_attest attest;
    struct ratls_measured measured;

    if (!ratls_evidence_read(in, &evidence) || !evidence.has_quote ||
        !ratls_tpm_read_attest(evidence.attest, &attest))
        return ratls_fail(err, RATLS_MALFORMED, "the evidence has no quote that can be read");
    measured = (struct ratls_measured){.signer = attest.qualified_signer,
                                       .reset_count = attest.reset_count,
                                       .restart_count = attest.restart_count,
                                       .pcr_values = evidence.pcr_values};
    return ratls_measured_digest(&measured, ret_digest, err);
}
