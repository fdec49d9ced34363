#include "measured.h"

#include "crypto.h"
#include "evidence.h"
#include "fail.h"
#include "tpm_wire.h"

#define LABEL "ratls-state" /* with its NUL */

/* The formula stands in attester.h: who brings an attester of his own follows it. */
enum ratls_status ratls_measured_digest(const struct ratls_measured *measured,
                                        uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                        struct ratls_error *err)
{
    static const char label[] = LABEL;
    uint8_t counters[8];
    struct ratls_writer w = ratls_writer(counters, sizeof counters);
    const struct ratls_slice parts[] = {ratls_slice(label, sizeof label), measured->signer,
                                        ratls_slice(counters, sizeof counters),
                                        measured->pcr_values};

    if (measured->signer.len > RATLS_TPM_NAME_MAX ||
        measured->pcr_values.len > RATLS_PCR_VALUES_MAX)
        return ratls_fail(err, RATLS_LIMIT, "a key or PCR values are too long");
    ratls_write_u32(&w, measured->reset_count);
    ratls_write_u32(&w, measured->restart_count);
    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, ret_digest, err);
}

enum ratls_status ratls_measured_quote(struct ratls_slice in, struct ratls_slice pcr_values,
                                       uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                       struct ratls_error *err)
{
    struct ratls_tpm_attest attest;
    struct ratls_measured measured;

    if (!ratls_tpm_read_attest(in, &attest))
        return ratls_fail(err, RATLS_MALFORMED, "the quote cannot be read");
    measured = (struct ratls_measured){.signer = attest.qualified_signer,
                                       .reset_count = attest.reset_count,
                                       .restart_count = attest.restart_count,
                                       .pcr_values = pcr_values};
    return ratls_measured_digest(&measured, ret_digest, err);
}

enum ratls_status ratls_measured_evidence(struct ratls_slice in,
                                          uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                          struct ratls_error *err)
{
    struct ratls_evidence evidence;

    if (!ratls_evidence_read(in, &evidence) || !evidence.has_quote)
        return ratls_fail(err, RATLS_MALFORMED, "the evidence has no quote that can be read");
    return ratls_measured_quote(evidence.attest, evidence.pcr_values, ret_digest, err);
}
