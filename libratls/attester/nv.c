#include "nv.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define NO_SESSION ESYS_TR_NONE
#define BLOCK_MIN 64 /* TPM 2.0 Part 2, 6.13: a smaller NV_BUFFER_MAX no TPM has */

enum ratls_status ratls_nv_list(struct ratls_tpm *tpm, uint32_t first, uint32_t last,
                                uint32_t out[static RATLS_NV_INDICES_MAX], size_t *ret_count,
                                struct ratls_error *err)
{
    size_t count = 0;
    bool more = true;

    while (more && first <= last) {
        TPMS_CAPABILITY_DATA *data = NULL;
        TPMI_YES_NO goes_on = TPM2_NO;
        TSS2_RC rc =
            Esys_GetCapability(tpm->esys, NO_SESSION, NO_SESSION, NO_SESSION, TPM2_CAP_HANDLES,
                               first, TPM2_MAX_CAP_HANDLES, &goes_on, &data);

        if (rc != TSS2_RC_SUCCESS)
            return ratls_tpm_fail(tpm, rc, "listing the TPM's NV memory", err);
        more = goes_on == TPM2_YES && data->data.handles.count > 0;
        for (UINT32 i = 0; i < data->data.handles.count; i++) {
            const uint32_t index = data->data.handles.handle[i];

            more = more && index < last;
            if (index > last || count == RATLS_NV_INDICES_MAX)
                continue;
            out[count++] = index;
            first = index + 1;
        }
        Esys_Free(data);
    }
    *ret_count = count;
    return RATLS_OK;
}

static enum ratls_status find_block(struct ratls_tpm *tpm, size_t *ret_block,
                                    struct ratls_error *err)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    size_t block = BLOCK_MIN;
    TSS2_RC rc =
        Esys_GetCapability(tpm->esys, NO_SESSION, NO_SESSION, NO_SESSION, TPM2_CAP_TPM_PROPERTIES,
                           TPM2_PT_NV_BUFFER_MAX, 1, &more, &data);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "asking how the TPM's NV memory is read", err);
    if (data->data.tpmProperties.count > 0 &&
        data->data.tpmProperties.tpmProperty[0].property == TPM2_PT_NV_BUFFER_MAX &&
        data->data.tpmProperties.tpmProperty[0].value > block)
        block = data->data.tpmProperties.tpmProperty[0].value;
    Esys_Free(data);
    *ret_block = block < TPM2_MAX_NV_BUFFER_SIZE ? block : TPM2_MAX_NV_BUFFER_SIZE;
    return RATLS_OK;
}

static enum ratls_status read_blocks(struct ratls_tpm *tpm, ESYS_TR nv, ESYS_TR who, uint8_t *bytes,
                                     size_t len, struct ratls_error *err)
{
    size_t block = 0, done = 0;
    enum ratls_status status = find_block(tpm, &block, err);

    while (status == RATLS_OK && done < len) {
        const size_t wanted = len - done < block ? len - done : block;
        TPM2B_MAX_NV_BUFFER *data = NULL;
        TSS2_RC rc = Esys_NV_Read(tpm->esys, who, nv, ESYS_TR_PASSWORD, NO_SESSION, NO_SESSION,
                                  (UINT16)wanted, (UINT16)done, &data);

        if (rc != TSS2_RC_SUCCESS)
            return ratls_tpm_fail(tpm, rc, "reading the TPM's NV memory", err);
        if (data->size != wanted)
            status = ratls_fail(err, RATLS_TPM, "reading the TPM's NV memory: %u bytes, not %zu",
                                data->size, wanted);
        else
            memcpy(bytes + done, data->buffer, wanted);
        done += wanted;
        Esys_Free(data);
    }
    return status;
}

static enum ratls_status read_whole(struct ratls_tpm *tpm, ESYS_TR nv, const TPMS_NV_PUBLIC *area,
                                    uint8_t **ret_bytes, struct ratls_error *err)
{
    const ESYS_TR who = (area->attributes & TPMA_NV_AUTHREAD) != 0 ? nv : ESYS_TR_RH_OWNER;
    enum ratls_status status;
    uint8_t *bytes;

    if ((area->attributes & TPMA_NV_WRITTEN) == 0)
        return ratls_fail(err, RATLS_TPM, "NV index 0x%08x was never written", area->nvIndex);
    if (area->dataSize > RATLS_NV_MAX)
        return ratls_fail(err, RATLS_LIMIT, "NV index 0x%08x has %u bytes", area->nvIndex,
                          area->dataSize);
    bytes = malloc(area->dataSize == 0 ? 1 : area->dataSize);
    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = read_blocks(tpm, nv, who, bytes, area->dataSize, err);
    if (status == RATLS_OK)
        *ret_bytes = bytes;
    else
        free(bytes);
    return status;
}

enum ratls_status ratls_nv_read(struct ratls_tpm *tpm, uint32_t index, uint8_t **ret_bytes,
                                size_t *ret_len, struct ratls_error *err)
{
    TPM2B_NV_PUBLIC *area = NULL;
    ESYS_TR nv = ESYS_TR_NONE;
    enum ratls_status status = RATLS_OK;
    TSS2_RC rc;

    rc = Esys_TR_FromTPMPublic(tpm->esys, index, NO_SESSION, NO_SESSION, NO_SESSION, &nv);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "opening an index of the TPM's NV memory", err);
    rc = Esys_NV_ReadPublic(tpm->esys, nv, NO_SESSION, NO_SESSION, NO_SESSION, &area, NULL);
    if (rc != TSS2_RC_SUCCESS)
        status = ratls_tpm_fail(tpm, rc, "an index of the TPM's NV memory", err);
    if (status == RATLS_OK)
        status = read_whole(tpm, nv, &area->nvPublic, ret_bytes, err);
    if (status == RATLS_OK)
        *ret_len = area->nvPublic.dataSize;
    Esys_Free(area);
    Esys_TR_Close(tpm->esys, &nv);
    return status;
}
