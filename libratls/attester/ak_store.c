/* Writing the folder of an attestation key. */
#include "ak_state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "state_file.h"

#define CONF_MAX 1024 /* but for the lines about sealing */

/* NCONF would take these for quoting, comments or variables. */
enum ratls_status ratls_ak_state_check_tcti(const char *tcti, struct ratls_error *err)
{
    size_t i;

    if (strlen(tcti) >= RATLS_TCTI_MAX)
        return ratls_fail(err, RATLS_USAGE, "the TCTI configuration has more than %d characters",
                          RATLS_TCTI_MAX - 1);
    for (i = 0; tcti[i] != '\0'; i++)
        if (!isgraph((unsigned char)tcti[i]) || strchr("\"'`\\$#;", tcti[i]) != NULL)
            return ratls_fail(err, RATLS_USAGE,
                              "the TCTI configuration has a character that ak.conf cannot hold, "
                              "at position %zu",
                              i + 1);
    return RATLS_OK;
}

static enum ratls_status write_conf(const char *path, const struct ratls_ak_state *state,
                                    struct ratls_error *err)
{
    char text[CONF_MAX + RATLS_AK_SEAL_LINES];
    char unique[2 * RATLS_AK_UNIQUE_LEN + 1];
    char auth[2 * RATLS_AK_AUTH_LEN + 1];
    enum ratls_status status;
    char name[2 * RATLS_AK_NAME_LEN + 1];
    char handle[16] = "transient";
    bool has_tcti = state->tcti[0] != '\0';

    ratls_hex(ratls_slice(state->unique, sizeof state->unique), unique, sizeof unique);
    ratls_hex(ratls_slice(state->auth, sizeof state->auth), auth, sizeof auth);
    ratls_hex(ratls_slice(state->name, sizeof state->name), name, sizeof name);
    if (state->handle != 0)
        snprintf(handle, sizeof handle, "0x%08x", state->handle);
    snprintf(text, CONF_MAX,
             "# Attestation key of ratls; made by ratls init. Secret: let only the server read it\n"
             "algorithm = %s\nhandle = %s\nunique = %s\nauth = %s\nname = %s\n%s%s%s",
             state->algorithm == RATLS_AK_RSA_2048 ? "rsa-2048" : "ecdsa-p256", handle, unique,
             auth, name, has_tcti ? "tcti = " : "", state->tcti, has_tcti ? "\n" : "");
    ratls_ak_state_seal_lines(state, text + strlen(text));
    status =
        ratls_state_file_write(path, ratls_slice(text, strlen(text)), RATLS_STATE_FILE_MODE, err);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(auth, sizeof auth);
    return status;
}

enum ratls_status ratls_ak_state_store(const char *folder, const struct ratls_ak_state *state,
                                       struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_state_folder_make(folder, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.crt", path, err);
    if (status == RATLS_OK)
        status = ratls_state_file_remove(path, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.pub", path, err);
    if (status == RATLS_OK)
        status = ratls_state_file_write(path, ratls_slice(state->public_area, state->public_len),
                                        RATLS_STATE_FILE_MODE, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.conf", path, err);
    if (status == RATLS_OK)
        status = write_conf(path, state, err);
    if (status == RATLS_OK)
        status = ratls_state_folder_sync(folder, err);
    free(path);
    return status;
}
