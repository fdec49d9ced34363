/*
 * The keys for TLS of a state folder, in its folder tls-keys: two files for each, HASH.key (the key
 * itself: tls_key.h) and HASH.AK.cbor (the proof that it is in the TPM: tls_key_item.h). HASH and
 * AK are the first 16 digits of SHA-256 of the key's SubjectPublicKeyInfo, and of the Name of the
 * attestation key that has certified it. So proofs by a new attestation key can be there before it
 * takes over, and whoever is interrupted leaves nothing that does not fit.
 */
#ifndef RATLS_ATTESTER_TLS_KEYS_H
#define RATLS_ATTESTER_TLS_KEYS_H

#include "ak.h"
#include "evidence.h"

#define RATLS_TLS_KEYS_MAX                                                                         \
    64 /* two for each certificate of a machine, while one follows another                         \
        */

/* The proofs by one attestation key, as a server that attests needs them. */
struct ratls_tls_keys {
    size_t count;
    struct ratls_tls_key_proof {
        uint8_t spki_sha256[32];
        struct ratls_slice item; /* owned */
    } * proofs;
};

/* Reads them all. RATLS_USAGE if a file is not what it should be: it says which. */
RATLS_MUST_CHECK enum ratls_status ratls_tls_keys_load(const char *folder,
                                                       const struct ratls_ak_state *ak,
                                                       struct ratls_tls_keys *ret_keys,
                                                       struct ratls_error *err);
void ratls_tls_keys_clear(struct ratls_tls_keys *keys);
/* Empty if there is none of this key. Borrows. */
struct ratls_slice ratls_tls_keys_find(const struct ratls_tls_keys *keys,
                                       const uint8_t spki_sha256[static 32]);

/*
 * Makes one more key, has it certified, and writes its files; the key also to `out`, which must not
 * be there yet.
 */
RATLS_MUST_CHECK enum ratls_status ratls_tls_keys_make(const char *folder, const char *out,
                                                       struct ratls_tpm *tpm, struct ratls_ak *ak,
                                                       struct ratls_error *err);

/* Whom to tell what went wrong with one key, while others are gone on with. */
struct ratls_tls_keys_notice {
    void (*say)(void *arg, const char *text); /* may be NULL */
    void *arg;
};
/*
 * Has all keys of the folder certified by ak, which is loaded if there is one. One that the TPM
 * cannot load any more is told of; so is what else goes wrong with one.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_tls_keys_certify(const char *folder, struct ratls_tpm *tpm, const struct ratls_ak_state *ak,
                       const struct ratls_tls_keys_notice *notice, struct ratls_error *err);
/* Removes the proofs by all other attestation keys. */
RATLS_MUST_CHECK enum ratls_status
ratls_tls_keys_forget(const char *folder, const struct ratls_ak_state *ak, struct ratls_error *err);

#endif
