/* What a person does once, before a server attests: make a key, look at what the TPM has. */
#include <ratls/attester_tpm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ak.h"
#include "crypto.h"
#include "fail.h"
#include "pcrs.h"
#include "request.h"
#include "seals.h"
#include "tls_keys.h"
#include "trusted_file.h"

#define AUTHORITY_FILE_MAX 16384
#define TLS_KEY_DEFAULT "tls.key"
#define RESETTABLE_PCRS (UINT32_C(1) << 16 | UINT32_C(1) << 23)

/* Has the keys for TLS of the folder certified by this attestation key. */
static enum ratls_status certify_all(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                     const struct ratls_tpm_init_options *options,
                                     struct ratls_error *err)
{
    const struct ratls_tls_keys_notice notice = {options->notice, options->notice_arg};

    return ratls_tls_keys_certify(options->state_dir, tpm, state, &notice, err);
}

/*
 * The old key goes last: until the folder names the new one, running servers need it, and what it
 * has certified. A sealed key cannot sign before its folder has states that were authorised.
 */
static enum ratls_status replace_key(struct ratls_tpm *tpm, struct ratls_ak_state *state,
                                     const struct ratls_tpm_init_options *options,
                                     struct ratls_error *err)
{
    const char *folder = options->state_dir;
    struct ratls_ak_state old = {0};
    bool has_old = ratls_ak_state_load(folder, &old, NULL) == RATLS_OK;
    enum ratls_status status = ratls_ak_create(tpm, !options->transient, state, err);

    if (status == RATLS_OK) {
        if (state->seals == NULL)
            status = certify_all(tpm, state, options, err);
        if (status == RATLS_OK)
            status = ratls_ak_state_store(folder, state, err);
        /* Nobody would know of the key any more. A second error would hide the first. */
        if (status != RATLS_OK)
            (void)!ratls_ak_remove(tpm, state, NULL);
    }
    if (status == RATLS_OK && has_old)
        status = ratls_ak_remove(tpm, &old, err);
    if (status == RATLS_OK)
        status = ratls_tls_keys_forget(folder, state, err);
    ratls_ak_state_clear(&old);
    return status;
}

static enum ratls_status read_authority(const char *path, struct ratls_seal_authority *ret,
                                        struct ratls_error *err)
{
    uint8_t *pem = NULL;
    struct ratls_error why = {0};
    size_t size = 0, len = 0;
    int fd = -1;
    enum ratls_status status = ratls_trusted_file_open(path, AUTHORITY_FILE_MAX, &fd, &size, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_trusted_file_read(fd, path, size, &pem, &len, err);
    close(fd);
    if (status != RATLS_OK)
        return status;
    status = ratls_seal_authority_of_pem(ratls_slice(pem, len), ret, &why);
    free(pem);
    return status == RATLS_OK ? RATLS_OK : ratls_fail(err, status, "%s: %s", path, why.text);
}

static enum ratls_status take_seal(const struct ratls_tpm_init_options *options,
                                   struct ratls_ak_state *state, struct ratls_error *err)
{
    const struct ratls_pcr_selection *selection = options->seal_selection;
    struct ratls_seal_authority authority;
    enum ratls_status status;

    if (selection == NULL && options->seal_authority == NULL)
        return RATLS_OK;
    if (selection == NULL || options->seal_authority == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "a key is sealed to PCRs by an authority: both are needed");
    if (!ratls_selection_valid(selection))
        return ratls_fail(err, RATLS_USAGE, "the PCRs to seal to are no selection");
    for (size_t i = 0; i < selection->count; i++)
        if ((selection->banks[i].pcrs & RESETTABLE_PCRS) != 0)
            return ratls_fail(err, RATLS_USAGE,
                              "everyone may reset PCRs 16 and 23: a key that is sealed to them is "
                              "not sealed");
    status = read_authority(options->seal_authority, &authority, err);
    if (status == RATLS_OK)
        status = ratls_seals_read(options->state_dir, &authority, selection, &state->seals, err);
    return status;
}

/* A TPM that does not have the PCRs says so now, and not with the first quote. */
static enum ratls_status check_pcrs(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                    struct ratls_error *err)
{
    struct ratls_seals *seals = state->seals;
    size_t len = 0;

    return seals == NULL ? RATLS_OK
                         : ratls_pcrs_read(tpm, &seals->selection, seals->values,
                                           sizeof seals->values, &len, err);
}

static enum ratls_status make_ak(const struct ratls_tpm_init_options *options,
                                 struct ratls_tpm *tpm, struct ratls_error *err)
{
    struct ratls_ak_state state = {.algorithm = options->algorithm};
    enum ratls_status status;

    if (options->tcti != NULL) {
        status = ratls_ak_state_check_tcti(options->tcti, err);
        if (status != RATLS_OK)
            return status;
        memcpy(state.tcti, options->tcti, strlen(options->tcti) + 1);
    }
    status = take_seal(options, &state, err);
    if (status == RATLS_OK)
        status = ratls_random(state.unique, sizeof state.unique, err);
    if (status == RATLS_OK)
        status = ratls_random(state.auth, sizeof state.auth, err);
    if (status == RATLS_OK)
        status = ratls_tpm_open(options->tcti, tpm, err);
    if (status == RATLS_OK)
        status = check_pcrs(tpm, &state, err);
    if (status == RATLS_OK)
        status = replace_key(tpm, &state, options, err);
    ratls_ak_state_clear(&state);
    return status;
}

static enum ratls_status make_tls_key(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                      const struct ratls_tpm_init_options *options, const char *out,
                                      struct ratls_error *err)
{
    struct ratls_ak ak;
    enum ratls_status status = ratls_ak_load(tpm, state, &ak, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_tls_keys_make(options->state_dir, out, tpm, &ak, err);
    ratls_ak_unload(tpm, &ak);
    return status;
}

/* By the attestation key of the folder, whether it was made now or is there already. */
static enum ratls_status make_tls_keys(const struct ratls_tpm_init_options *options, bool makes_ak,
                                       const char *out, struct ratls_tpm *tpm,
                                       struct ratls_error *err)
{
    struct ratls_ak_state state = {0};
    const char *tcti = options->tcti;
    enum ratls_status status;

    if (options->tls_key == RATLS_TPM_TLS_KEY_NONE && options->seal_selection == NULL)
        return RATLS_OK;
    status = ratls_ak_state_load(options->state_dir, &state, err);
    if (tcti == NULL && state.tcti[0] != '\0')
        tcti = state.tcti;
    if (status == RATLS_OK && !ratls_tpm_is_open(tpm))
        status = ratls_tpm_open(tcti, tpm, err);
    if (status == RATLS_OK &&
        (makes_ak ? state.seals != NULL : options->tls_key == RATLS_TPM_TLS_KEY_CERTIFY))
        status = certify_all(tpm, &state, options, err);
    if (status == RATLS_OK && options->tls_key == RATLS_TPM_TLS_KEY_MAKE)
        status = make_tls_key(tpm, &state, options, out, err);
    ratls_ak_state_clear(&state);
    return status;
}

/* That a key works in every state from now on is nothing that happens by leaving options out. */
static enum ratls_status check_unsealed(const struct ratls_tpm_init_options *options,
                                        struct ratls_error *err)
{
    struct ratls_ak_state old = {0};
    struct ratls_error why = {0};
    enum ratls_status status = ratls_ak_state_load(options->state_dir, &old, &why);
    const bool is_sealed = old.seals != NULL;

    ratls_ak_state_clear(&old);
    if (status == RATLS_MEMORY)
        return ratls_fail(err, status, "%s", why.text);
    if (status != RATLS_OK)
        return ratls_fail(err, RATLS_USAGE,
                          "whether the key that is there is sealed cannot be read (%s): say "
                          "--unsealed, or --seal-to-pcrs and --seal-authority, for the new one",
                          why.text);
    if (is_sealed)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: the key that is there is sealed, and the new one would not be: say "
                          "to what with --seal-to-pcrs and --seal-authority, or --unsealed",
                          options->state_dir);
    return RATLS_OK;
}

/* What can go wrong without the TPM goes wrong before it is asked. */
static enum ratls_status check_options(const struct ratls_tpm_init_options *options, bool has_ak,
                                       char *out, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (has_ak && !options->replace && options->tls_key == RATLS_TPM_TLS_KEY_NONE)
        return ratls_fail(
            err, RATLS_USAGE,
            "%s: there is a key already; to make a new one, which every verifier must "
            "learn again, use --replace",
            options->state_dir);
    if (!has_ak && options->tls_key == RATLS_TPM_TLS_KEY_CERTIFY)
        return ratls_fail(err, RATLS_USAGE, "%s: there is no attestation key that could certify",
                          options->state_dir);
    if (has_ak && !options->replace &&
        (options->seal_selection != NULL || options->seal_authority != NULL))
        return ratls_fail(err, RATLS_USAGE, "%s: the attestation key is there, and stays as it is",
                          options->state_dir);
    if (has_ak && options->replace && options->seal_selection == NULL && !options->unsealed)
        status = check_unsealed(options, err);
    if (status != RATLS_OK)
        return status;
    if (options->tls_key_out == NULL)
        status = ratls_ak_state_path(options->state_dir, TLS_KEY_DEFAULT, out, err);
    else if (snprintf(out, RATLS_AK_PATH_LEN, "%s", options->tls_key_out) >= RATLS_AK_PATH_LEN)
        status = ratls_fail(err, RATLS_USAGE, "the path of the key for TLS is too long");
    if (status == RATLS_OK && options->tls_key == RATLS_TPM_TLS_KEY_MAKE && access(out, F_OK) == 0)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: there is a key for TLS already; for one more, beside it, name "
                            "another file with --tls-key-out",
                            out);
    return status;
}

enum ratls_status ratls_tpm_init(const struct ratls_tpm_init_options *options,
                                 struct ratls_error *err)
{
    struct ratls_tpm tpm = {0};
    bool makes_ak, has_ak;
    enum ratls_status status;
    char *out;

    if (options->state_dir == NULL)
        return ratls_fail(err, RATLS_USAGE, "the state folder of the attestation key is missing");
    out = malloc(RATLS_AK_PATH_LEN);
    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    has_ak = ratls_ak_state_exists(options->state_dir);
    makes_ak = !has_ak || options->replace;
    status = check_options(options, has_ak, out, err);
    if (status == RATLS_OK && makes_ak)
        status = make_ak(options, &tpm, err);
    if (status == RATLS_OK)
        status = make_tls_keys(options, makes_ak, out, &tpm, err);
    ratls_tpm_close(&tpm);
    free(out);
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
