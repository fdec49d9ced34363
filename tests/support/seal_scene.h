/*
 * What the tests of sealed attestation keys share: authorities, whose keys are not in the TPM, and
 * states of f.tpm that they authorise.
 */
#ifndef RATLS_TEST_SEAL_SCENE_H
#define RATLS_TEST_SEAL_SCENE_H

#include "attester_fixture.h"
#include "seal_authority.h"

struct seal_scene_authority {
    EVP_PKEY *key;
    struct ratls_seal_authority area;
    char path[PATH_LEN]; /* its public key, PEM, in the folder of f.tpm */
};

/* PCRs 0 and 7 of the SHA-256 bank. */
extern const struct ratls_pcr_selection seal_scene_pcrs;

/* algorithm: "EC" (P-256), "RSA" (2048 bits). The caller frees key. */
struct seal_scene_authority seal_scene_authority_new(const char *name, const char *algorithm);
/* A sealed key in f.state. */
void seal_scene_init(const struct seal_scene_authority *authority, bool transient);

/* A state: the values as they are now, in what the tests change. */
struct seal_scene_state {
    struct ratls_seal seal;
    uint8_t values[RATLS_PCR_VALUES_MAX];
    uint8_t signature[RATLS_SEAL_SIGNATURE_MAX];
};

/* Over tcti, without a signature. */
void seal_scene_read(const char *tcti, const struct ratls_pcr_selection *selection,
                     struct seal_scene_state *ret);
/* What extending a PCR of the bank SHA-256 with 32 bytes of this value will make of it. */
void seal_scene_foresee(struct seal_scene_state *state, unsigned pcr, uint8_t value);
void seal_scene_sign(struct seal_scene_state *state, const struct seal_scene_authority *authority);
/* Into f.state/seal/NAME.cbor. */
void seal_scene_write(const struct seal_scene_state *state, const char *name);
void seal_scene_write_bytes(const void *bytes, size_t len, const char *name);
void seal_scene_remove(const char *name);
/* The state that f.tpm is in is authorised. */
void seal_scene_authorize_now(const struct seal_scene_authority *authority, const char *name);

#endif
