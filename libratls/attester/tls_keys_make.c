/* Writing what is in tls-keys: done by a person, while nobody waits. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "state_file.h"
#include "tls_key.h"
#include "tls_key_item.h"
#include "tls_keys.h"
#include "tls_keys_folder.h"

#define KEY_MODE 0600

/* state/tls-keys/HASH and what comes behind it. */
static enum ratls_status path_of(const char *state, const struct ratls_tls_key *key,
                                 const char *end, char *out, struct ratls_error *err)
{
    char name[sizeof RATLS_TLS_KEYS_FOLDER + RATLS_TLS_KEYS_NAME_MAX];
    char digits[RATLS_TLS_KEYS_DIGITS + 1];
    uint8_t spki[32];
    enum ratls_status status = ratls_tls_key_spki(key, spki, err);

    if (status != RATLS_OK)
        return status;
    ratls_hex(ratls_slice(spki, RATLS_TLS_KEYS_DIGITS / 2), digits, sizeof digits);
    snprintf(name, sizeof name, RATLS_TLS_KEYS_FOLDER "/%s%s", digits, end);
    return ratls_ak_state_path(state, name, out, err);
}

/* path: where the proof is then. */
static enum ratls_status certify(const char *state, const struct ratls_tls_key *key,
                                 struct ratls_tpm *tpm, struct ratls_ak *ak,
                                 char path[static RATLS_AK_PATH_LEN], struct ratls_error *err)
{
    uint8_t item[RATLS_TLS_KEY_ITEM_MAX];
    struct ratls_writer w = ratls_writer(item, sizeof item);
    char digits[RATLS_TLS_KEYS_DIGITS + 1], end[RATLS_TLS_KEYS_END_MAX];
    enum ratls_status status = ratls_tls_keys_ak(ak->state, digits, err);

    if (status == RATLS_OK) {
        snprintf(end, sizeof end, ".%s" RATLS_TLS_KEYS_PROOF, digits);
        status = path_of(state, key, end, path, err);
    }
    if (status == RATLS_OK)
        status = ratls_tls_key_certify(tpm, key, ak, &w, err);
    if (status == RATLS_OK)
        status = ratls_state_file_write(path, ratls_writer_slice(&w), RATLS_STATE_FILE_MODE, err);
    return status;
}

/* Does this with the folder tls-keys. */
static enum ratls_status with_folder(const char *state,
                                     enum ratls_status (*act)(const char *folder,
                                                              struct ratls_error *err),
                                     struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status = path == NULL
                                   ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                   : ratls_ak_state_path(state, RATLS_TLS_KEYS_FOLDER, path, err);

    if (status == RATLS_OK)
        status = act(path, err);
    free(path);
    return status;
}

/* To `out` last: whoever sees it there finds all else done. What nobody can use is not left. */
static enum ratls_status write_key(const char *state, const struct ratls_tls_key *key,
                                   const char *out, struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    char *pem = NULL;
    size_t len = 0;
    enum ratls_status status = path == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                            : ratls_tls_key_write(key, &pem, &len, err);

    if (status == RATLS_OK)
        status = path_of(state, key, RATLS_TLS_KEYS_KEY, path, err);
    if (status == RATLS_OK)
        status = ratls_state_file_write(path, ratls_slice(pem, len), KEY_MODE, err);
    if (status == RATLS_OK)
        status = with_folder(state, ratls_state_folder_sync, err);
    if (status == RATLS_OK) {
        status = ratls_state_file_create(out, ratls_slice(pem, len), KEY_MODE, err);
        if (status != RATLS_OK)
            (void)!ratls_state_file_remove(path, NULL);
    }
    if (pem != NULL)
        OPENSSL_clear_free(pem, len);
    free(path);
    return status;
}

/* With one more than they take, servers would not start any more. */
static enum ratls_status check_room(const char *folder, const struct ratls_ak_state *ak,
                                    struct ratls_error *err)
{
    struct ratls_tls_keys keys = {.count = 0};
    enum ratls_status status = ratls_tls_keys_load(folder, ak, &keys, err);

    if (status == RATLS_OK && keys.count == RATLS_TLS_KEYS_MAX)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s/" RATLS_TLS_KEYS_FOLDER ": there are %d keys for TLS already: "
                            "remove the files of those that no certificate has any more",
                            folder, RATLS_TLS_KEYS_MAX);
    ratls_tls_keys_clear(&keys);
    return status;
}

enum ratls_status ratls_tls_keys_make(const char *folder, const char *out, struct ratls_tpm *tpm,
                                      struct ratls_ak *ak, struct ratls_error *err)
{
    struct ratls_tls_key key;
    char *proof = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status = proof == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                             : with_folder(folder, ratls_state_folder_make, err);

    if (status == RATLS_OK)
        status = check_room(folder, ak->state, err);
    if (status == RATLS_OK)
        status = ratls_tls_key_create(tpm, &key, err);
    if (status == RATLS_OK)
        status = certify(folder, &key, tpm, ak, proof, err);
    if (status == RATLS_OK) {
        status = write_key(folder, &key, out, err);
        if (status != RATLS_OK)
            (void)!ratls_state_file_remove(proof, NULL);
    }
    free(proof);
    return status;
}

struct certifying {
    const char *state;
    struct ratls_tpm *tpm;
    const struct ratls_ak_state *ak_state;
    struct ratls_ak ak;
    bool is_loaded;
    char *proof; /* a path */
    const struct ratls_tls_keys_notice *notice;
};

/* With a transient key that may take as long as it took to make it. */
static enum ratls_status load_once(struct certifying *c, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (!c->is_loaded)
        status = ratls_ak_load(c->tpm, c->ak_state, &c->ak, err);
    c->is_loaded = status == RATLS_OK;
    return status;
}

static enum ratls_status certify_file(const char *path, const char *name, void *arg,
                                      struct ratls_error *err)
{
    struct certifying *c = arg;
    struct ratls_tls_key key;
    struct ratls_error why = {0};
    enum ratls_status status = load_once(c, err);
    char text[RATLS_ERROR_TEXT + 512];

    (void)name;
    if (status != RATLS_OK)
        return status;
    status = ratls_tls_key_read(path, &key, &why);
    if (status == RATLS_OK)
        status = certify(c->state, &key, c->tpm, &c->ak, c->proof, &why);
    if (status == RATLS_OK)
        return RATLS_OK;
    if (status != RATLS_TPM && status != RATLS_USAGE)
        return ratls_fail(err, status, "%s", why.text);
    snprintf(text, sizeof text,
             "%.200s was not certified, and clients that want the TLS key in the TPM refuse it: "
             "%s. If the TPM was cleared, make a new key with ratls init --tls-key tpm; else try "
             "again with ratls init --tls-key certify",
             path, why.text);
    if (c->notice->say != NULL)
        c->notice->say(c->notice->arg, text);
    return RATLS_OK;
}

enum ratls_status ratls_tls_keys_certify(const char *folder, struct ratls_tpm *tpm,
                                         const struct ratls_ak_state *ak,
                                         const struct ratls_tls_keys_notice *notice,
                                         struct ratls_error *err)
{
    struct certifying c = {.state = folder,
                           .tpm = tpm,
                           .ak_state = ak,
                           .proof = malloc(RATLS_AK_PATH_LEN),
                           .notice = notice};
    enum ratls_status status =
        c.proof == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                        : ratls_tls_keys_walk(folder, RATLS_TLS_KEYS_KEY, certify_file, &c, err);

    if (c.is_loaded)
        ratls_ak_unload(tpm, &c.ak);
    if (c.is_loaded && status == RATLS_OK)
        status = with_folder(folder, ratls_state_folder_sync, err);
    free(c.proof);
    return status;
}

static enum ratls_status forget_other(const char *path, const char *name, void *arg,
                                      struct ratls_error *err)
{
    return strstr(name, arg) != NULL ? RATLS_OK : ratls_state_file_remove(path, err);
}

enum ratls_status ratls_tls_keys_forget(const char *folder, const struct ratls_ak_state *ak,
                                        struct ratls_error *err)
{
    char digits[RATLS_TLS_KEYS_DIGITS + 1], end[RATLS_TLS_KEYS_END_MAX];
    enum ratls_status status = ratls_tls_keys_ak(ak, digits, err);

    if (status != RATLS_OK)
        return status;
    snprintf(end, sizeof end, ".%s" RATLS_TLS_KEYS_PROOF, digits);
    return ratls_tls_keys_walk(folder, RATLS_TLS_KEYS_PROOF, forget_other, end, err);
}
