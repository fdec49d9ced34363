#include "quote.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "crypto.h"
#include "fail.h"
#include "pcrs.h"
#include "tpm_wire.h"

#define TRIES_MAX 5

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

static bool is_same_selection(const struct ratls_tpm_selection *quoted,
                              const struct ratls_pcr_selection *wanted)
{
    size_t i;

    if (quoted->count != wanted->count)
        return false;
    for (i = 0; i < wanted->count; i++)
        if (quoted->banks[i].hash_alg != wanted->banks[i].hash_alg ||
            quoted->banks[i].pcrs != wanted->banks[i].pcrs)
            return false;
    return true;
}

/* *ret_agree: whether the values are those that were quoted. The AK's scheme hashes with SHA-256. */
static enum ratls_status compare_values(const struct ratls_quote *quote,
                                        const struct ratls_pcr_selection *selection,
                                        bool *ret_agree, struct ratls_error *err)
{
    uint8_t digest[RATLS_DIGEST_MAX];
    struct ratls_tpm_attest attest;
    enum ratls_status status;

    if (!ratls_tpm_read_attest(ratls_slice(quote->attest, quote->attest_len), &attest) ||
        attest.magic != RATLS_TPM_GENERATED || attest.type != RATLS_TPM_ST_ATTEST_QUOTE)
        return ratls_fail(err, RATLS_TPM, "the TPM answered with something that is not a quote");
    if (!is_same_selection(&attest.selection, selection))
        return ratls_fail(err, RATLS_TPM, "the TPM quoted other PCRs than it was asked for");
    status = ratls_sha256(ratls_slice(quote->pcr_values, quote->pcr_values_len), digest, err);
    if (status == RATLS_OK)
        *ret_agree = ratls_slice_equal(ratls_slice(digest, 32), attest.pcr_digest);
    return status;
}

enum ratls_status ratls_quote_make(struct ratls_tpm *tpm, ESYS_TR key,
                                   const struct ratls_pcr_selection *selection,
                                   const uint8_t qualifying[RATLS_QUALIFYING_LEN],
                                   struct ratls_quote *ret_quote, struct ratls_error *err)
{
    TPM2B_DATA data = {.size = RATLS_QUALIFYING_LEN};
    TPML_PCR_SELECTION wanted;
    enum ratls_status status;
    bool agree = false;
    int tries;

    memcpy(data.buffer, qualifying, RATLS_QUALIFYING_LEN);
    ratls_tpm_selection_out(selection, &wanted);
    for (tries = 0; tries < TRIES_MAX; tries++) {
        /* Values first: reading them says in words which PCRs the TPM does not have. */
        status = ratls_pcrs_read(tpm, selection, ret_quote->pcr_values,
                                 sizeof ret_quote->pcr_values, &ret_quote->pcr_values_len, err);
        if (status == RATLS_OK)
            status = sign_quote(tpm, key, &wanted, &data, ret_quote, err);
        if (status == RATLS_OK)
            status = compare_values(ret_quote, selection, &agree, err);
        if (status != RATLS_OK || agree)
            return status;
    }
    return ratls_fail(err, RATLS_TPM,
                      "a PCR moved between reading and quoting, %d times: leave out PCRs that "
                      "change all the time",
                      TRIES_MAX);
}
