#include "quote.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "crypto.h"
#include "fail.h"
#include "pcrs.h"
#include "request.h"
#include "tpm_wire.h"

#define TRIES_MAX 6 /* the first may only find that the remembered values are old */

static enum ratls_status sign_quote(struct ratls_tpm *tpm, ESYS_TR key,
                                    const TPML_PCR_SELECTION *selection,
                                    const TPM2B_DATA *qualifying, struct ratls_quote *quote,
                                    struct ratls_error *err)
{
    const TPMT_SIG_SCHEME scheme_of_key = {.scheme = TPM2_ALG_NULL};
    TPM2B_ATTEST *attest = NULL;
    TPMT_SIGNATURE *signature = NULL;
    enum ratls_status status = RATLS_OK;
    size_t len = 0;
    TSS2_RC rc;

    /* A password session with the empty password: an HMAC session would cost five quotes. */
    rc = Esys_Quote(tpm->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, qualifying,
                    &scheme_of_key, selection, &attest, &signature);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "quoting", err);
    rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, quote->signature, sizeof quote->signature, &len);
    if (rc != TSS2_RC_SUCCESS) {
        status = ratls_tpm_fail(tpm, rc, "the TPM's signature", err);
        goto out;
    }
    if (attest->size > sizeof quote->attest) {
        status = ratls_fail(err, RATLS_TPM, "the TPM's quote has %u bytes", attest->size);
        goto out;
    }
    memcpy(quote->attest, attest->attestationData, attest->size);
    quote->attest_len = attest->size;
    quote->signature_len = len;
out:
    Esys_Free(attest);
    Esys_Free(signature);
    return status;
}

/* *ret_agree: whether the values are those that were quoted. The AK's scheme hashes with SHA-256.
 */
static enum ratls_status compare_values(const struct ratls_quote *quote,
                                        const struct ratls_pcr_memory *memory, bool *ret_agree,
                                        struct ratls_error *err)
{
    uint8_t digest[RATLS_DIGEST_MAX];
    struct ratls_tpm_attest attest;
    enum ratls_status status;

    if (!ratls_tpm_read_attest(ratls_slice(quote->attest, quote->attest_len), &attest) ||
        attest.magic != RATLS_TPM_GENERATED || attest.type != RATLS_TPM_ST_ATTEST_QUOTE)
        return ratls_fail(err, RATLS_TPM, "the TPM answered with something that is not a quote");
    if (!ratls_selection_is(&memory->selection, attest.selection.banks, attest.selection.count))
        return ratls_fail(err, RATLS_TPM, "the TPM quoted other PCRs than it was asked for");
    status = ratls_sha256(ratls_slice(memory->values, memory->len), digest, err);
    if (status == RATLS_OK)
        *ret_agree = ratls_slice_equal(ratls_slice(digest, 32), attest.pcr_digest);
    return status;
}

/* Before the quote: reading says in words which PCRs the TPM does not have. */
static enum ratls_status recall_values(struct ratls_tpm *tpm,
                                       const struct ratls_pcr_selection *selection,
                                       struct ratls_pcr_memory *memory, struct ratls_error *err)
{
    const struct ratls_pcr_selection *last = &memory->selection;
    enum ratls_status status;
    size_t len = 0;

    if (memory->len > 0 && ratls_selection_is(selection, last->banks, last->count))
        return RATLS_OK;
    memory->len = 0;
    status = ratls_pcrs_read(tpm, selection, memory->values, sizeof memory->values, &len, err);
    memory->selection = *selection;
    memory->len = len;
    return status;
}

enum ratls_status ratls_quote_make(struct ratls_tpm *tpm, ESYS_TR key,
                                   const struct ratls_pcr_selection *selection,
                                   const uint8_t qualifying[RATLS_QUALIFYING_LEN],
                                   struct ratls_pcr_memory *memory, struct ratls_quote *ret_quote,
                                   struct ratls_error *err)
{
    TPM2B_DATA data = {.size = RATLS_QUALIFYING_LEN};
    TPML_PCR_SELECTION wanted;
    enum ratls_status status;
    bool agree = false;
    int tries;

    memcpy(data.buffer, qualifying, RATLS_QUALIFYING_LEN);
    ratls_tpm_selection_out(selection, &wanted);
    for (tries = 0; tries < TRIES_MAX; tries++) {
        status = recall_values(tpm, selection, memory, err);
        if (status == RATLS_OK)
            status = sign_quote(tpm, key, &wanted, &data, ret_quote, err);
        if (status == RATLS_OK)
            status = compare_values(ret_quote, memory, &agree, err);
        if (status != RATLS_OK)
            return status;
        if (agree) {
            memcpy(ret_quote->pcr_values, memory->values, memory->len);
            ret_quote->pcr_values_len = memory->len;
            return RATLS_OK;
        }
        memory->len = 0;
    }
    return ratls_fail(err, RATLS_TPM,
                      "a PCR moved between reading and quoting, %d times: leave out PCRs that "
                      "change all the time",
                      TRIES_MAX);
}
