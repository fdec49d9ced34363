/*
 * What a certificate says of a TPM, in the directoryNames of its subjectAltName (TCG EK Credential
 * Profile, 3.1.2): that of an endorsement key, or one that a CA made for an attestation key of a
 * software TPM.
 */
#ifndef RATLS_CRYPTO_TPM_MAKER_H
#define RATLS_CRYPTO_TPM_MAKER_H

#include <openssl/x509v3.h>
#include <stdbool.h>

#include "bytes.h"

#define RATLS_TPM_MAKER_TEXT_MAX 128

/* Escaped, cut to fit; "": not said. */
struct ratls_tpm_maker {
    char manufacturer[RATLS_TPM_MAKER_TEXT_MAX]; /* "id:49465800": a vendor ID of the TCG */
    char model[RATLS_TPM_MAKER_TEXT_MAX];
    char version[RATLS_TPM_MAKER_TEXT_MAX];
    bool is_software; /* by one of these, or by another mark: what it signs proves nothing */
};

void ratls_tpm_maker_read(const GENERAL_NAMES *names, struct ratls_tpm_maker *ret_maker);

/* As a directoryName, in which ratls_tpm_maker_read() finds the same. NULL if memory is short. */
X509_NAME *ratls_tpm_maker_name(const struct ratls_tpm_maker *maker);

/*
 * Whether a certificate says that it is of a key in a software TPM. One that cannot be read, or
 * whose names cannot, counts as such.
 */
bool ratls_certificate_is_software(X509 *certificate);
bool ratls_der_is_software(struct ratls_slice certificate);

#endif
