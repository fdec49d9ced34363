#include "ak_state.h"

#include <errno.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "seals.h"

#define HANDLE_FIRST 0x81000000u /* TPM 2.0 Part 2, 7.4: persistent objects */
#define HANDLE_LAST 0x81ffffffu

enum ratls_status ratls_ak_state_path(const char *folder, const char *file,
                                      char out[static RATLS_AK_PATH_LEN], struct ratls_error *err)
{
    int len = snprintf(out, RATLS_AK_PATH_LEN, "%s/%s", folder, file);

    if (len < 0 || len >= RATLS_AK_PATH_LEN)
        return ratls_fail(err, RATLS_USAGE, "the path of the state folder is too long");
    return RATLS_OK;
}

bool ratls_ak_state_exists(const char *folder)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    /* What cannot be looked at is taken for a key: it must not be overwritten. */
    bool exists = true;

    if (path != NULL && ratls_ak_state_path(folder, "ak.conf", path, NULL) == RATLS_OK)
        exists = access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
    free(path);
    return exists;
}

static enum ratls_status get_value(CONF *conf, const char *path, const char *key,
                                   const char **ret_value, struct ratls_error *err)
{
    const char *value = NCONF_get_string(conf, NULL, key);

    if (value == NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: %s is missing", path, key);
    *ret_value = value;
    return RATLS_OK;
}

static enum ratls_status get_hex(CONF *conf, const char *path, const char *key, uint8_t *out,
                                 size_t len, struct ratls_error *err)
{
    const char *value = NULL;
    enum ratls_status status = get_value(conf, path, key, &value, err);

    if (status == RATLS_OK && !ratls_unhex(value, out, len))
        status = ratls_fail(err, RATLS_USAGE, "%s: %s must be %zu hexadecimal digits", path, key,
                            2 * len);
    return status;
}

static enum ratls_status get_algorithm(CONF *conf, const char *path,
                                       enum ratls_ak_algorithm *ret_algorithm,
                                       struct ratls_error *err)
{
    const char *value = NULL;
    enum ratls_status status = get_value(conf, path, "algorithm", &value, err);

    if (status != RATLS_OK)
        return status;
    if (strcmp(value, "ecdsa-p256") == 0)
        *ret_algorithm = RATLS_AK_ECDSA_P256;
    else if (strcmp(value, "rsa-2048") == 0)
        *ret_algorithm = RATLS_AK_RSA_2048;
    else
        return ratls_fail(err, RATLS_USAGE, "%s: algorithm must be ecdsa-p256 or rsa-2048", path);
    return RATLS_OK;
}

static enum ratls_status get_handle(CONF *conf, const char *path, uint32_t *ret_handle,
                                    struct ratls_error *err)
{
    const char *value = NULL;
    enum ratls_status status = get_value(conf, path, "handle", &value, err);
    unsigned long handle;
    char *end = NULL;

    if (status != RATLS_OK)
        return status;
    if (strcmp(value, "transient") == 0) {
        *ret_handle = 0;
        return RATLS_OK;
    }
    handle = strtoul(value, &end, 16);
    if (*value == '\0' || *end != '\0' || handle < HANDLE_FIRST || handle > HANDLE_LAST)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: handle must be transient, or lie between 0x%x and 0x%x", path,
                          HANDLE_FIRST, HANDLE_LAST);
    *ret_handle = (uint32_t)handle;
    return RATLS_OK;
}

static enum ratls_status get_tcti(CONF *conf, const char *path, char out[static RATLS_TCTI_MAX],
                                  struct ratls_error *err)
{
    const char *value = NCONF_get_string(conf, NULL, "tcti");

    if (value == NULL)
        value = "";
    if (snprintf(out, RATLS_TCTI_MAX, "%s", value) >= RATLS_TCTI_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: tcti is too long", path);
    return RATLS_OK;
}

enum ratls_status ratls_ak_state_check_folder(const char *folder, struct ratls_error *err)
{
    struct stat st;

    if (stat(folder, &st) == 0 && (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: everyone may write to this folder and so replace the key: take that "
                          "right away with chmod o-w",
                          folder);
    return RATLS_OK;
}

static enum ratls_status check_mode(const char *path, FILE *file, struct ratls_error *err)
{
    struct stat st;

    if (fstat(fileno(file), &st) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if ((st.st_mode & S_IWOTH) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: everyone may write to this file and so choose the TPM: take that "
                          "right away with chmod o-w",
                          path);
    if ((st.st_mode & S_IROTH) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: everyone may read this file and so the key's secret: take that "
                          "right away with chmod o-r; if others could read it, make a new key",
                          path);
    return RATLS_OK;
}

static enum ratls_status read_conf(const char *folder, const char *path,
                                   struct ratls_ak_state *state, struct ratls_error *err)
{
    CONF *conf = NULL;
    FILE *file = fopen(path, "re");
    enum ratls_status status;
    long line = 0;

    if (file == NULL && errno == ENOENT)
        return ratls_fail(err, RATLS_IO, "%s: %s: make a key with ratls init", path,
                          strerror(errno));
    if (file == NULL && errno == EACCES)
        return ratls_fail(err, RATLS_IO, "%s: %s: run this as root, or as who may read the key",
                          path, strerror(errno));
    if (file == NULL)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    status = check_mode(path, file, err);
    if (status != RATLS_OK)
        goto out;
    conf = NCONF_new(NULL);
    if (conf == NULL) {
        status = ratls_fail(err, RATLS_MEMORY, "%s: out of memory", path);
        goto out;
    }
    if (NCONF_load_fp(conf, file, &line) != 1) {
        status = ratls_fail(err, RATLS_USAGE, "%s:%ld: not a line of the form key = value", path,
                            line < 0 ? 0 : line);
        goto out;
    }
    status = get_algorithm(conf, path, &state->algorithm, err);
    if (status == RATLS_OK)
        status = get_handle(conf, path, &state->handle, err);
    if (status == RATLS_OK)
        status = get_hex(conf, path, "unique", state->unique, sizeof state->unique, err);
    if (status == RATLS_OK)
        status = get_hex(conf, path, "auth", state->auth, sizeof state->auth, err);
    if (status == RATLS_OK)
        status = get_hex(conf, path, "name", state->name, sizeof state->name, err);
    if (status == RATLS_OK)
        status = get_tcti(conf, path, state->tcti, err);
    if (status == RATLS_OK)
        status =
            ratls_ak_state_read_seal(folder, NCONF_get_string(conf, NULL, "sealed-to"),
                                     NCONF_get_string(conf, NULL, "seal-authority"), state, err);
out:
    NCONF_free(conf);
    fclose(file);
    return status;
}

static enum ratls_status read_public(const char *path, struct ratls_ak_state *state,
                                     struct ratls_error *err)
{
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    len = fread(state->public_area, 1, sizeof state->public_area, file);
    if (ferror(file) != 0 || fgetc(file) != EOF || len == 0) {
        fclose(file);
        return ratls_fail(err, RATLS_USAGE, "%s: not the public area of a key", path);
    }
    fclose(file);
    state->public_len = len;
    return RATLS_OK;
}

/* The Name is what the TPM's key is compared with, the public area what goes into the evidence. */
static enum ratls_status check_name(const char *path, const struct ratls_ak_state *state,
                                    struct ratls_error *err)
{
    uint8_t name[RATLS_AK_NAME_LEN] = {RATLS_ALG_SHA256 >> 8, RATLS_ALG_SHA256 & 0xff};
    enum ratls_status status =
        ratls_sha256(ratls_slice(state->public_area, state->public_len), name + 2, err);

    if (status == RATLS_OK && memcmp(name, state->name, sizeof name) != 0)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: not the key that ak.conf names; make a new one with "
                            "ratls init --replace",
                            path);
    return status;
}

static enum ratls_status read_certificates(const char *path, struct ratls_ak_state *state,
                                           struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    FILE *file = fopen(path, "re");
    char *name = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long len = 0;

    if (file == NULL)
        return errno == ENOENT ? RATLS_OK
                               : ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    while (status == RATLS_OK && PEM_read(file, &name, &header, &der, &len) == 1) {
        if (strcmp(name, PEM_STRING_X509) != 0 || len > RATLS_CERTIFICATE_MAX)
            status = ratls_fail(err, RATLS_USAGE, "%s: only certificates of at most %d bytes", path,
                                RATLS_CERTIFICATE_MAX);
        else if (state->certificate_count == RATLS_CERTIFICATES_MAX)
            status = ratls_fail(err, RATLS_USAGE, "%s: more than %d certificates", path,
                                RATLS_CERTIFICATES_MAX);
        else
            state->certificates[state->certificate_count++] = ratls_slice(der, (size_t)len);
        if (status != RATLS_OK)
            OPENSSL_free(der);
        OPENSSL_free(name);
        OPENSSL_free(header);
    }
    if (status == RATLS_OK && (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE ||
                               state->certificate_count == 0))
        status = ratls_fail(err, RATLS_USAGE, "%s: not certificates in PEM form", path);
    fclose(file);
    return status;
}

enum ratls_status ratls_ak_state_load(const char *folder, struct ratls_ak_state *ret_state,
                                      struct ratls_error *err)
{
    struct ratls_ak_state state = {0};
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    /* What OpenSSL says about a missing key or the end of a file is not the program's business. */
    ERR_set_mark();
    status = ratls_ak_state_check_folder(folder, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.conf", path, err);
    if (status == RATLS_OK)
        status = read_conf(folder, path, &state, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.pub", path, err);
    if (status == RATLS_OK)
        status = read_public(path, &state, err);
    if (status == RATLS_OK)
        status = check_name(path, &state, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_check_seal(path, &state, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(folder, "ak.crt", path, err);
    if (status == RATLS_OK)
        status = read_certificates(path, &state, err);
    ERR_pop_to_mark();
    free(path);
    if (status != RATLS_OK) {
        ratls_ak_state_clear(&state);
        return status;
    }
    *ret_state = state;
    OPENSSL_cleanse(state.auth, sizeof state.auth);
    return RATLS_OK;
}

void ratls_ak_state_clear(struct ratls_ak_state *state)
{
    size_t i;

    for (i = 0; i < state->certificate_count; i++)
        OPENSSL_free((void *)(uintptr_t)state->certificates[i].p);
    state->certificate_count = 0;
    ratls_seals_free(state->seals);
    state->seals = NULL;
    OPENSSL_cleanse(state->auth, sizeof state->auth);
}
