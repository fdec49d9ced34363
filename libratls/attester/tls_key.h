/*
 * A key for TLS in the TPM: P-256, made there and bound to it, a child of the primary key that
 * tpm2-openssl makes of the owner's hierarchy. Servers use it through that provider; the attester
 * only makes it, and lets the attestation key certify it (TPM 2.0 Part 3, 18.2).
 */
#ifndef RATLS_ATTESTER_TLS_KEY_H
#define RATLS_ATTESTER_TLS_KEY_H

#include "ak.h"

/* As the TPM gave it out: no other can load it. Whoever has it and this TPM can use the key. */
struct ratls_tls_key {
    TPM2B_PUBLIC area;
    TPM2B_PRIVATE blob;
};

RATLS_MUST_CHECK enum ratls_status
ratls_tls_key_create(struct ratls_tpm *tpm, struct ratls_tls_key *ret_key, struct ratls_error *err);

/* SHA-256 of the SubjectPublicKeyInfo that its certificates have. */
RATLS_MUST_CHECK enum ratls_status ratls_tls_key_spki(const struct ratls_tls_key *key,
                                                      uint8_t out[static 32],
                                                      struct ratls_error *err);

/*
 * The proof that the key is in the TPM of ak (tls_key_item.h). RATLS_TPM if this TPM cannot load
 * the key: it was cleared, or is another one.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_tls_key_certify(struct ratls_tpm *tpm, const struct ratls_tls_key *key, struct ratls_ak *ak,
                      struct ratls_writer *w, struct ratls_error *err);

/*
 * The file that tpm2-openssl loads: PEM, "TSS2 PRIVATE KEY" (draft-bottomley-tpm2-keys). The caller
 * frees *ret_pem with OPENSSL_free(). read takes only what write has written; RATLS_USAGE says in
 * words what is wrong with `path`.
 */
RATLS_MUST_CHECK enum ratls_status ratls_tls_key_write(const struct ratls_tls_key *key,
                                                       char **ret_pem, size_t *ret_len,
                                                       struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_tls_key_read(const char *path, struct ratls_tls_key *ret_key, struct ratls_error *err);

#endif
