/* Reading what is in tls-keys. */
#include "tls_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "tls_key_item.h"
#include "tls_keys_folder.h"

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name);

    return len >= strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

static enum ratls_status walk_entries(DIR *entries, const char *folder, const char *end,
                                      enum ratls_status (*visit)(const char *path, const char *name,
                                                                 void *arg,
                                                                 struct ratls_error *err),
                                      void *arg, struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status = RATLS_OK;
    const struct dirent *entry;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    while (status == RATLS_OK && (entry = readdir(entries)) != NULL) {
        if (!ends_with(entry->d_name, end))
            continue;
        status = ratls_ak_state_path(folder, entry->d_name, path, err);
        if (status == RATLS_OK)
            status = visit(path, entry->d_name, arg, err);
    }
    free(path);
    return status;
}

enum ratls_status ratls_tls_keys_walk(const char *state, const char *end,
                                      enum ratls_status (*visit)(const char *path, const char *name,
                                                                 void *arg,
                                                                 struct ratls_error *err),
                                      void *arg, struct ratls_error *err)
{
    char *folder = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status;
    DIR *entries = NULL;

    if (folder == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_ak_state_path(state, RATLS_TLS_KEYS_FOLDER, folder, err);
    if (status == RATLS_OK && (entries = opendir(folder)) == NULL && errno != ENOENT)
        status = ratls_fail(err, RATLS_IO, "%s: %s", folder, strerror(errno));
    if (entries != NULL) {
        status = ratls_ak_state_check_folder(folder, err);
        if (status == RATLS_OK)
            status = walk_entries(entries, folder, end, visit, arg, err);
        closedir(entries);
    }
    free(folder);
    return status;
}

enum ratls_status ratls_tls_keys_ak(const struct ratls_ak_state *ak,
                                    char out[static RATLS_TLS_KEYS_DIGITS + 1],
                                    struct ratls_error *err)
{
    uint8_t digest[32];
    enum ratls_status status = ratls_sha256(ratls_slice(ak->name, sizeof ak->name), digest, err);

    if (status == RATLS_OK)
        ratls_hex(ratls_slice(digest, RATLS_TLS_KEYS_DIGITS / 2), out, RATLS_TLS_KEYS_DIGITS + 1);
    return status;
}

/* At most max bytes of a file; -1 and errno if it cannot be read. */
static ssize_t read_file(const char *path, uint8_t *out, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    size_t len = 0;
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && len < max) {
        got = read(fd, out + len, max - len);
        if (got > 0)
            len += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (fd >= 0)
        close(fd);
    return got < 0 ? -1 : (ssize_t)len;
}

/* Signed by the key that attests, it seems: who verifies looks at all of it. */
static enum ratls_status check_item(struct ratls_slice bytes, uint8_t spki_sha256[static 32],
                                    struct ratls_error *err)
{
    struct ratls_tls_key_item item;
    struct ratls_tpm_public key;
    struct ratls_tpm_attest attest;
    struct ratls_slice name;

    if (!ratls_tls_key_item_read(bytes, &item) || !ratls_tpm_read_public(item.public_area, &key) ||
        !ratls_tpm_read_certify(item.attest, &attest, &name) || name.len == 0)
        return ratls_fail(err, RATLS_MALFORMED, "not the proof of a key for TLS");
    return ratls_public_spki_sha256(&key, spki_sha256, err);
}

static enum ratls_status keep_proof(struct ratls_tls_keys *keys,
                                    const uint8_t spki_sha256[static 32], struct ratls_slice item,
                                    struct ratls_error *err)
{
    struct ratls_tls_key_proof *proof;
    uint8_t *copy = malloc(item.len);

    if (copy == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (keys->proofs == NULL)
        keys->proofs = calloc(RATLS_TLS_KEYS_MAX, sizeof *keys->proofs);
    if (keys->proofs == NULL) {
        free(copy);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    memcpy(copy, item.p, item.len);
    proof = &keys->proofs[keys->count++];
    memcpy(proof->spki_sha256, spki_sha256, sizeof proof->spki_sha256);
    proof->item = ratls_slice(copy, item.len);
    return RATLS_OK;
}

static enum ratls_status load_proof(const char *path, const char *name, void *arg,
                                    struct ratls_error *err)
{
    uint8_t bytes[RATLS_TLS_KEY_ITEM_MAX + 1], spki_sha256[32];
    struct ratls_tls_keys *keys = arg;
    struct ratls_error why = {0};
    enum ratls_status status;
    ssize_t len;

    (void)name;
    if (keys->count == RATLS_TLS_KEYS_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: more than %d keys for TLS: remove old ones", path,
                          RATLS_TLS_KEYS_MAX);
    len = read_file(path, bytes, sizeof bytes);
    if (len < 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    status = check_item(ratls_slice(bytes, (size_t)len), spki_sha256, &why);
    if (status != RATLS_OK)
        return ratls_fail(err, status == RATLS_MALFORMED ? RATLS_USAGE : status,
                          "%s: %s; make it again with ratls init --tls-key certify", path,
                          why.text);
    return keep_proof(keys, spki_sha256, ratls_slice(bytes, (size_t)len), err);
}

enum ratls_status ratls_tls_keys_load(const char *folder, const struct ratls_ak_state *ak,
                                      struct ratls_tls_keys *ret_keys, struct ratls_error *err)
{
    struct ratls_tls_keys keys = {.count = 0};
    char digits[RATLS_TLS_KEYS_DIGITS + 1], end[RATLS_TLS_KEYS_END_MAX];
    enum ratls_status status = ratls_tls_keys_ak(ak, digits, err);

    if (status != RATLS_OK)
        return status;
    /* Others are by another attestation key, that was or that will be. */
    snprintf(end, sizeof end, ".%s" RATLS_TLS_KEYS_PROOF, digits);
    status = ratls_tls_keys_walk(folder, end, load_proof, &keys, err);
    if (status == RATLS_OK)
        *ret_keys = keys;
    else
        ratls_tls_keys_clear(&keys);
    return status;
}

void ratls_tls_keys_clear(struct ratls_tls_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free((void *)(uintptr_t)keys->proofs[i].item.p);
    free(keys->proofs);
    *keys = (struct ratls_tls_keys){.count = 0};
}

struct ratls_slice ratls_tls_keys_find(const struct ratls_tls_keys *keys,
                                       const uint8_t spki_sha256[static 32])
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->proofs[i].spki_sha256, spki_sha256, 32) == 0)
            return keys->proofs[i].item;
    return ratls_slice(NULL, 0);
}
