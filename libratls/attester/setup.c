/* What a person does once, before a server attests: make a key, look at what the TPM has. */
#include <ratls/attester_tpm.h>

#include <stdio.h>
#include <string.h>

#include "ak.h"
#include "crypto.h"
#include "fail.h"
#include "pcrs.h"

/* The old key goes last: until the folder names the new one, running servers need it. */
static enum ratls_status replace_key(struct ratls_tpm *tpm, const char *folder,
                                     struct ratls_ak_state *state, bool persistent,
                                     struct ratls_error *err)
{
    struct ratls_ak_state old = {0};
    bool has_old = ratls_ak_state_load(folder, &old, NULL) == RATLS_OK;
    enum ratls_status status = ratls_ak_create(tpm, persistent, state, err);

    if (status == RATLS_OK) {
        status = ratls_ak_state_store(folder, state, err);
        /* Nobody would know of the key any more. A second error would hide the first. */
        if (status != RATLS_OK)
            (void)!ratls_ak_remove(tpm, state, NULL);
    }
    if (status == RATLS_OK && has_old)
        status = ratls_ak_remove(tpm, &old, err);
    ratls_ak_state_clear(&old);
    return status;
}

enum ratls_status ratls_tpm_init(const struct ratls_tpm_init_options *options,
                                 struct ratls_error *err)
{
    struct ratls_ak_state state = {.algorithm = options->algorithm};
    struct ratls_tpm tpm = {0};
    enum ratls_status status;

    if (options->state_dir == NULL)
        return ratls_fail(err, RATLS_USAGE, "the state folder of the attestation key is missing");
    if (!options->replace && ratls_ak_state_exists(options->state_dir))
        return ratls_fail(
            err, RATLS_USAGE,
            "%s: there is a key already; to make a new one, which every verifier must "
            "learn again, use --replace",
            options->state_dir);
    if (options->tcti != NULL) {
        status = ratls_ak_state_check_tcti(options->tcti, err);
        if (status != RATLS_OK)
            return status;
        memcpy(state.tcti, options->tcti, strlen(options->tcti) + 1);
    }
    status = ratls_random(state.unique, sizeof state.unique, err);
    if (status == RATLS_OK)
        status = ratls_random(state.auth, sizeof state.auth, err);
    if (status == RATLS_OK)
        status = ratls_tpm_open(options->tcti, &tpm, err);
    if (status == RATLS_OK)
        status = replace_key(&tpm, options->state_dir, &state, !options->transient, err);
    ratls_tpm_close(&tpm);
    ratls_ak_state_clear(&state);
    return status;
}

enum ratls_status ratls_tpm_ak_public(const char *state_dir, uint8_t *out, size_t cap,
                                      size_t *ret_len, struct ratls_error *err)
{
    struct ratls_ak_state state = {0};
    enum ratls_status status = ratls_ak_state_load(state_dir, &state, err);

    if (status != RATLS_OK)
        return status;
    if (state.public_len > cap) {
        status = ratls_fail(err, RATLS_LIMIT, "the public area has %zu bytes", state.public_len);
    } else {
        memcpy(out, state.public_area, state.public_len);
        *ret_len = state.public_len;
    }
    ratls_ak_state_clear(&state);
    return status;
}

enum ratls_status ratls_tpm_pcr_selection(const char *tcti,
                                          struct ratls_pcr_selection *ret_selection,
                                          struct ratls_error *err)
{
    struct ratls_tpm tpm = {0};
    enum ratls_status status = ratls_tpm_open(tcti, &tpm, err);

    if (status == RATLS_OK)
        status = ratls_pcrs_allocated(&tpm, ret_selection, err);
    ratls_tpm_close(&tpm);
    return status;
}
