/*
 * What an attestation key must be, whoever asks: a verifier of its quotes, or a CA before it
 * certifies the key.
 */
#ifndef RATLS_AK_FORM_H
#define RATLS_AK_FORM_H

#include "findings.h"
#include "tpm_wire.h"

/* Algorithms of attestation keys, a bit set. */
enum ratls_algorithms {
    RATLS_ALLOW_ECDSA_P256 = 1,
    RATLS_ALLOW_ECDSA_P384 = 2,
    RATLS_ALLOW_ECDSA_P521 = 4,
    RATLS_ALLOW_RSASSA = 8, /* 2048 bits or more */
    RATLS_ALLOW_RSAPSS = 16,
    RATLS_ALLOW_ALL = 31,
};

/* For a report. */
struct ratls_ak_words {
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
};

/*
 * Part 2, 8.3. Restricted: the TPM signs with it only what it made itself. A key that is not could
 * sign a TPMS_ATTEST that somebody wrote by hand. How its use is authorised (userWithAuth,
 * authPolicy) is the attester's own affair.
 */
bool ratls_ak_has_attributes(const struct ratls_tpm_public *ak);
void ratls_ak_say_attributes(const struct ratls_tpm_public *ak, struct ratls_ak_words *out);

/*
 * Whether its scheme, with a hash of SHA-2, is among the bits allowed. Curves, and length and
 * exponent of RSA, that nobody should use are no key at all: ratls_public_key().
 */
bool ratls_ak_has_algorithm(const struct ratls_tpm_public *ak, unsigned allowed);
void ratls_ak_say_algorithm(const struct ratls_tpm_public *ak, unsigned allowed,
                            struct ratls_ak_words *out);

#endif
