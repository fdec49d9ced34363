/*
 * TPM2_MakeCredential without a TPM: TPM 2.0 Part 1, 24, and Part 3, 12.6. What is sealed here can
 * only be opened by the TPM with the endorsement key, and only while it has a key of exactly the
 * Name that was meant: who opens it shows that both are in one TPM.
 */
#ifndef RATLS_CA_CREDENTIAL_H
#define RATLS_CA_CREDENTIAL_H

#include <openssl/types.h>

#include "ek_template.h"

#define RATLS_CREDENTIAL_MAX 64         /* what is sealed: at most a digest of the key's nameAlg */
#define RATLS_CREDENTIAL_BLOB_MAX 132   /* two TPM2B of a digest of SHA-512 */
#define RATLS_CREDENTIAL_SECRET_MAX 512 /* RSA 4096 */

struct ratls_credential {
    uint8_t blob[RATLS_CREDENTIAL_BLOB_MAX]; /* content of a TPM2B_ID_OBJECT (Part 2, 12.4.3) */
    size_t blob_len;
    uint8_t secret[RATLS_CREDENTIAL_SECRET_MAX]; /* of a TPM2B_ENCRYPTED_SECRET (Part 2, 11.4.33) */
    size_t secret_len;
};

struct ratls_credential_wish {
    const struct ratls_ek_profile *profile;
    EVP_PKEY *key; /* the endorsement key, of this profile: ratls_ek_fits() */
    /* For ECC its area, as the TPM writes it: its x goes into the secret as it stands there. */
    struct ratls_slice area;
    struct ratls_slice name;  /* of the attestation key (Part 1, 16) */
    struct ratls_slice value; /* what is sealed; not longer than a digest of the nameAlg */
};

RATLS_MUST_CHECK enum ratls_status ratls_make_credential(const struct ratls_credential_wish *wish,
                                                         struct ratls_credential *ret_credential,
                                                         struct ratls_error *err);

#endif
