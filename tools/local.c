#include "local.h"

#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "output.h"
#include "selection.h"

#define AK_PUBLIC_MAX 512

enum ratls_status ratls_local_key_read(const char *state_dir, struct ratls_local_key *ret_key,
                                       struct ratls_error *err)
{
    uint8_t bytes[AK_PUBLIC_MAX];
    struct ratls_tpm_public key;
    enum ratls_status status;
    size_t len = 0;

    status = ratls_tpm_ak_public(state_dir, bytes, sizeof bytes, &len, err);
    if (status != RATLS_OK)
        return status;
    if (!ratls_tpm_read_public(ratls_slice(bytes, len), &key))
        return ratls_fail(err, RATLS_MALFORMED, "%s: the attestation key is unreadable", state_dir);
    return ratls_tpm_name(&key, ret_key->name, &ret_key->name_len, err);
}

enum ratls_status ratls_local_attest(const struct ratls_tpm_options *options,
                                     const struct ratls_attest_request *request, uint8_t *out,
                                     size_t *ret_len, struct ratls_error *err)
{
    struct ratls_attester *attester = NULL;
    uint8_t *evidence = NULL;
    enum ratls_status status;

    status = ratls_tpm_attester_new(options, &attester, err);
    if (status != RATLS_OK)
        return status;
    ratls_progress("Waiting for the TPM");
    status = attester->attest(attester, request, &evidence, ret_len, err);
    ratls_progress_done();
    if (status == RATLS_OK)
        memcpy(out, evidence, *ret_len);
    free(evidence);
    attester->free(attester);
    return status;
}

enum ratls_status ratls_local_selection(const char *text, const char *if_none,
                                        const struct ratls_tpm_options *options,
                                        struct ratls_pcr_selection *ret_selection,
                                        struct ratls_error *err)
{
    struct ratls_pcr_selection allocated = {0};
    char remembered[RATLS_LOCAL_TCTI_MAX] = "";
    const char *tcti = options->tcti;
    enum ratls_status status;

    status = ratls_selection_parse(text == NULL ? if_none : text, ret_selection, err);
    if (status != RATLS_OK || text != NULL)
        return status;
    if (tcti == NULL) {
        status = ratls_local_tcti(options->state_dir, remembered, err);
        if (status != RATLS_OK)
            return status;
        tcti = remembered[0] == '\0' ? NULL : remembered;
    }
    status = ratls_tpm_pcr_selection(tcti, &allocated, err);
    if (status != RATLS_OK)
        return status;
    ratls_selection_intersect(ret_selection, &allocated);
    if (ret_selection->count == 0)
        return ratls_fail(err, RATLS_TPM,
                          "the TPM has no PCRs of the bank sha256 allocated; name others, for "
                          "example with --pcrs sha384:0-7");
    return RATLS_OK;
}
