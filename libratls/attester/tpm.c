#include "tpm.h"

#include <string.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "absence.h"
#include "fail.h"

#define PARAMETER_SHIFT 8

/* The resource manager of the kernel, and tpm2-abrmd, pass on codes of the TPM under a layer. */
static bool is_from_tpm(TSS2_RC rc)
{
    TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

    return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

TSS2_RC ratls_tpm_code(TSS2_RC rc)
{
    if (!is_from_tpm(rc))
        return rc;
    rc &= ~TSS2_RC_LAYER_MASK;
    return (rc & TPM2_RC_FMT1) != 0 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

static const struct hint {
    TSS2_RC code;
    const char *text;
} hints[] = {
    {TPM2_RC_LOCKOUT, "the TPM is in dictionary-attack lockout: wait for its recovery time, or run "
                      "tpm2_dictionarylockout --clear-lockout"},
    {TPM2_RC_RETRY, "the TPM is busy: try again"},
    {TPM2_RC_YIELDED, "the TPM is busy: try again"},
    {TPM2_RC_TESTING, "the TPM is testing itself: try again"},
    {TPM2_RC_NV_RATE, "the TPM limits how often it writes: try again later"},
    {TPM2_RC_NV_UNAVAILABLE, "the TPM cannot write now: try again later"},
    {TPM2_RC_NV_SPACE, "the TPM has no room for a persistent key: remove one with "
                       "tpm2_evictcontrol, or use a transient key"},
    {TPM2_RC_OBJECT_MEMORY, "no free slot for a key: use a TCTI with a resource manager, such as "
                            "device:/dev/tpmrm0, or tpm2_flushcontext -t"},
    {TPM2_RC_SESSION_MEMORY, "no free slot for a session: use a TCTI with a resource manager, such "
                             "as device:/dev/tpmrm0, or tpm2_flushcontext -l"},
    {TPM2_RC_BAD_AUTH, "the hierarchy has a password: it must be empty"},
    {TPM2_RC_AUTH_FAIL, "the hierarchy has a password: it must be empty"},
    {TPM2_RC_HASH, "the TPM does not have this algorithm: ask for other PCR banks"},
    {TPM2_RC_HIERARCHY, "a hierarchy that is needed is disabled: enable it in the firmware set-up"},
    {TPM2_RC_INITIALIZE, "the TPM was not started: the firmware does it, for a simulator run "
                         "tpm2_startup -c"},
    {TPM2_RC_FAILURE, "the TPM is in failure mode: power-cycle the machine"},
    {TSS2_TCTI_RC_IO_ERROR, "the connection to the TPM broke: is it still there?"},
    {TSS2_TCTI_RC_NO_CONNECTION, "the connection to the TPM broke: is it still there?"},
};

static const char *find_hint(TSS2_RC rc)
{
    TSS2_RC code = ratls_tpm_code(rc);
    size_t i;

    for (i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (hints[i].code == code)
            return hints[i].text;
    return NULL;
}

enum ratls_status ratls_tpm_fail(struct ratls_tpm *tpm, TSS2_RC rc, const char *what,
                                 struct ratls_error *err)
{
    const char *hint = find_hint(rc);
    /* tpm2-tss 3.2 has no words for what a resource manager passed on. */
    const char *words = Tss2_RC_Decode(is_from_tpm(rc) ? rc & ~TSS2_RC_LAYER_MASK : rc);

    tpm->last_rc = rc;
    return ratls_fail(err, RATLS_TPM, "%s: %s (0x%x)%s%s", what, words, rc,
                      hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
}

bool ratls_tpm_is_busy(const struct ratls_tpm *tpm)
{
    TSS2_RC code = ratls_tpm_code(tpm->last_rc);

    /* Without a resource manager, another process has the last session for as long as it quotes. */
    return code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED || code == TPM2_RC_TESTING ||
           code == TPM2_RC_SESSION_MEMORY || code == TSS2_TCTI_RC_TRY_AGAIN;
}

/* Part 2, 6.6: format one, bit P, and the number in bits 8 to 11. */
unsigned ratls_tpm_parameter(TSS2_RC rc)
{
    const TSS2_RC parameter = TPM2_RC_FMT1 | TPM2_RC_P;

    if (!is_from_tpm(rc) || (rc & parameter) != parameter)
        return 0;
    return (rc & TPM2_RC_N_MASK) >> PARAMETER_SHIFT;
}

/*
 * A parameter that the TPM refuses, such as a PCR bank that it does not know, comes from whoever
 * asks for evidence: it must not cost us the connection, and a transient key with it. After any
 * other error it is cheaper to open again than to find out what is left.
 */
bool ratls_tpm_is_broken(const struct ratls_tpm *tpm)
{
    if (ratls_tpm_parameter(tpm->last_rc) != 0)
        return false;
    return tpm->last_rc != TSS2_RC_SUCCESS && !ratls_tpm_is_busy(tpm);
}

bool ratls_tpm_no_object(TSS2_RC rc)
{
    return ratls_tpm_code(rc) == TPM2_RC_HANDLE;
}

enum ratls_status ratls_tpm_open(const char *tcti, struct ratls_tpm *ret_tpm,
                                 struct ratls_error *err)
{
    struct ratls_tpm tpm = {NULL, NULL, TSS2_RC_SUCCESS};
    enum ratls_status status = RATLS_OK;
    TSS2_RC rc;

    rc = Tss2_TctiLdr_Initialize(tcti, &tpm.tcti);
    if (rc != TSS2_RC_SUCCESS) {
        tpm.last_rc = rc;
        status = ratls_tpm_explain_absence(tcti, &tpm, err);
        goto out;
    }
    rc = Esys_Initialize(&tpm.esys, tpm.tcti, NULL);
    if (rc != TSS2_RC_SUCCESS)
        status = ratls_tpm_fail(&tpm, rc, "opening the TPM", err);
out:
    if (status != RATLS_OK) {
        ratls_tpm_close(&tpm);
        ret_tpm->last_rc = tpm.last_rc;
        return status;
    }
    *ret_tpm = tpm;
    return RATLS_OK;
}

void ratls_tpm_close(struct ratls_tpm *tpm)
{
    if (tpm->esys != NULL)
        Esys_Finalize(&tpm->esys);
    if (tpm->tcti != NULL)
        Tss2_TctiLdr_Finalize(&tpm->tcti);
}

bool ratls_tpm_is_open(const struct ratls_tpm *tpm)
{
    return tpm->esys != NULL;
}

enum ratls_status ratls_tpm_read_counters(struct ratls_tpm *tpm, uint32_t *ret_reset,
                                          uint32_t *ret_restart, struct ratls_error *err)
{
    TPMS_TIME_INFO *time = NULL;
    TSS2_RC rc = Esys_ReadClock(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &time);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "asking the TPM which boot this is", err);
    *ret_reset = time->clockInfo.resetCount;
    *ret_restart = time->clockInfo.restartCount;
    Esys_Free(time);
    return RATLS_OK;
}

enum ratls_status ratls_tpm_read_manufacturer(struct ratls_tpm *tpm, uint32_t *ret_manufacturer,
                                              struct ratls_error *err)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    TSS2_RC rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                    TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER, 1, &more, &data);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "asking the TPM who made it", err);
    *ret_manufacturer =
        data->data.tpmProperties.count > 0 ? data->data.tpmProperties.tpmProperty[0].value : 0;
    Esys_Free(data);
    return RATLS_OK;
}

void ratls_tpm_selection_out(const struct ratls_pcr_selection *selection, TPML_PCR_SELECTION *out)
{
    size_t i;
    size_t octet;

    memset(out, 0, sizeof *out);
    out->count = (UINT32)selection->count;
    for (i = 0; i < selection->count; i++) {
        TPMS_PCR_SELECTION *bank = &out->pcrSelections[i];

        bank->hash = selection->banks[i].hash_alg;
        bank->sizeofSelect = RATLS_PCR_COUNT / 8;
        for (octet = 0; octet < RATLS_PCR_COUNT / 8; octet++)
            bank->pcrSelect[octet] = (BYTE)(selection->banks[i].pcrs >> (8 * octet));
    }
}
