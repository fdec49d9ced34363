/*
 * Attestations, signatures and keys in the forms in which tools write them to files: for people.
 * The signature is checked with the scheme and the hash that it names itself, also with SHA-1; a
 * verdict rests on the library's own, which takes only those of the key (crypto.h).
 */
#ifndef RATLS_TOOL_QUOTE_FILE_H
#define RATLS_TOOL_QUOTE_FILE_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "tpm_wire.h"

/* TPMS_ATTEST, or TPM2B_ATTEST. *ret_attest is the TPMS_ATTEST, whatever is in it. */
bool ratls_is_attestation(struct ratls_slice bytes, struct ratls_slice *ret_attest);
bool ratls_is_quote(struct ratls_slice attest);

/*
 * A key to check signatures with, NULL if it is none: TPM2B_PUBLIC, TPMT_PUBLIC, a public key or a
 * certificate in PEM or DER. The caller frees it.
 */
EVP_PKEY *ratls_ak_read(struct ratls_slice bytes);

/* TPMT_SIGNATURE, or the signature alone: of RSA, or of ECDSA in DER or as r and s. */
struct ratls_signature_file {
    struct ratls_tpm_signature tpmt;
    struct ratls_slice alone; /* empty: tpmt says all */
};

struct ratls_signature_file ratls_signature_file(struct ratls_slice bytes);
/*
 * *ret_good: whether it is one over the message by the key; of a signature alone each hash and each
 * padding is tried. *ret_hash: the one it was made with, 0 if that is not known.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_signature_file_check(const struct ratls_signature_file *signature, EVP_PKEY *key,
                           struct ratls_slice message, bool *ret_good, uint16_t *ret_hash,
                           struct ratls_error *err);

#endif
