#include "pcrs.h"

#include <string.h>

#include "fail.h"
#include "tpm_wire.h"

#define SELECTION_TEXT_MAX 160

static uint32_t read_bitmap(const TPMS_PCR_SELECTION *bank)
{
    uint32_t pcrs = 0;
    unsigned octet;

    for (octet = 0; octet < bank->sizeofSelect && octet < RATLS_PCR_COUNT / 8; octet++)
        pcrs |= (uint32_t)bank->pcrSelect[octet] << (8 * octet);
    return pcrs;
}

/* Keeps the banks in ascending order, as attester.h wants them. */
static void insert_bank(struct ratls_pcr_selection *selection, struct ratls_pcr_bank bank)
{
    size_t i = selection->count;

    while (i > 0 && selection->banks[i - 1].hash_alg > bank.hash_alg) {
        selection->banks[i] = selection->banks[i - 1];
        i--;
    }
    selection->banks[i] = bank;
    selection->count++;
}

static bool is_supported_bank(uint16_t alg)
{
    return alg == RATLS_ALG_SHA256 || alg == RATLS_ALG_SHA384 || alg == RATLS_ALG_SHA512;
}

enum ratls_status ratls_pcrs_allocated(struct ratls_tpm *tpm,
                                       struct ratls_pcr_selection *ret_selection,
                                       struct ratls_error *err)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    struct ratls_pcr_selection selection = {0};
    const TPML_PCR_SELECTION *assigned;
    TPMI_YES_NO more;
    TSS2_RC rc;
    size_t i;

    rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_PCRS, 0,
                            TPM2_MAX_CAP_BUFFER, &more, &data);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "asking the TPM for its PCR banks", err);
    assigned = &data->data.assignedPCR;
    for (i = 0; i < assigned->count && selection.count < RATLS_BANKS_MAX; i++) {
        struct ratls_pcr_bank bank = {assigned->pcrSelections[i].hash,
                                      read_bitmap(&assigned->pcrSelections[i])};

        if (is_supported_bank(bank.hash_alg) && bank.pcrs != 0)
            insert_bank(&selection, bank);
    }
    Esys_Free(data);
    if (selection.count == 0)
        return ratls_fail(err, RATLS_TPM,
                          "the TPM has no PCR bank of SHA-256, SHA-384 or SHA-512: allocate one "
                          "with tpm2_pcrallocate sha256:all and restart the machine");
    *ret_selection = selection;
    return RATLS_OK;
}

/* Where the value of a PCR lies among the values of the selection. */
static size_t value_offset(const struct ratls_pcr_selection *selection, size_t bank, unsigned pcr)
{
    struct ratls_pcr_bank before = selection->banks[bank];
    size_t offset = ratls_tpm_selection_values_len(selection->banks, bank);

    before.pcrs &= (1u << pcr) - 1;
    return offset + ratls_tpm_selection_values_len(&before, 1);
}

struct answer {
    TPML_PCR_SELECTION *selection;
    TPML_DIGEST *values;
    size_t next; /* value that was not taken yet */
};

/* Takes the values that the TPM returned for one bank, and strikes them off what remains. */
static bool take_bank(struct answer *answer, const struct ratls_pcr_selection *selection,
                      size_t bank, uint32_t *remaining, uint8_t *out)
{
    size_t len = ratls_tpm_hash_len(selection->banks[bank].hash_alg);
    uint32_t pcrs;
    unsigned pcr;

    if (bank >= answer->selection->count ||
        answer->selection->pcrSelections[bank].hash != selection->banks[bank].hash_alg)
        return false;
    pcrs = read_bitmap(&answer->selection->pcrSelections[bank]);
    if ((pcrs & ~*remaining) != 0)
        return false;
    for (pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        const TPM2B_DIGEST *value = &answer->values->digests[answer->next];

        if ((pcrs & 1u << pcr) == 0)
            continue;
        if (answer->next >= answer->values->count || value->size != len)
            return false;
        memcpy(out + value_offset(selection, bank, pcr), value->buffer, len);
        answer->next++;
    }
    *remaining &= ~pcrs;
    return true;
}

/* What the TPM leaves out of its answer, it does not have. */
static enum ratls_status fail_unallocated(const struct ratls_pcr_selection *remaining,
                                          struct ratls_error *err)
{
    struct ratls_pcr_selection missing = {0};
    char text[SELECTION_TEXT_MAX];
    size_t i;

    for (i = 0; i < remaining->count; i++)
        if (remaining->banks[i].pcrs != 0)
            missing.banks[missing.count++] = remaining->banks[i];
    ratls_tpm_selection_text(missing.banks, missing.count, text, sizeof text);
    return ratls_fail(err, RATLS_TPM,
                      "the TPM has not allocated the PCRs %s: ask for other PCRs, or allocate the "
                      "bank with tpm2_pcrallocate and restart the machine",
                      text);
}

/* One TPM2_PCR_Read: at most eight values. */
static enum ratls_status read_some(struct ratls_tpm *tpm,
                                   const struct ratls_pcr_selection *selection,
                                   struct ratls_pcr_selection *remaining, uint8_t *out,
                                   struct ratls_error *err)
{
    struct answer answer = {NULL, NULL, 0};
    TPML_PCR_SELECTION in;
    enum ratls_status status = RATLS_OK;
    UINT32 update_counter;
    TSS2_RC rc;
    size_t i;

    ratls_tpm_selection_out(remaining, &in);
    rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in, &update_counter,
                       &answer.selection, &answer.values);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "reading the PCRs", err);
    for (i = 0; i < selection->count && status == RATLS_OK; i++)
        if (!take_bank(&answer, selection, i, &remaining->banks[i].pcrs, out))
            status =
                ratls_fail(err, RATLS_TPM, "the TPM returned other PCRs than it was asked for");
    if (status == RATLS_OK && answer.next == 0)
        status = fail_unallocated(remaining, err);
    Esys_Free(answer.selection);
    Esys_Free(answer.values);
    return status;
}

static bool is_complete(const struct ratls_pcr_selection *remaining)
{
    size_t i;

    for (i = 0; i < remaining->count; i++)
        if (remaining->banks[i].pcrs != 0)
            return false;
    return true;
}

enum ratls_status ratls_pcrs_read(struct ratls_tpm *tpm,
                                  const struct ratls_pcr_selection *selection, uint8_t *out,
                                  size_t cap, size_t *ret_len, struct ratls_error *err)
{
    struct ratls_pcr_selection remaining = *selection;
    size_t len = ratls_tpm_selection_values_len(selection->banks, selection->count);
    enum ratls_status status;

    if (len == 0 || len > cap)
        return ratls_fail(err, RATLS_USAGE,
                          "a PCR selection that is empty, too large or of an "
                          "unknown hash");
    /* Every round takes at least one PCR or fails, so that the loop ends. */
    while (!is_complete(&remaining)) {
        status = read_some(tpm, selection, &remaining, out, err);
        if (status != RATLS_OK)
            return status;
    }
    *ret_len = len;
    return RATLS_OK;
}

enum ratls_status ratls_pcrs_update_counter(struct ratls_tpm *tpm, uint32_t *ret_counter,
                                            struct ratls_error *err)
{
    const TPML_PCR_SELECTION none = {.count = 0};
    TPML_PCR_SELECTION *selection = NULL;
    TPML_DIGEST *values = NULL;
    UINT32 counter;
    TSS2_RC rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &none, &counter,
                               &selection, &values);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "asking how often PCRs changed", err);
    Esys_Free(selection);
    Esys_Free(values);
    *ret_counter = counter;
    return RATLS_OK;
}
