#include "seal_scene.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pcrs.h"

const struct ratls_pcr_selection seal_scene_pcrs = {1, {{RATLS_ALG_SHA256, 1u << 0 | 1u << 7}}};

struct seal_scene_authority seal_scene_authority_new(const char *name, const char *algorithm)
{
    struct seal_scene_authority authority = {
        .key = strcmp(algorithm, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                             : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")};
    struct ratls_error err = {0};
    FILE *file;

    cr_assert_not_null(authority.key);
    assert_ok(ratls_seal_authority_of_key(authority.key, &authority.area, &err), &err);
    snprintf(authority.path, sizeof authority.path, "%s/%s.pub", f.tpm.folder, name);
    file = fopen(authority.path, "w");
    cr_assert(file != NULL && PEM_write_PUBKEY(file, authority.key) == 1 && fclose(file) == 0);
    return authority;
}

void seal_scene_init(const struct seal_scene_authority *authority, bool transient)
{
    const struct ratls_tpm_init_options options = {.state_dir = f.state,
                                                   .tcti = f.tpm.tcti,
                                                   .transient = transient,
                                                   .seal_selection = &seal_scene_pcrs,
                                                   .seal_authority = authority->path};
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_init(&options, &err), &err);
}

void seal_scene_read(const char *tcti, const struct ratls_pcr_selection *selection,
                     struct seal_scene_state *ret)
{
    struct ratls_tpm tpm = {0};
    struct ratls_error err = {0};
    size_t len = 0;

    memset(ret, 0, sizeof *ret);
    assert_ok(ratls_tpm_open(tcti, &tpm, &err), &err);
    assert_ok(ratls_pcrs_read(&tpm, selection, ret->values, sizeof ret->values, &len, &err), &err);
    ratls_tpm_close(&tpm);
    ret->seal.selection = *selection;
    ret->seal.values = ratls_slice(ret->values, len);
}

void seal_scene_foresee(struct seal_scene_state *state, unsigned pcr, uint8_t value)
{
    const struct ratls_pcr_bank before = {RATLS_ALG_SHA256,
                                          state->seal.selection.banks[0].pcrs & ((1u << pcr) - 1)};
    uint8_t *place = state->values + ratls_tpm_selection_values_len(&before, 1);
    uint8_t added[32];
    const struct ratls_slice parts[] = {ratls_slice(place, 32), ratls_slice(added, 32)};

    memset(added, value, sizeof added);
    cr_assert(ratls_digest(RATLS_ALG_SHA256, parts, 2, place, NULL) == RATLS_OK);
}

void seal_scene_sign(struct seal_scene_state *state, const struct seal_scene_authority *authority)
{
    struct ratls_error err = {0};
    size_t len = 0;

    state->seal.authority = ratls_slice(authority->area.name, RATLS_SEAL_NAME_LEN);
    assert_ok(ratls_seal_authority_sign(authority->key, &state->seal, state->signature, &len, &err),
              &err);
    state->seal.signature = ratls_slice(state->signature, len);
}

static void make_path(const char *name, char out[static PATH_LEN])
{
    snprintf(out, PATH_LEN, "%.128s/seal", f.state);
    mkdir(out, 0750);
    snprintf(out, PATH_LEN, "%.128s/seal/%s.cbor", f.state, name);
}

void seal_scene_write_bytes(const void *bytes, size_t len, const char *name)
{
    char path[PATH_LEN], temporary[PATH_LEN + 8];
    FILE *file;

    make_path(name, path);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    file = fopen(temporary, "w");
    cr_assert(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
    cr_assert(rename(temporary, path) == 0);
}

void seal_scene_write(const struct seal_scene_state *state, const char *name)
{
    static uint8_t bytes[RATLS_SEAL_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    ratls_seal_write(&state->seal, &w);
    cr_assert_not(w.failed);
    seal_scene_write_bytes(bytes, w.len, name);
}

void seal_scene_remove(const char *name)
{
    char path[PATH_LEN];

    make_path(name, path);
    cr_assert_eq(unlink(path), 0);
}

void seal_scene_authorize_now(const struct seal_scene_authority *authority, const char *name)
{
    struct seal_scene_state state;

    seal_scene_read(f.tpm.tcti, &seal_scene_pcrs, &state);
    state.seal.comment = ratls_slice(name, strlen(name));
    seal_scene_sign(&state, authority);
    seal_scene_write(&state, name);
}
